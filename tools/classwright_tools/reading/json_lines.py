"""Rows out of JSON lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from classwright_tools.errors import InvalidInput
from classwright_tools.reading.opening import MAX_ROW_CHARS, Position, opened
from classwright_tools.reading.rows import TOO_LONG, Columns, SourceRow

# How many rows of a file whose rows need not all have the same columns are looked at for the columns' names.
ROWS_LOOKED_AT = 100
_BEGINS_AN_ARRAY = re.compile(r"\s*\[\s*(\{|$)")
_BEGINS_AN_OBJECT = re.compile(r"\s*\{\s*$")
_BLANKS = " \t\n\r"  # of JSON
_FORM = 'write {"text": ..., "label": ...} on a line of its own'


def read_jsonl(path: Path, columns: Columns, position: Position) -> Iterator[SourceRow]:
    """Yield a row for every line that is not blank of a JSONL file, plain or gzipped."""
    source = f"file {path.name!r}"
    with opened(path, position, any_line_end=True) as lines:
        numbered = enumerate(lines, start=1)
        values = ((n, line, _value(line)) for n, line in numbered if line is None or line.strip())
        first = list(islice(values, ROWS_LOOKED_AT))
        if first:
            _refuse_other_json(source, *first[0][1:])
        objects = [value for _, _, value in first if isinstance(value, dict)]
        if objects:
            columns = columns.found_in(source, list(dict.fromkeys(name for value in objects for name in value)))
        for number, line, value in chain(first, values):
            if isinstance(value, dict):
                yield columns.row(value, path.name, number)
            else:
                yield _unread(path.name, number, line, value, columns)


def _refuse_other_json(source: str, line: str | None, value: Any) -> None:
    """Refuse a file whose first `line`, with its JSON value if it has one, begins JSON that is not of lines."""
    if isinstance(value, list) or _BEGINS_AN_ARRAY.match(line or ""):
        raise InvalidInput(source, "holds a JSON array", "Write one JSON object a line (JSONL).")
    if _BEGINS_AN_OBJECT.match(line or ""):
        raise InvalidInput(
            source, "holds a JSON object of several lines", "Write one JSON object a line (JSONL), not indented."
        )


class _Repeated(ValueError):
    """An object has a name twice: which of its values is meant is unknown."""


def _value(line: str | None) -> Any:
    """Return the JSON value of a line; None if it has none, and the error if it gives a name twice."""
    try:
        text = (line or "").strip(_BLANKS)
        value, end = _DECODER.raw_decode(text)  # `decode` takes the blanks off more slowly
        return value if end == len(text) else None
    except _Repeated as error:
        return error
    except (ValueError, RecursionError):
        return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Repeated(next(name for name in names if names.count(name) > 1))
    return made


_DECODER = json.JSONDecoder(object_pairs_hook=_object)  # json.loads makes one a line


def _unread(file: str, number: int, line: str | None, value: Any, columns: Columns) -> SourceRow:
    problem, detail = "not a JSON object", _FORM
    if line is None:
        problem, detail = TOO_LONG, f"the line has over {MAX_ROW_CHARS:,} characters"
    elif isinstance(value, _Repeated):
        problem, detail = "a field given twice", f"{str(value)[:80]!r} is there twice: keep one of them"
    return columns.unread(line, problem, detail, file, number)
