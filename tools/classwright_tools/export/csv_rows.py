"""The rows of a dataset as CSV, a column at a time: the same bytes as `bulk.outputs` writes, which goes by cells."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from classwright_tools.bulk.outputs import csv_cell
from classwright_tools.domain.table_form import USUAL, TableForm


def write_csv(path: Path, names: Iterable[str], tables: Iterable[Any], form: TableForm = USUAL) -> None:
    """Write the `pyarrow.Table`s of rows, which have two columns or more, under a header of `names`, in the `form`."""
    with path.open("wb") as file:
        header = f"{form.delimiter.join(names)}{form.line_end}"
        file.write(header.encode("utf-8-sig" if form.marked else "utf-8"))
        for table in tables:
            file.write(_lines(table, form))


def _lines(table: Any, form: TableForm) -> memoryview:
    """Return the rows of a table as lines."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pa.large_string()  # the rows of a batch may have more than 2 GB
    between, nothing, end = (pa.scalar(value, text) for value in (form.delimiter, "", form.line_end))
    quoted = f'["{re.escape(form.delimiter)}\r\n]'  # what a cell may hold only in quotes
    cells = [_cells(column.combine_chunks(), text, quoted) for column in table.columns]
    rows = pc.binary_join_element_wise(*cells, between, null_handling="replace", null_replacement="")
    lines = pc.binary_join_element_wise(rows, nothing, end)
    _, offsets, characters = lines.buffers()
    ends = memoryview(offsets).cast("q")
    return memoryview(characters)[ends[lines.offset] : ends[lines.offset + len(lines)]]


def _cells(column: Any, text: Any, in_quotes: str) -> Any:
    """Return the values of a column as cells; what matches `in_quotes` stands in quotes."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_list(column.type):
        column = pa.array(map(csv_cell, column.to_pylist()), text)
    column = column.cast(text)
    if column.null_count == len(column):
        return column
    quoted = pc.match_substring_regex(column, in_quotes)
    if not pc.any(quoted).as_py():
        return column
    doubled = pc.replace_substring(column, '"', '""')
    quote, nothing = pa.scalar('"', text), pa.scalar("", text)
    return pc.if_else(quoted, pc.binary_join_element_wise(quote, doubled, quote, nothing), column)
