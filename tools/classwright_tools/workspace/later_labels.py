"""Labels that were changed while rows were on their way into a dataset: what they are called where the rows arrive."""

from __future__ import annotations

from collections.abc import Iterable

from classwright_tools.domain.edits import Edit, label_since
from classwright_tools.domain.example import Example
from classwright_tools.domain.task import Task
from classwright_tools.workspace.datasets import read_edits
from classwright_tools.workspace.workspace import Workspace

ENDED = "label ended meanwhile"
"""Why a row is not kept: its label was split, or taken away."""


def under_later_labels(
    workspace: Workspace, task: Task, rows: Iterable[Example], then: str | None, now: str | None
) -> tuple[list[Example], list[Example]]:
    """Return `rows`, which were labelled beside the dataset `then`, under the labels of `now`, and those that
    have none there any more.

    `task` has the labels of `now`. A label that was renamed or merged is followed.

    Raises:
        DamagedArtifact: the edits of a dataset do not read back.
    """
    later = _edits_since(workspace, then, now)
    kept: list[Example] = []
    ended: list[Example] = []
    for row in rows:
        label = label_since(row.label, later)
        if label not in task.label_names:
            ended.append(row)
        else:
            kept.append(row if label == row.label else _under(row, label))
    return kept, ended


def later_label(workspace: Workspace, task: Task, label: str, then: str | None, now: str | None) -> str | None:
    """Return what `label`, which was one beside the dataset `then`, is called beside `now`; None if it has ended.

    `task` has the labels of `now`.

    Raises:
        DamagedArtifact: the edits of a dataset do not read back.
    """
    found = label_since(label, _edits_since(workspace, then, now))
    return found if found in task.label_names else None


def _edits_since(workspace: Workspace, then: str | None, now: str | None) -> tuple[Edit, ...]:
    """Return the edits of `now` that came after those of `then`; none where `now` does not come after it."""
    before, after = read_edits(workspace, then), read_edits(workspace, now)
    return after[len(before) :] if after[: len(before)] == before else ()


def _under(row: Example, label: str | None) -> Example:
    made = row.provenance
    if made and made.cell and label:
        made = made.model_copy(update={"cell": made.cell.model_copy(update={"label": label})})
    return row.model_copy(update={"label": label, "provenance": made})
