"""The reasons for which versions of a dataset were made: those of the calls of `edit_examples` that they came of."""

from __future__ import annotations

from collections.abc import Sequence

from classwright_tools.workspace.datasets import read_edits
from classwright_tools.workspace.workspace import Artifact, Workspace


def reasons_of(workspace: Workspace, versions: Sequence[Artifact]) -> dict[str, str]:
    """Return the reasons of `versions`, the newest first, by their ids; only edits have one.

    A version holds the edits of those before it, so its edits are read once a line of versions; a reverted one begins
    another line.
    """
    there = {one.id: one for one in versions}
    found: dict[str, str] = {}
    for newest in versions:
        if newest.id in found or newest.facts.get("made_by") != "edit_examples":
            continue
        edits = [edit for edit in read_edits(workspace, newest.id) if not edit.brought]
        of_edited = {edit.dataset: edit for edit in edits}
        one: Artifact | None = newest
        while one and one.parent and one.id not in found:
            edit = of_edited.get(one.parent)
            if one.facts.get("made_by") == "edit_examples" and edit:
                found[one.id] = edit.reason
            if edit and edit.action == "revert":
                break
            one = there.get(one.parent)
    return found
