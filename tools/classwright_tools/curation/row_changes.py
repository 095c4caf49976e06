"""The rows that differ between two versions of a dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from classwright_tools.domain.excerpt import shortened
from classwright_tools.domain.label_sets import labels_in_words

KINDS = ("added", "removed", "relabelled", "rewritten", "moved")


@dataclass(frozen=True)
class RowChanges:
    """The rows that differ, as a table of those that `read_table` returns: first those that are no longer there.

    `notes` say of each row by its id what became of it; `counts` how many rows did so, and from which label to which.
    """

    table: Any
    notes: dict[str, str]
    counts: dict[str, int]


def row_changes(earlier: Any, later: Any, rewritten: Mapping[str, str]) -> RowChanges:
    """Return what differs between two tables of `read_table`; `rewritten` tells by a row's id the one that it had."""
    import pyarrow as pa
    import pyarrow.compute as pc

    before, after = _rows(earlier), _rows(later)
    origin_of = {id_: rewritten[id_] for id_ in rewritten if id_ in after and rewritten[id_] in before}
    gone_on = set(origin_of.values())
    notes = {id_: "removed" for id_ in before if id_ not in after and id_ not in gone_on}
    counts: Counter[str] = Counter({"removed": len(notes)})
    texts = dict(zip(earlier["id"].to_pylist(), earlier["text"].to_pylist(), strict=True)) if origin_of else {}
    ways: Counter[str] = Counter()
    for id_, (split, label) in after.items():
        old = origin_of.get(id_, id_)
        if old not in before:
            notes[id_] = "added"
            counts["added"] += 1
            continue
        old_split, old_label = before[old]
        notes_of_row = []
        if old != id_:
            notes_of_row.append(f"rewritten, was: {shortened(texts[old])}")
            counts["rewritten"] += 1
        if old_label != label:
            notes_of_row.append(f"relabelled, was {_named(old_label)}")
            counts["relabelled"] += 1
            ways[f"{_named(old_label)} to {_named(label)}"] += 1
        if old_split != split:
            notes_of_row.append(f"moved, was in {old_split}")
            counts["moved"] += 1
        if notes_of_row:
            notes[id_] = "; ".join(notes_of_row)
    changed = pa.array(list(notes), pa.string())
    gone, there = (table.filter(pc.is_in(table["id"], changed)) for table in (earlier, later))
    gone = gone.filter(pc.invert(pc.is_in(gone["id"], there["id"].combine_chunks())))
    together = pa.concat_tables([gone, there]).combine_chunks()
    return RowChanges(together, notes, dict((+counts).most_common()) | dict(ways.most_common()))


def _named(label: str | None) -> str:
    return "no label" if label is None else repr(label)


def _rows(table: Any) -> dict[str, tuple[str, str | None]]:
    """Return the split and the label of each row, by its id; of several labels their names in one string."""
    several = "labels" in table.column_names
    labels = table["labels" if several else "label"].to_pylist()
    if several:
        labels = [None if label is None else labels_in_words(label) for label in labels]
    columns = (table[name].to_pylist() for name in ("id", "split"))
    return {id_: (split, label) for id_, split, label in zip(*columns, labels, strict=True)}
