"""Rows out of JSON lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from classwright_tools.errors import InvalidInput
from classwright_tools.reading.opening import Position, bounded_lines, opened
from classwright_tools.reading.rows import Columns, SourceRow

# How many rows of a file whose rows need not all have the same columns are looked at for the columns' names.
ROWS_LOOKED_AT = 100
_FIRST_LINE_OF_AN_ARRAY = re.compile(r"\s*\[\s*(\{|$)")


def read_jsonl(path: Path, columns: Columns, position: Position) -> Iterator[SourceRow]:
    """Yield a row for every line that is not blank of a JSONL file, plain or gzipped."""
    source = f"file {path.name!r}"
    with opened(path, position) as file:
        lines = (line for line in bounded_lines(file) if line is None or line.strip())
        values = ((line, _json_value(line)) for line in lines)
        first = list(islice(values, ROWS_LOOKED_AT))
        if first and _begins_an_array(*first[0]):
            raise InvalidInput(source, "holds a JSON array", "Write one JSON object a line (JSONL).")
        objects = [value for _, value in first if isinstance(value, dict)]
        if objects:
            columns = columns.found_in(source, list(dict.fromkeys(name for value in objects for name in value)))
        for line, value in chain(first, values):
            yield _json_row(line, value, columns)


def _begins_an_array(line: str | None, value: Any) -> bool:
    """Whether the first line of a file, with its JSON value if it has one, begins an array of objects."""
    return isinstance(value, list) or bool(_FIRST_LINE_OF_AN_ARRAY.match(line or ""))


def _json_value(line: str | None) -> Any:
    try:
        return None if line is None else json.loads(line)
    except (ValueError, RecursionError):
        return None


def _json_row(line: str | None, value: Any, columns: Columns) -> SourceRow:
    if line is None:
        return SourceRow(problem="too long")
    if not isinstance(value, dict):
        return SourceRow(text=line, problem="not a JSON object")
    return columns.row(value)
