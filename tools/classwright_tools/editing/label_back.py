"""Rows of one version for an undo: what they are called by later labels, and which labels an undo gives back to one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from classwright_tools.domain.decided import Decided
from classwright_tools.domain.edits import Edit
from classwright_tools.domain.label_sets import in_order, joined_labels, labels_apart, named_apart, named_together
from classwright_tools.domain.labels_since import label_since, labels_since
from classwright_tools.editing.draft import Draft, Row
from classwright_tools.editing.row_changes import key_since


class RowsOf:
    """Rows of a version by their ids, and what its edits say of them; by `later` ones its labels are called as now."""

    def __init__(
        self, draft: Draft, table: Any, edits: Sequence[Edit], ids: Collection[str], later: Sequence[Edit]
    ) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        self._draft = draft
        found = table.filter(pc.is_in(table["id"], pa.array(ids, pa.string()))).to_pylist()
        self.rows: dict[str, Row] = {row["id"]: row for row in found}
        self.later = later
        self.said = Decided(edits)

    def label(self, id_: str) -> str | None:
        """Return what the label of a row is called by now, or all its labels; None of one that has ended."""
        return key_since(self._draft, self.rows[id_]["label"], self.later)

    def has_label(self, id_: str) -> bool:
        """Whether the label of a row, or each of several, is one that the task still has."""
        label = self.label(id_)
        return self.rows[id_]["label"] is None or (label is not None and self._draft.has_labels(label))

    def named_now(self, id_: str) -> Row:
        """Return a row with what its labels are called by now."""
        row, label = self.rows[id_], self.label(id_)
        several = {"labels": None if label is None else list(labels_apart(label))} if "labels" in row else {}
        contrast = label_since(row["contrast"], self.later) or row["contrast"]
        return row | {"label": label, "contrast": contrast} | several

    def state(self, id_: str) -> tuple[object, ...]:
        """Return how a row is, to be compared with how it is in another version."""
        return (id_ in self.rows and (self.label(id_),), self.said.said_of(id_))


@dataclass(frozen=True)
class LabelBack:
    """What an undo makes of a row's label: the `key` that it gives back, and whether it is there still to be given.

    `changed` are the labels that the undone edit gave the row or took from it, by their names now; None: it was all.
    """

    key: str | None
    stands: bool
    ends: bool
    changed: frozenset[str] | None = None


def label_back(draft: Draft, then: tuple[RowsOf, str], since: tuple[RowsOf, str], row: Row) -> LabelBack:
    """Return what an undo makes of the label of `row`: it was `then`, and `since` the undone edit, in these rows.

    Of several labels those come and go that the edit changed; what the row has beside them stays.
    """
    (rows_then, id_), (rows_since, was) = then, since
    old, made, now = rows_then.rows[id_]["label"], rows_since.rows[was]["label"], row["label"]
    if not draft.task.multi_label or None in (old, made, now):
        return LabelBack(rows_then.label(id_), rows_since.label(was) == now, not rows_then.has_label(id_))
    took, gave = _moved(labels_apart(old), labels_apart(made), rows_then.later)
    if took is None or not took <= {*draft.task.label_names}:
        return LabelBack(None, stands=True, ends=True)
    changed, has = took | (gave or frozenset()), {*labels_apart(now)}
    key = joined_labels(in_order((has - (gave or frozenset())) | took, draft.task.label_names))
    return LabelBack(key, gave is not None and has & changed == gave, ends=False, changed=changed)


def cell_back(draft: Draft, then: Row, since: Row, row: Row, later: Sequence[Edit]) -> str | None:
    """Return for which of several labels `row` counts as written, with those back that the undone edit took."""
    old, made, now = (named_apart(one["cell_label"] or "", draft.task.label_names) for one in (then, since, row))
    took, gave = _moved(old, made, later)
    left = in_order(({*now} - (gave or frozenset())) | (took or frozenset()), draft.task.label_names)
    return named_together(left) if left else None


def _moved(
    old: Sequence[str], made: Sequence[str], later: Sequence[Edit]
) -> tuple[frozenset[str] | None, frozenset[str] | None]:
    """Return which of `old` labels an edit took and which it gave that `made` them, by what they became `later`.

    None of labels of which one was split. What became of a label that stayed was not given.
    """
    stayed = {label_since(label, later) for label in made if label in old}
    sides = ([label for label in old if label not in made], [label for label in made if label not in old])
    took, gave = (None if (now := labels_since(side, later)) is None else frozenset(now) for side in sides)
    return took, gave if gave is None else gave - stayed
