"""Answers as an annotator gives them: those that can be kept, and why the others cannot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import cast

from classwright_tools.domain.annotation import Annotation, Answer, RefusedAnswer
from classwright_tools.domain.edits import Decider
from classwright_tools.domain.task import Task, folded_name
from classwright_tools.errors import ClasswrightError, InvalidInput, unknown_id


def answers_given(
    annotation: Annotation,
    task: Task,
    labels: Mapping[str, Sequence[str]],
    fits_none: Sequence[str],
    unsure: Sequence[str],
    said_by: str = "model",
) -> tuple[dict[str, Answer], tuple[RefusedAnswer, ...]]:
    """Return the answers by the row's id, and those refused; all are given by the text's id, and are `said_by` one,
    a `SaidBy`.

    A label may differ from the task's in case, spaces, "_" and "-": no two labels differ in these alone.
    """
    rows = {row.id: row.row for row in annotation.rows}
    by, _, person = said_by.partition(": ")
    names = {folded_name(name): name for name in task.label_names}
    times = Counter([*labels, *dict.fromkeys(fits_none), *dict.fromkeys(unsure)])
    good: dict[str, Answer] = {}
    refused = []
    for id_ in times:
        try:
            if id_ not in rows:
                raise unknown_id("text", id_, rows)
            if times[id_] > 1:
                raise InvalidInput(f"text {id_!r}", "has more than one answer", "Send one of them.")
            found = dict.fromkeys(_label(name, names) for name in labels.get(id_, ()))
            good[rows[id_]] = Answer(
                labels=tuple(found), unsure=id_ in unsure, by=cast(Decider, by), person=person or None
            )
        except ClasswrightError as error:
            refused.append(RefusedAnswer(id=id_[:80], reason=f"{error.subject}: {error.reason}", repair=error.repair))
    return good, tuple(refused)


def _label(given: str, names: Mapping[str, str]) -> str:
    """Return the task's label that is meant by `given`; `names` are the labels by their folded names."""
    name = names.get(folded_name(given))
    if name is None:
        raise unknown_id("label", given, names.values())
    return name
