"""The rows that differ between two versions of a dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from classwright_tools.domain.edits import Edit, ids_before
from classwright_tools.domain.example import Split
from classwright_tools.domain.excerpt import shortened
from classwright_tools.domain.label_sets import key_in_words
from classwright_tools.domain.labels_since import renamed_since
from classwright_tools.domain.row_history import why_so
from classwright_tools.workspace.row_columns import label_keys_of

RENAMED = "under a renamed label"
KINDS = ("added", "removed", "relabelled", RENAMED, "rewritten", "moved")


class RowState(NamedTuple):
    """Where a row is, and its `Example.label_key`."""

    split: Split
    label: str | None


class RowChange(NamedTuple):
    """What became of a row, of `KINDS`; from which label to which, "" where it has the same; and all in words."""

    kinds: tuple[str, ...]
    way: str
    note: str


@dataclass(frozen=True)
class RowChanges:
    """The rows that differ, as a table of those that `read_table` returns: first those that are no longer there."""

    table: Any
    of_row: Mapping[str, RowChange]
    """By the row's id."""

    def counts(self, ids: Iterable[str]) -> dict[str, int]:
        """Return how many of the rows with these `ids` changed in which way, and from which label to which."""
        changes = [self.of_row[id_] for id_ in ids]
        kinds = Counter(kind for change in changes for kind in change.kinds)
        ways = Counter(change.way for change in changes if change.way)
        return dict(kinds.most_common()) | dict(ways.most_common())


def row_changes(earlier: Any, later: Any, before: Sequence[Edit], since: Sequence[Edit]) -> RowChanges:
    """Return what differs between two tables of `read_table`.

    `since` are the edits of the later version that the earlier one lacks, `before` those that the later one lacks, the
    oldest first. They tell which row was rewritten, which label has only another name, and who changed what.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    there, now = states(earlier), states(later)
    origin_of = {id_: old for id_, old in ids_before(since).items() if id_ in now and old in there}
    gone_on = set(origin_of.values())
    texts = dict(zip(earlier["id"].to_pylist(), earlier["text"].to_pylist(), strict=True)) if origin_of else {}
    found = {
        id_: RowChange(("removed",), "", f"removed{why_so(since, id_, label, gone=True)}")
        for id_, (_, label) in there.items()
        if id_ not in now and id_ not in gone_on
    }
    for id_, (split, label) in now.items():
        old = origin_of.get(id_, id_)
        if old not in there:
            found[id_] = RowChange(("added",), "", "added")
            continue
        old_split, old_label = there[old]
        kinds, way, notes = [], "", []
        if old != id_:
            kinds.append("rewritten")
            notes.append(f"rewritten, was: {shortened(texts[old])}")
        if old_label != label:
            same = renamed_since(old_label, since) == renamed_since(label, before)
            kinds.append(RENAMED if same else "relabelled")
            why = "" if same else why_so(since, id_, label)
            notes.append(f"{'label renamed' if same else 'relabelled'}, was {_named(old_label)}{why}")
            way = f"{_named(old_label)} to {_named(label)}"
        if old_split != split:
            kinds.append("moved")
            notes.append(f"moved, was in {old_split}")
        if kinds:
            found[id_] = RowChange(tuple(kinds), way, "; ".join(notes))
    changed = pa.array(list(found), pa.string())
    gone, stays = (table.filter(pc.is_in(table["id"], changed)) for table in (earlier, later))
    gone = gone.filter(pc.invert(pc.is_in(gone["id"], stays["id"].combine_chunks())))
    return RowChanges(pa.concat_tables([gone, stays]).combine_chunks(), found)


def _named(key: str | None) -> str:
    return "no label" if key is None else repr(key_in_words(key))


def states(table: Any) -> dict[str, RowState]:
    """Return the split and the label of each row of a table of `read_table`, by its id."""
    columns = (table[name].to_pylist() for name in ("id", "split"))
    return {id_: RowState(split, label) for id_, split, label in zip(*columns, label_keys_of(table), strict=True)}
