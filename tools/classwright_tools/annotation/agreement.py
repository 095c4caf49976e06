"""Agreement: how good an annotator is by rows whose label is known, and a model by rows picked at random."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from classwright_tools.domain.annotation import Annotation, Answer
from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.label_sets import joined_labels
from classwright_tools.domain.pair import joined
from classwright_tools.domain.task import Task
from classwright_tools.statistics.share_interval import wilson
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.workspace import Workspace


def known_labels(workspace: Workspace, annotation: Annotation) -> dict[str, str]:
    """Return the labels of the checks of an annotation, by the row's id."""
    asked = {row.row for row in annotation.rows}
    rows = [*read_rows(workspace, annotation.dataset, "train"), *read_rows(workspace, annotation.dataset, "validation")]
    return {row.id: row.label_key for row in rows if row.id in asked and row.label_key is not None}


def predicted_labels(workspace: Workspace, annotation: Annotation, known: Collection[str]) -> dict[str, str]:
    """Return the `Example.label_key` that the annotation's model gives to each row that is no check, by the row's id.

    It is asked at the end: whoever labels can read the annotation, and would be led by what a model says.
    """
    from classwright_tools.learning.model import load_model

    if annotation.model is None or annotation.order != "random":
        return {}
    model = load_model(workspace, annotation.model)
    rows = [row for row in annotation.rows if row.row not in known]
    answers, _ = model.space.answers(model.predict_proba([joined(row.text, row.text_pair) for row in rows]))
    keys = (answer if isinstance(answer, str) else joined_labels(answer) for answer in answers)
    return {row.row: key for row, key in zip(rows, keys, strict=True)}


def agreement(answered: Mapping[str, Answer], labels: Mapping[str, str], task: Task) -> tuple[Estimate, int] | None:
    """Return the share of `labels` (by the row's id) that the annotator gave as well, and of how many rows.

    Rows to which it gave no single label do not count; where rows of `task` may have several, those that it did not
    judge, and all of a row's must be the same. Without a row that counts there is nothing to tell.
    """
    given = {row: answered[row].key(task) for row in labels if row in answered}
    both = [(key, labels[row]) for row, key in given.items() if key is not None]
    return (wilson(sum(one == other for one, other in both), len(both)), len(both)) if both else None
