"""The table of a draft's rows: labels joined in a column, values put in, places in it, and rows another lacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from classwright_tools.domain.label_sets import labels_apart
from classwright_tools.workspace.row_columns import label_keys_of


def keyed(table: Any) -> Any:
    """Return a table of `read_table` in which rows with several labels have these joined in a column "label", too."""
    import pyarrow as pa

    if "labels" not in table.column_names:
        return table
    return table.append_column("label", pa.array(label_keys_of(table), pa.string()))


def places_where(has: Any) -> list[int]:
    """Return where a column of truth values is true."""
    import numpy as np
    import pyarrow.compute as pc

    found: list[int] = np.flatnonzero(pc.fill_null(has, False).to_numpy(zero_copy_only=False)).tolist()
    return found


def labels_in(table: Any) -> set[str]:
    """Return the labels that rows of a draft's table have."""
    import pyarrow.compute as pc

    found = pc.unique(table["label"]).drop_null().to_pylist()
    return {label for key in found for label in labels_apart(key)}


def rows_apart(before: Any, after: Any) -> list[str]:
    """Return the ids of the rows of the table `before` that `after` has not, or has otherwise."""
    import pyarrow.compute as pc

    places = pc.index_in(before["id"], value_set=after["id"].combine_chunks())
    stays = pc.is_valid(places)
    there, here = before.filter(stays), after.take(places.filter(stays))
    found = set(before.filter(pc.invert(stays))["id"].to_pylist())
    for column in (name for name in before.column_names if name != "labels"):  # they stand joined in "label"
        same = pc.fill_null(pc.equal(there[column], here[column]), False)
        both_lack = pc.and_(pc.is_null(there[column]), pc.is_null(here[column]))
        found |= set(there.filter(pc.invert(pc.or_(same, both_lack)))["id"].to_pylist())
    return sorted(found)


def with_values(table: Any, column: str, values: Mapping[int, Any]) -> Any:
    """Return `table` with the `values`, by their places, in `column`; labels that are joined stand in a list, too."""
    import pyarrow as pa

    if column == "label" and "labels" in table.column_names:
        sets = {place: None if key is None else labels_apart(key) for place, key in values.items()}
        table = with_values(table, "labels", sets)
    there = table[column].to_pylist()
    for place, value in values.items():
        there[place] = value
    number = table.column_names.index(column)
    kind = table.schema.field(number).type
    return table.set_column(number, column, pa.array(there, kind))
