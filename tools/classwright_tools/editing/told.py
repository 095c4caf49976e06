"""Remarks on an edit: whose decisions it overrules, and which labels it leaves without a description."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from classwright_tools.domain.edits import Decided
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.task import Task

if TYPE_CHECKING:
    from classwright_tools.editing.draft import Done, Draft, Row

CALLS_LISTED, LABELS_LISTED = 3, 10


def note_overruled(draft: Draft, rows: Iterable[Row], done: Done) -> None:
    """Tell with `done` of how many `rows`, which change, a person decided the label before, and in which call."""
    settled = Decided(draft.edits[: len(draft.edits) - len(draft.new)]).by_person
    before = (settled[row["id"]] for row in rows if row["id"] in settled)
    said = Counter(f"{f'{edit.person}, ' if edit.person else ''}{edit.reason!r}" for edit in before)
    done.overruled += said.total()
    if said:
        calls = listed((f"{call} {rows}" for call, rows in said.most_common()), CALLS_LISTED)
        were = counted(said.total(), "of these rows was", "of these rows were")
        done.remarks.append(f"{were} decided by a person before ({calls}), whom this overrules.")


def undescribed(before: Task, now: Task) -> str:
    """Return which labels have no description now, and how they get one; "" where they had none, or no label has."""
    described = {label.name: label.description for label in before.labels}
    bare = [one.name for one in now.labels if not one.description and described.get(one.name) != ""]
    if not bare or not any(described.values()):
        return ""
    change = {"action": "describe_label", "label": bare[0], "description": "..."}
    return (
        f"Nothing says what belongs to {listed(map(repr, bare), LABELS_LISTED)}, to writers, annotators and readers of "
        f"an export: edit_examples(task={now.slug!r}, changes=[{change}], reason=...)."
    )
