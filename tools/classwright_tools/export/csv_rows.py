"""The rows of a dataset as CSV, a column at a time: the same bytes as `bulk.outputs` writes, which goes by cells."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from classwright_tools.bulk.outputs import csv_cell

_QUOTED = '[",\r\n]'  # what a cell may hold only in quotes


def write_csv(path: Path, names: Iterable[str], tables: Iterable[Any]) -> None:
    """Write the `pyarrow.Table`s of rows, which have two columns or more, under a header of `names`."""
    with path.open("wb") as file:
        file.write(f"{','.join(names)}\n".encode())
        for table in tables:
            file.write(_lines(table))


def _lines(table: Any) -> memoryview:
    """Return the rows of a table as lines."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pa.large_string()  # the rows of a batch may have more than 2 GB
    comma, nothing, end = (pa.scalar(value, text) for value in (",", "", "\n"))
    cells = [_cells(column.combine_chunks(), text) for column in table.columns]
    rows = pc.binary_join_element_wise(*cells, comma, null_handling="replace", null_replacement="")
    lines = pc.binary_join_element_wise(rows, nothing, end)
    _, offsets, characters = lines.buffers()
    ends = memoryview(offsets).cast("q")
    return memoryview(characters)[ends[lines.offset] : ends[lines.offset + len(lines)]]


def _cells(column: Any, text: Any) -> Any:
    """Return the values of a column as cells."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_list(column.type):
        column = pa.array(map(csv_cell, column.to_pylist()), text)
    column = column.cast(text)
    if column.null_count == len(column):
        return column
    quoted = pc.match_substring_regex(column, _QUOTED)
    if not pc.any(quoted).as_py():
        return column
    doubled = pc.replace_substring(column, '"', '""')
    quote, nothing = pa.scalar('"', text), pa.scalar("", text)
    return pc.if_else(quoted, pc.binary_join_element_wise(quote, doubled, quote, nothing), column)
