"""The way to a version of a dataset: the versions that it comes from, and those that were taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from classwright_tools.workspace.datasets import read_edits
from classwright_tools.workspace.workspace import Artifact, Workspace


def ancestors(workspace: Workspace, dataset: str) -> Iterator[str]:
    """Yield the datasets that `dataset` comes from, the newest first."""
    yield from _line(_parents(workspace, dataset), dataset)


def _parents(workspace: Workspace, dataset: str) -> Mapping[str, str | None]:
    """Return which dataset each of the task of `dataset` was made of."""
    task = workspace.artifact(dataset, "dataset").task
    return {one.id: one.parent for one in workspace.artifacts(task, "dataset")}


def _line(parents: Mapping[str, str | None], dataset: str) -> Iterator[str]:
    one = parents.get(dataset)
    while one is not None:
        yield one
        one = parents.get(one)


class Fates(NamedTuple):
    """What became of versions on the way to a newer one: which do not hold, each with the version that did so."""

    reverted: Mapping[str, str] = {}
    """Whole versions that a return to an earlier one took back."""
    undone: Mapping[str, str] = {}
    """Versions whose edit alone was undone, the rows of which stay in the versions in between."""


def fates(workspace: Workspace, dataset: str) -> Fates:
    """Return which versions on the way to `dataset` were taken back, or their edit undone, and where.

    Raises:
        DamagedArtifact: the edits of the dataset do not read back.
    """
    reverted: dict[str, str] = {}
    undone: dict[str, str] = {}
    back = [edit for edit in read_edits(workspace, dataset) if edit.action in ("revert", "undo") and not edit.brought]
    if not back:
        return Fates()
    parents = _parents(workspace, dataset)
    made_of = {older: newer for newer, older in pairwise([dataset, *_line(parents, dataset)])}
    for edit in reversed(back):
        made = made_of.get(edit.dataset, edit.dataset)
        if edit.undoes and made not in undone:  # an undoing that was undone itself took nothing back
            undone[edit.undoes] = made
        elif edit.action == "revert" and edit.version:
            kept = {edit.version, *_line(parents, edit.version)}
            gone = {edit.dataset, *_line(parents, edit.dataset)} - kept
            reverted |= dict.fromkeys(gone - set(reverted), made)
    return Fates(reverted, undone)


def edits_undone_since(workspace: Workspace, found: Fates, dataset: str) -> dict[str, str]:
    """Return which versions' edits the rows of `dataset` have that were undone since, by `found`, and where."""
    if not found.undone:
        return {}
    way = {dataset, *ancestors(workspace, dataset)}
    return {edited: made for edited, made in found.undone.items() if edited in way and made not in way}


def of_rows_that_hold(workspace: Workspace, models: Sequence[Artifact], dataset: str | None) -> list[Artifact]:
    """Return those of `models` whose rows were not taken back on the way to `dataset`; all if none is left.

    Raises:
        DamagedArtifact: the edits of the dataset do not read back.
    """
    back = fates(workspace, dataset).reverted if dataset else {}
    return [model for model in models if model.parent not in back] or list(models)
