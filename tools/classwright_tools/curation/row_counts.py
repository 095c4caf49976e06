"""Counts of the rows of a table: by label, split, origin and round, and how long its texts are."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from classwright_tools.domain.example import Origin, Split

_QUANTILES = {"10%": 0.1, "50%": 0.5, "90%": 0.9, "longest": 1.0}


class RowCounts(NamedTuple):
    """Rows by label, those of most rows first; by split and origin; written rows by round; characters of texts.

    `none` counts the rows of which it is said that no label applies.
    """

    labels: dict[str, int]
    splits: dict[Split, dict[Origin, int]]
    rounds: dict[int, int]
    characters: dict[str, int]
    none: int


def row_counts(table: Any) -> RowCounts:
    """Count the rows of a table of `read_table`; a row with several labels is in the count of each."""
    import pyarrow as pa
    import pyarrow.compute as pc

    several = "labels" in table.column_names
    splits: dict[Split, dict[Origin, int]] = {}
    for split, origin, rows in _grouped(table, "split", "origin"):
        splits.setdefault(split, {})[origin] = rows
    labels = Counter({label: rows for label, rows in _grouped(_labelled(table), "label") if label is not None})
    rounds = {round_: rows for round_, rows in _grouped(table, "round") if round_ is not None}
    parts = [pc.utf8_length(chunk) for name in _texts(table) for chunk in table[name].chunks]
    lengths = pa.chunked_array(parts, pa.int32())
    found = pc.quantile(lengths, q=list(_QUANTILES.values()), interpolation="nearest").to_pylist() if len(table) else []
    return RowCounts(
        dict(labels.most_common()),
        splits,
        dict(sorted(rounds.items())),
        {name: int(value) for name, value in zip(_QUANTILES, found, strict=False)},
        pc.sum(pc.equal(pc.list_value_length(table["labels"]), 0)).as_py() or 0 if several else 0,
    )


def _grouped(table: Any, *names: str) -> list[tuple[Any, ...]]:
    """Return the values of columns that occur together, and how many rows have them, in the table's order."""
    counts = table.select(names).group_by(list(names), use_threads=False).aggregate([([], "count_all")])
    return [tuple(row.values()) for row in counts.select([*names, "count_all"]).to_pylist()]


def _labelled(table: Any) -> Any:
    """Return a table with a column "label", in which a row with several labels stands once for each."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if "labels" not in table.column_names:
        return table
    return pa.table({"label": pc.list_flatten(table["labels"])})


def _texts(table: Any) -> list[str]:
    return [name for name in ("text", "text_pair") if name in table.column_names]
