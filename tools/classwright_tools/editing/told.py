"""Remarks on an edit: whose decisions it overrules, and which labels it leaves without a description."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from classwright_tools.domain.decided import Decided
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.task import Task

if TYPE_CHECKING:
    from classwright_tools.editing.draft import Done, Draft, Row

WAYS_LISTED, LABELS_LISTED = 3, 10


def note_overruled(draft: Draft, rows: Iterable[Row], done: Done) -> None:
    """Tell with `done` how many `rows`, which change, are as a person left them: what was done, by whom and when."""
    settled = Decided(draft.edits[: len(draft.edits) - len(draft.new)]).by_person
    before = (settled[row["id"]] for row in rows if row["id"] in settled)
    said = Counter(f"{edit.made} by {edit.decider} on {edit.when:%Y-%m-%d}" for edit in before)
    done.overruled += said.total()
    if said:
        ways = listed((f"{rows:,} {way}" for way, rows in said.most_common()), WAYS_LISTED)
        rows_are = counted(
            said.total(), "of these rows is as a person left it", "of these rows are as a person left them"
        )
        done.remarks.append(f"{rows_are} ({ways}), whom this overrules.")


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
