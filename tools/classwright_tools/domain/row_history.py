"""The history of a row: the edits that made it what it is, the newest first, each with what the row was before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from classwright_tools.domain.edits import TAKE_ROWS_OUT, Edit
from classwright_tools.domain.label_sets import exchanged, key_in_words, labels_apart

WITH_LABEL = ("relabel", "restore", "merge_label", "split_label", *TAKE_ROWS_OUT)
"""Actions whose `rows` tell the labels that rows had."""


class Past(NamedTuple):
    """One edit in the history of a row, and the id and the label that the row had before it."""

    edit: Edit
    id: str
    label: str | None

    @property
    def in_words(self) -> str:
        """The edit in words."""
        edit = self.edit
        label = key_in_words(self.label) if self.label else "without a label"
        before = f", was {label}" if edit.action in (*WITH_LABEL, "rename_label") else ""
        return f"{edit.action}{before} {self.by_whom}"

    @property
    def by_whom(self) -> str:
        """Who made the edit, when and why, in words."""
        return f"(by {self.edit.decider}, {self.edit.when:%Y-%m-%d}): {self.edit.reason}"


def history(edits: Sequence[Edit], id_: str, label: str | None) -> tuple[Past, ...]:
    """Return what happened to the row that is `id_` with `label` after `edits`, the newest first."""
    return histories(edits, {id_: label})[id_]


def histories(edits: Sequence[Edit], labels: Mapping[str, str | None]) -> dict[str, tuple[Past, ...]]:
    """Return the `history` of each of the rows that have `labels` after `edits`, by their ids.

    All are followed at once: an edit costs what it has in common with them.
    """
    rows = {id_: _Row(id_, label) for id_, label in labels.items()}
    by_id = {id_: [row] for id_, row in rows.items()}
    for edit in reversed(edits):
        if edit.action == "rename_label":
            for row in rows.values():
                row.rename(edit)
        elif edit.action != "opinion":
            touched = [row for id_ in by_id.keys() & edit.rows.keys() for row in by_id.pop(id_)]
            for row in touched:
                row.take(edit)
                by_id.setdefault(row.id, []).append(row)
    return {id_: tuple(row.past) for id_, row in rows.items()}


@dataclass
class _Row:
    """A row as it was before the edits that were looked at, the newest first."""

    id: str
    label: str | None
    is_there: bool = True
    """Between its removal and its return nothing happens to a row."""
    past: list[Past] = field(default_factory=list)

    def take(self, edit: Edit) -> None:
        """Go back before an edit of the row."""
        before = edit.rows[self.id]
        self.is_there = edit.action != "restore"
        if edit.action == "rewrite":
            self.id = before
        elif edit.action in WITH_LABEL:
            self.label = before or None
        self.past.append(Past(edit, self.id, self.label))

    def rename(self, edit: Edit) -> None:
        """Go back before a label got another name."""
        if self.is_there and self.label and edit.to in labels_apart(self.label):
            self.label = exchanged(self.label, edit.to, edit.label or "")
            self.past.append(Past(edit, self.id, self.label))


def why_so(edits: Sequence[Edit], id_: str, label: str | None, *, gone: bool = False) -> str:
    """Return who decided by `edits` that the row `id_` has its `label`, or is `gone`, when and why; "" if none did.

    The words come after others.
    """
    past = history(edits, id_, label)
    found = (one for one in past if one.edit.action in WITH_LABEL and one.edit.takes_rows_out == gone)
    return next((f" {one.by_whom}" for one in found), "")
