"""The way to a version of a dataset: the versions that it comes from, and those that were taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from classwright_tools.workspace.datasets import read_edits
from classwright_tools.workspace.workspace import Artifact, Workspace


def ancestors(workspace: Workspace, dataset: str) -> Iterator[str]:
    """Yield the datasets that `dataset` comes from, the newest first."""
    task = workspace.artifact(dataset, "dataset").task
    parents = {one.id: one.parent for one in workspace.artifacts(task, "dataset")}
    one = parents.get(dataset)
    while one is not None:
        yield one
        one = parents.get(one)


def taken_back(workspace: Workspace, dataset: str) -> set[str]:
    """Return the versions that reverts on the way to `dataset` took back.

    Raises:
        DamagedArtifact: the edits of the dataset do not read back.
    """
    found: set[str] = set()
    for edit in read_edits(workspace, dataset):
        if edit.action == "revert" and edit.version and not edit.brought:
            kept = {edit.version, *ancestors(workspace, edit.version)}
            found |= {edit.dataset, *ancestors(workspace, edit.dataset)} - kept
    return found


def of_rows_that_hold(workspace: Workspace, models: Sequence[Artifact], dataset: str | None) -> list[Artifact]:
    """Return those of `models` whose rows were not taken back on the way to `dataset`; all if none is left.

    Raises:
        DamagedArtifact: the edits of the dataset do not read back.
    """
    back = taken_back(workspace, dataset) if dataset else set()
    return [model for model in models if model.parent not in back] or list(models)
