"""Rows that were picked to be labelled because a model was unsure of them, and random samples of what they left."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from classwright_tools.domain.annotation import Annotation
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.task import Task
from classwright_tools.workspace.asked_rows import without_label
from classwright_tools.workspace.labelled_rows import labelled_rows
from classwright_tools.workspace.workspace import Workspace


def annotations_of(workspace: Workspace, task: str) -> Iterator[Annotation]:
    """Yield all annotations of `task`, the newest first."""
    for made in workspace.artifacts(task, "annotation"):
        yield workspace.document(made.id, "annotation", Annotation)


def picked_as_hard(workspace: Workspace, task: str) -> set[str]:
    """Return the ids of the rows of `task` that annotations picked because a model was unsure of them."""
    return without_label(workspace, (one for one in annotations_of(workspace, task) if one.order == "informative"))


def sampled_for_validation(workspace: Workspace, task: str) -> set[str]:
    """Return the ids of the rows of `task` that were drawn at random to be validation rows."""
    return without_label(workspace, (one for one in annotations_of(workspace, task) if one.split == "validation"))


def easier_rows(workspace: Workspace, task: Task, validation: Collection[str]) -> str:
    """Return the sentence on `validation` rows (ids) drawn from what was left after hard ones were taken; else ""."""
    labelled = labelled_rows(workspace, task, validation)
    left_by = {
        id_: workspace.document(id_, "annotation", Annotation).picked_before
        for id_ in {one.annotation for one in labelled.values()}
    }
    rows = sum(bool(left_by[one.annotation]) for one in labelled.values())
    if not rows:
        return ""
    were = counted(rows, "of these rows was", "of these rows were")
    return f"{were} drawn after {taken(max(left_by.values()))} A sample of texts that none was picked from would tell."


def taken(rows: int) -> str:
    """Return, as the end of a sentence, that so many hard `rows` were taken from texts before the others were drawn."""
    were = counted(rows, "row that a model was unsure of was", "rows that a model was unsure of were")
    return f"{were} taken from the same texts: what was left is easier, so the figure flatters."
