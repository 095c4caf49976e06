"""Disagreement of an annotator with known labels: where it is more than chance, the two follow different rules."""

from __future__ import annotations

from collections.abc import Mapping

from classwright_tools.annotation.agreement import agreement
from classwright_tools.domain.annotation import Annotation, Answer
from classwright_tools.domain.excerpt import SHORT, listed, shortened
from classwright_tools.domain.label_sets import key_in_words
from classwright_tools.domain.pair import joined, shown
from classwright_tools.domain.task import Task

LOW = 0.7
"""If even the high end of the agreement's interval is below it, more than three in ten labels differ, whichever checks
were drawn: a classifier of such labels learns two answers to one question."""
MOST_SHOWN = 6


def other_rules(
    annotation: Annotation, answered: Mapping[str, Answer], known: Mapping[str, str], task: Task
) -> tuple[str, str]:
    """Return that labels given and `known` ones follow different rules, with the checks that show it; and the step.

    Both are "" where the agreement may be high enough. Checks are training and validation rows, so no test row is told.
    """
    checked = agreement(answered, known, task)
    if checked is None or checked[0].high >= LOW:
        return "", ""
    text = {row.row: shown(joined(row.text, row.text_pair)) for row in annotation.rows}
    given = {row: answered[row] for row in known if row in answered}
    apart = (
        f"{shortened(text[row], SHORT)!r} (row {row}) is {key_in_words(known[row])!r} and was answered "
        f"{answer.in_words(task)}"
        for row, answer in given.items()
        if answer.key(task) not in (None, known[row]) or answer.fits_none(task)
    )
    remark = (
        f" Agreement with known labels is at best {checked[0].high:.0%}: these labels and those follow different "
        "rules, and what is learnt from both, the labels' shares too, is as doubtful. They differ in: "
        f"{listed(apart, MOST_SHOWN)}."
    )
    return remark, (
        "First settle with the person what belongs to each label, by the rows that differ: edit_examples with "
        "'describe_label', and 'relabel' where a label is wrong. Then: "
    )
