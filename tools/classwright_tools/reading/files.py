"""A file of rows, read as what it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath

from classwright_tools.errors import InvalidInput
from classwright_tools.reading.delimited import read_csv
from classwright_tools.reading.json_lines import read_jsonl
from classwright_tools.reading.opening import Position
from classwright_tools.reading.parquet import read_parquet
from classwright_tools.reading.rows import Columns, SourceRow

_FORMATS = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv", ".tsv": "csv", ".parquet": "parquet",
}  # fmt: skip


def read_file(path: Path, columns: Columns, position: Position) -> Iterator[SourceRow]:
    """Yield the rows of a JSONL, CSV, TSV or Parquet file.

    Raises:
        InvalidInput: its kind is not known, it has no such column, or it cannot be read.
    """
    kind = file_format(path)
    if kind == "jsonl":
        return read_jsonl(path, columns, position)
    if kind == "csv":
        return read_csv(path, columns, position)
    if kind == "parquet":
        return read_parquet(path, columns)
    raise InvalidInput(
        f"file {path.name!r}", "is of no kind that is read", "Pass JSONL, CSV, TSV (each also as .gz) or Parquet."
    )


def file_format(path: PurePath) -> str | None:
    """Return what the ending of a file says that it is, or None."""
    name = path.name.lower().removesuffix(".gz")
    return _FORMATS.get(PurePath(name).suffix)
