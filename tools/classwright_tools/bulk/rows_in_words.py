"""The answers of `classify` to the rows of a dataset in sentences, and how many rows have each label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from classwright_tools.bulk.alarm import WITHOUT, call_to_measure
from classwright_tools.bulk.answers_in_words import below
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.label_sets import NO_LABELS, labels_in_words
from classwright_tools.measurement.caveats import unlike
from classwright_tools.measurement.unlike_measured import LEAST_TEXTS

if TYPE_CHECKING:  # a command that classifies files by an export loads no torch
    from classwright_tools.bulk.alarm import Alarms
    from classwright_tools.bulk.answers_table import AnswersTable, SortedRows
    from classwright_tools.learning.model import Model

LABELS_LISTED = 8
SOURCES_LISTED = 4
CHANCE = 0.001  # how rarely chance alone would make the shares of sources differ so


def rows_in_words(table: AnswersTable, made: SortedRows, shown: int, found_alarms: Alarms) -> tuple[str, ...]:
    """Return the sentences on the answers in `table`, of which the report `made` tells; `shown` least sure ones are.

    The alarms come first.

    A sentence is empty where there is nothing to say.
    """
    found = table.cells.found
    by_label, out_of_scope = each_label(made.sure), made.out_of_scope
    return (
        found_alarms.in_words,
        f"Classified the {counted(len(found.rows), 'unlabelled row')} of {made.dataset}: sure of "
        f"{len(found.rows) - made.unsure:,}{f' ({by_label})' if by_label else ''}, not sure of {made.unsure:,}"
        f"{below(found.judged.below, made.unsure, found.space, found.threshold)}.",
        _label_by_label(table) if found.space.several else "",
        _newest(made),
        f"In the table {counted(made.labelled, 'row has a label', 'rows have a label')}: {each_label(made.by_label)}."
        + _guesses(table, made)
        + " These are answers: how frequent a label is, a random sample that is labelled tells (annotate_examples, "
        "order='random').",
        unlike(out_of_scope, int((found.foreign & found.judged.sure).sum())) if out_of_scope else "",
        _passed_over(found.passed),
        "" if found_alarms.raised or found_alarms.usual.unsure else _by_source(found_alarms, table),
        f"The {'one row' if shown == 1 else shown} least sure {'is' if shown == 1 else 'are'} shown"
        f"{', those out of scope first' if out_of_scope else ''}.",
    )


def of_table(made: SortedRows) -> str:
    """Return the beginning of the sentence on where the table of answers is, by what it has."""
    if not made.sources:
        return f"All {counted(made.rows, 'row')}, those with labels too, are in"
    source = "what was imported" if made.sources == 1 else f"the {made.sources} sources that were imported"
    return (
        f"All {counted(made.rows, 'row')} of {source}, copies too, are in their order and with their own columns, "
        f"{made.labelled:,} of them with a label, in"
    )


def of_newest(made: SortedRows, uri: str) -> str:
    """Return where the rows of the newest source alone are, which is at `uri`, if there are several."""
    return f" Those of {made.newest} alone, which came last, are in {uri}." if made.newest else ""


def each_label(by_label: Mapping[str, int]) -> str:
    """Return how many rows have each label, as "other 2,033, wish 467"; of many the first of `by_label`.

    "|" counts those that have none of the labels.
    """
    named = {labels_in_words(()) if label == NO_LABELS else label: rows for label, rows in by_label.items()}
    return listed((f"{label} {rows:,}" for label, rows in named.items()), LABELS_LISTED)


def _guesses(table: AnswersTable, made: SortedRows) -> str:
    """Return which of the labels in `table` are guesses, if any are."""
    if not made.guesses:
        return ""
    of_these = f"{made.guesses:,} of these" if made.guesses < made.labelled else "All"
    are, column = "is a guess" if made.guesses == 1 else "are guesses", table.column("sure")
    return f" {of_these} {are}, of which the model is not sure: look at the rows with `{column}` false."


def _label_by_label(table: AnswersTable) -> str:
    """Return of how many rows each label is sure by itself, beside how many it is given; nothing if it is of none."""
    found = table.cells.found
    given, sure = found.given_by_label, table.cells.model.sure_labels(found.judged, found.proba, found.foreign)
    counts = Counter(label for labels in sure for label in labels)
    if not given or not counts:
        return ""
    each = (f"{label} in {counts[label]:,} of {rows:,}" for label, rows in given.items())
    return (
        f"Of some label by itself it is sure in {counted(sum(map(bool, sure)), 'row')}: {listed(each, LABELS_LISTED)}. "
        "These are in the column `sure_labels`; of them 9 in 10 should be right."
    )


def _passed_over(rows: int) -> str:
    """Return the sentence on so many unlabelled `rows` that were not asked about; nothing where there are none."""
    if not rows:
        return ""
    return f"Not asked about: {counted(rows, 'unlabelled row')} of which was said that no label fits."


def _newest(made: SortedRows) -> str:
    """Return how many rows of the newest of several sources have each label; "" of one source."""
    rows = sum(made.of_newest.values())
    if not rows:
        return ""
    have = f"{counted(rows, 'label is', 'labels are')} given"
    unsure = f", {made.newest_guesses:,} of which it is not sure" if made.newest_guesses else ""
    return f"To {made.newest}, which came last, {have}: {each_label(made.of_newest)}{unsure}."


def _by_source(alarms: Alarms, table: AnswersTable) -> str:
    """Return of which share of each source's rows it is not sure, where these differ by more than chance (a
    chi-squared test), and nothing is known of what is usual; else nothing.
    """
    from scipy.stats import chi2_contingency

    large = {
        source: (found.unsure, found.texts)
        for source, found in alarms.answered.items()
        if source and found.texts >= LEAST_TEXTS
    }
    pairs = [(few, rows - few) for few, rows in large.values()]
    if len(pairs) < 2 or not all(map(sum, zip(*pairs, strict=True))) or chi2_contingency(pairs).pvalue >= CHANCE:
        return ""
    each = listed(
        (f"{few / rows:.0%} of {rows:,} from {source}" for source, (few, rows) in large.items()), SOURCES_LISTED
    )
    measure = call_to_measure(table.cells.model.card.task, table.cells.dataset, next(iter(large)))
    return (
        f"Not sure by source: {each}. They differ by more than chance, so what it reaches on rows held out need not "
        f"hold for each: label random rows of the newest, {measure}.{f' {WITHOUT}' if alarms.own_thresholds else ''}"
    )


def look_at_foreign(model: Model, dataset: str, foreign: int, rows: int) -> str:
    """Return how to look at the rows out of scope, if they are more than rows of the labels would be."""
    card = model.card
    if card.scope is None or foreign <= card.scope.flagged.high * rows:
        return ""
    return (
        f"See what is out of scope in groups: find_examples(task={card.task!r}, dataset={dataset!r}, "
        f"doubt='out_of_scope', model={model.id!r}, "
        "where={'splits': ['unlabelled']}, groups=0). What many have in common may want a label of its own "
        "(edit_examples), or rows of a label that has none like them (annotate_examples). "
    )
