"""A file of rows, read as what it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePath

from classwright_tools.domain.table_form import USUAL, TableForm
from classwright_tools.errors import InvalidInput
from classwright_tools.reading.delimited import delimiter_of, read_csv
from classwright_tools.reading.encodings import check_encoding
from classwright_tools.reading.json_lines import read_jsonl
from classwright_tools.reading.opening import (
    MARKS,
    PARQUET,
    SAMPLE_BYTES,
    WESTERN,
    Position,
    encoding_of,
    lines_of,
    unpacked,
)
from classwright_tools.reading.parquet import read_parquet
from classwright_tools.reading.rows import Columns, SourceRow

_QUOTED = re.compile(r'"[^"]*"')
_JSON_LINES, _DELIMITED, _PARQUET = (".jsonl", ".ndjson", ".json"), (".csv", ".tsv"), (".parquet",)


def is_read(path: PurePath) -> bool:
    """Whether a file is of a kind that is read, by its ending."""
    return _ending(path) in (*_JSON_LINES, *_DELIMITED, *_PARQUET)


def read_file(path: Path, columns: Columns, position: Position) -> Iterator[SourceRow]:
    """Yield the rows of a JSONL, CSV, TSV or Parquet file; Parquet is known by how it begins, too.

    Raises:
        InvalidInput: its kind or its encoding is not known, or is another than its ending says, it has no such column,
            or it cannot be read.
        OSError: it cannot be opened.
    """
    if not is_read(path):
        raise InvalidInput(
            f"file {path.name!r}", "is of no kind that is read", "Pass JSONL, CSV, TSV (each also as .gz) or Parquet."
        )
    if _is_parquet(path):
        return read_parquet(path, columns)
    check_encoding(path, every_line=False)
    return (read_csv if _ending(path) in _DELIMITED else read_jsonl)(path, columns, position)


def read_as(path: Path, *, every_line: bool = False) -> str:
    """Return what is to be told of the encoding that `read_file` reads a file in; "" of Unicode, and of Parquet.

    Raises:
        InvalidInput: it is in none that is read, or with `every_line` one of its lines has broken characters; the
            first is named.
        OSError: it cannot be opened.
    """
    return check_encoding(path, every_line=every_line) if is_read(path) and not _is_parquet(path) else ""


def table_form(path: Path, columns: Columns) -> TableForm:
    """Return the form of a file that `read_file` reads; the usual one where it is no table of text.

    Raises:
        InvalidInput: it holds JSON, or its first line is too long.
        OSError: it cannot be opened.
    """
    if _ending(path) not in _DELIMITED or _is_parquet(path):
        return USUAL
    with path.open("rb") as raw:
        sample = unpacked(raw, path).peek(SAMPLE_BYTES)[:SAMPLE_BYTES]
    is_western = lines_of(path).is_western
    text = _QUOTED.sub("", sample.decode(WESTERN if is_western else encoding_of(sample), errors="replace"))
    return TableForm(
        delimiter=delimiter_of(path, columns) or ",",
        marked=is_western or sample.startswith(MARKS),  # Excel takes UTF-8 without a mark for Windows-1252
        line_end="\r\n" if "\r\n" in text.partition("\n")[0] + "\n" else "\n",
    )


def _ending(path: PurePath) -> str:
    return PurePath(path.name.lower().removesuffix(".gz")).suffix


def _is_parquet(path: Path) -> bool:
    if _ending(path) in _PARQUET:
        return True
    with path.open("rb") as file:
        return file.read(len(PARQUET)) == PARQUET
