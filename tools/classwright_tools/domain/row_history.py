"""The history of a row: the edits that made it what it is, the newest first, each with what the row was before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from classwright_tools.domain.edits import TAKE_ROWS_OUT, Edit
from classwright_tools.domain.label_sets import exchanged, key_in_words, labels_apart

_WITH_LABEL = ("relabel", "restore", "merge_label", "split_label", *TAKE_ROWS_OUT)  # their `rows` tell labels


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
        before = f", was {label}" if edit.action in (*_WITH_LABEL, "rename_label") else ""
        return f"{edit.action}{before} {self.by_whom}"

    @property
    def by_whom(self) -> str:
        """Who made the edit, when and why, in words."""
        return f"(by {self.edit.decider}, {self.edit.when:%Y-%m-%d}): {self.edit.reason}"


def history(edits: Sequence[Edit], id_: str, label: str | None) -> tuple[Past, ...]:
    """Return what happened to the row that is `id_` with `label` after `edits`, the newest first."""
    found: list[Past] = []
    is_there = True  # between its removal and its return nothing happens to a row
    for edit in reversed(edits):
        if id_ in edit.rows and edit.action != "opinion":
            before = edit.rows[id_]
            is_there = edit.action != "restore"
            if edit.action == "rewrite":
                id_ = before
            elif edit.action in _WITH_LABEL:
                label = before or None
            found.append(Past(edit, id_, label))
        elif is_there and label and edit.action == "rename_label" and edit.to in labels_apart(label):
            label = exchanged(label, edit.to, edit.label or "")
            found.append(Past(edit, id_, label))
    return tuple(found)


def why_so(edits: Sequence[Edit], id_: str, label: str | None, *, gone: bool = False) -> str:
    """Return who decided by `edits` that the row `id_` has its `label`, or is `gone`, when and why; "" if none did.

    The words come after others.
    """
    past = history(edits, id_, label)
    found = (one for one in past if one.edit.action in _WITH_LABEL and one.edit.takes_rows_out == gone)
    return next((f" {one.by_whom}" for one in found), "")
