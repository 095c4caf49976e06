"""Labels that were changed while rows were on their way into a dataset: what they are called where the rows arrive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from classwright_tools.domain.edits import Edit, edits_apart
from classwright_tools.domain.example import Example
from classwright_tools.domain.label_sets import in_order, named_together
from classwright_tools.domain.labels_since import label_since, labels_since
from classwright_tools.domain.task import Task
from classwright_tools.workspace.datasets import read_edits
from classwright_tools.workspace.workspace import Workspace


def under_later_labels(
    workspace: Workspace, labels: Sequence[str], rows: Iterable[Example], then: str | None, now: str | None
) -> tuple[list[Example], list[Example]]:
    """Return `rows`, which were labelled beside the dataset `then`, under the `labels` of `now`, and those
    that have none there any more.

    A label that was renamed or merged is followed.

    Raises:
        DamagedArtifact: the edits of a dataset do not read back.
    """
    later = edits_since(workspace, then, now)
    kept: list[Example] = []
    ended: list[Example] = []
    for row in rows:
        own = _labels_since(row, later, labels)
        if own is None or not {*own} <= {*labels}:
            ended.append(row)
        else:
            kept.append(_under(row, own, later))
    return kept, ended


def _labels_since(row: Example, later: Sequence[Edit], order: Sequence[str]) -> tuple[str, ...] | None:
    if row.labels is not None:
        labels = labels_since(row.labels, later)
        return None if labels is None else in_order(labels, order)
    label = label_since(row.label, later)
    return None if label is None else (label,)


def later_label(workspace: Workspace, task: Task, label: str, then: str | None, now: str | None) -> str | None:
    """Return what `label`, which was one beside the dataset `then`, is called beside `now`; None if it has ended.

    `task` has the labels of `now`.

    Raises:
        DamagedArtifact: the edits of a dataset do not read back.
    """
    found = label_since(label, edits_since(workspace, then, now))
    return found if found in task.label_names else None


def later_names(workspace: Workspace, labels: Iterable[str], then: str, now: str) -> tuple[str, ...]:
    """Return what each of `labels`, those beside the dataset `then`, is called beside `now`; of merged ones it is one.

    A label that has ended keeps its name.

    Raises:
        DamagedArtifact: the edits of a dataset do not read back.
    """
    later = edits_since(workspace, then, now)
    return tuple(label_since(label, later) or label for label in labels)


def edits_since(workspace: Workspace, then: str | None, now: str | None) -> tuple[Edit, ...]:
    """Return the edits of `now` that were made after `then`; none where `now` does not come after it."""
    lacking, later = edits_apart(read_edits(workspace, then), read_edits(workspace, now))
    return () if lacking else tuple(edit for edit in later if not edit.brought)


def _under(row: Example, labels: tuple[str, ...], later: Sequence[Edit]) -> Example:
    """Return the row with its `labels`, or its only label, and the cell's label as it is called after `later` edits."""
    made = row.provenance
    if made and made.cell:
        called = label_since(made.cell.label, later) if row.labels is None else named_together(labels)
        cell = made.cell.model_copy(update={"label": called}) if called else None
        made = made.model_copy(update={"cell": cell})
    own = {"label": labels[0]} if row.labels is None else {"labels": labels}
    return row.model_copy(update={**own, "provenance": made})
