"""Rows out of JSONL, CSV and Parquet files, one after the other, whatever the file's size."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from classwright_tools.curation.cleaning import as_name
from classwright_tools.domain.noun import MAX_TEXT_CHARS
from classwright_tools.errors import InvalidInput

# A row that is longer than this cannot be a text of at most MAX_TEXT_CHARS with some other columns: it is skipped.
MAX_ROW_CHARS = 50 * MAX_TEXT_CHARS
# By itself csv gives up within a longer field, and what is left of it would be read as rows. The limit is one for the
# whole process: readers that begin later have it too.
csv.field_size_limit(MAX_ROW_CHARS)
# So many times its size of a CSV file may be read again to find the rows after quotes that were not closed.
READ_AGAIN = 4
# How many rows of a file whose rows need not all have the same columns are looked at for the columns' names.
ROWS_LOOKED_AT = 100
PARQUET_BATCH = 2_000
# Texts shrink to a fifth, very regular rows to a fiftieth. What unpacks to more, and to much, was made to fill a memory
# or to last for days; a small file of equal rows is let through.
MAX_EXPANSION = 200
FREE_EXPANSION_BYTES = 256 * 2**20
# What the columns of a pair are called; the first names are tried first.
USUAL_PAIR, OTHER_PAIR = ("text", "text_pair"), ("query", "item")
_DELIMITERS = (",", ";", "\t", "|")
_FIRST_LINE_OF_AN_ARRAY = re.compile(r"\s*\[\s*(\{|$)")


@dataclass(frozen=True)
class SourceRow:
    """A row as it stands in the source; `problem` says why it could not be read, if so."""

    text: Any = None
    label: Any = None
    problem: str | None = None
    text_pair: Any = None


@dataclass(frozen=True)
class Columns:
    """The columns to read; `label` is None when labels are not wanted, `pair` when a row is one text."""

    text: str
    label: str | None
    pair: str | None = None

    @property
    def names(self) -> list[str]:
        """The columns that are wanted."""
        return [name for name in (self.text, self.pair, self.label) if name is not None]

    def like(self, there: list[str]) -> Columns:
        """Return these columns, or where a source has 'query' and 'item' for 'text' and 'text_pair', those."""
        usual = (self.text, self.pair) == USUAL_PAIR
        if usual and set(OTHER_PAIR) <= set(there) and not set(USUAL_PAIR) <= set(there):
            return replace(self, text=OTHER_PAIR[0], pair=OTHER_PAIR[1])
        return self

    def found_in(self, source: str, there: list[str]) -> Columns:
        """Return the columns to read of `source`, which has the columns `there`.

        Raises:
            InvalidInput: a wanted column is not there, and those that are there are named; or it is there twice.
        """
        columns = self.like(there)
        wanted_as = (("text_column", columns.text), ("pair_column", columns.pair), ("label_column", columns.label))
        for argument, wanted in wanted_as:
            if wanted is not None and wanted not in there:
                names = ", ".join(as_name(name) for name in there[:30]) or "none"
                raise InvalidInput(
                    source, f"has no column {wanted!r}; it has {names}", f"Pass one of them as `{argument}`."
                )
            if wanted is not None and there.count(wanted) > 1:
                raise InvalidInput(
                    source, f"has several columns {wanted!r}", f"Rename the one to read, and pass it as `{argument}`."
                )
        return columns

    def row(self, values: Mapping[str, Any]) -> SourceRow:
        """Return the row with these `values` by column; those that are missing are None."""
        label = None if self.label is None else values.get(self.label)
        text_pair = None if self.pair is None else values.get(self.pair)
        return SourceRow(values.get(self.text), label, text_pair=text_pair)


class Position:
    """How far a file has been read, for the progress report."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._size = 1

    def follow(self, file: IO[bytes], size: int) -> None:
        """Take the position of `file`, which has `size` bytes, from now on."""
        self._file, self._size = file, max(1, size)

    @property
    def share(self) -> float | None:
        """The share of the bytes that have been read, 0 to 1, or None where it is not known."""
        return None if self._file is None or self._file.closed else min(1.0, self._file.tell() / self._size)


def read_jsonl(path: Path, columns: Columns, position: Position) -> Iterator[SourceRow]:
    """Yield a row for every line that is not blank of a JSONL file, plain or gzipped."""
    source = f"file {path.name!r}"
    with _opened(path, position) as file:
        lines = (line for line in _bounded_lines(file) if line is None or line.strip())
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


def read_csv(path: Path, columns: Columns, position: Position) -> Iterator[SourceRow]:
    """Yield the rows under the header, the first line that is not blank, of a CSV or TSV file, plain or gzipped.

    The delimiter is the one of "," ";" tab "|" by which the header holds the text column. Of a row whose quote is never
    closed the first line is skipped, and reading goes on at the next one.
    """
    source = f"file {path.name!r}"
    with _opened(path, position) as file:
        lines = _bounded_lines(file)
        header_line = next((line for line in lines if line is None or line.strip()), "")
        header, delimiter = _header(header_line or "", columns, tabs_first=".tsv" in path.name.lower())
        if not any(header):
            return
        columns = columns.found_in(source, header)
        places = {name: header.index(name) for name in columns.names}
        row_lines = _RowLines(lines)
        reader = csv.reader(row_lines, delimiter=delimiter)
        while True:
            try:
                row_lines.begin()
                row = next(reader)
                row_lines.check_quotes(row, delimiter)
            except StopIteration:
                return
            except csv.Error as error:
                problem = "quote not closed" if isinstance(error, _NotClosed) else "too long"
                yield from (SourceRow(text=line, problem=problem) for line in row_lines.skip())
                reader = csv.reader(row_lines, delimiter=delimiter)
                continue
            if row:
                yield columns.row({name: _at(row, place) for name, place in places.items()})


def _header(line: str, columns: Columns, tabs_first: bool) -> tuple[list[str], str]:
    """Return the column names and the delimiter."""
    delimiters = ("\t", *_DELIMITERS) if tabs_first else _DELIMITERS
    read = []
    for delimiter in delimiters:
        try:
            names = [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]
        except csv.Error:
            continue
        if columns.like(names).text in names:
            return names, delimiter
        read.append((names, delimiter))
    return max(read, key=lambda found: len(found[0]), default=([], ","))


def _at(row: list[str], index: int) -> str | None:
    return row[index] if index < len(row) else None


class _NotClosed(csv.Error):
    """A quote lasted to the end of the lines, or to one that does not end a field."""


class _RowLines:
    """Lines for a csv reader that raises when one row takes too many of them, or all: a quote was not closed."""

    def __init__(self, lines: Iterator[str | None]) -> None:
        self._lines = lines
        self._row: list[str | None] = []
        self._chars = 0  # of the row
        self._again: deque[str | None] = deque()
        self._read = self._read_again = 0  # characters

    def begin(self) -> None:
        """Let the next line be the first one of a row."""
        self._row = []
        self._chars = 0

    def check_quotes(self, row: list[str], delimiter: str) -> None:
        """Raise where `row`, which the lines since `begin` were read as, is too long and its quotes are not in order.

        It is then no long text but the rows between two quotes, neither of which is closed.
        """
        if len(self._row) > 1 and any(len(field) > MAX_TEXT_CHARS for field in row):
            try:
                next(csv.reader(map(str, self._row), delimiter=delimiter, strict=True))
            except csv.Error:
                raise _NotClosed from None

    def skip(self) -> list[str | None]:
        """Return what is left out of the row: its first line. The second one is the next to be read.

        A row holds `MAX_ROW_CHARS` characters at most, but in a file made for it every line is the start of such a row.
        So where `READ_AGAIN` times what was read has been read again, all lines of the row are left out.
        """
        if self._read_again > READ_AGAIN * self._read:
            return self._row
        self._again.extendleft(reversed(self._row[1:]))
        return self._row[:1]

    def __iter__(self) -> _RowLines:
        return self

    def __next__(self) -> str:
        is_again = bool(self._again)
        try:
            line = self._again.popleft() if is_again else next(self._lines)
        except StopIteration:
            # A reader wants another line only to begin a row, or for a quote that is still open.
            if self._row:
                raise _NotClosed from None
            raise
        self._row.append(line)
        if line is None:
            raise csv.Error("the line is too long")
        self._chars += len(line)
        if is_again:
            self._read_again += len(line)
        else:
            self._read += len(line)
        if self._chars > MAX_ROW_CHARS:
            raise csv.Error("the row is too long")
        return line


def read_parquet(path: Path, columns: Columns) -> Iterator[SourceRow]:
    """Yield the rows of a Parquet file; integers of a `ClassLabel` column become its names."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = f"file {path.name!r}"
    try:
        schema = pq.read_schema(path)
        columns = columns.found_in(source, list(schema.names))
        refuse_nested(source, schema, columns)
        names = _class_names(schema.metadata or {}, columns.label)
        # A dictionary stays one: its values are then held once, however many rows repeat them.
        with pq.ParquetFile(path, read_dictionary=columns.names) as file:
            _refuse_parquet_bomb(source, file.metadata, columns)
            for batch in file.iter_batches(batch_size=PARQUET_BATCH, columns=columns.names):
                yield from arrow_rows(source, batch, columns, names)
    except pa.ArrowException as error:
        raise InvalidInput(source, "cannot be read as Parquet", "Check that it was copied whole.") from error


def arrow_rows(source: str, batch: Any, columns: Columns, names: list[str]) -> Iterator[SourceRow]:
    """Yield the rows of an Arrow record batch; `names` are those of the label column's class numbers, if it has any.

    Raises:
        InvalidInput: a column holds dates or times that Python cannot tell.
    """
    values = {}
    for name in columns.names:
        try:
            values[name] = _values(batch.column(name))
        except (OverflowError, ValueError) as error:
            raise InvalidInput(
                source,
                f"holds in its column {as_name(name)} dates or times outside the years 1 to 9999, or of no known zone",
                "Pass a column of strings.",
            ) from error
    if columns.label and names:
        values[columns.label] = [_class_name(label, names) for label in values[columns.label]]
    for row in zip(*values.values(), strict=True):
        yield columns.row(dict(zip(values, row, strict=True)))


def _class_name(label: Any, names: list[str]) -> Any:
    """Return the name of the class number `label`; a negative one is how `datasets` says that a row has no label."""
    if not isinstance(label, int) or label >= len(names):
        return label
    return names[label] if label >= 0 else None


def refuse_nested(source: str, schema: Any, columns: Columns) -> None:
    """Refuse columns of lists and the like: one row of them can be of any size."""
    import pyarrow as pa

    for name in columns.names:
        kind = schema.field(name).type
        if pa.types.is_nested(kind):
            raise InvalidInput(
                source,
                f"holds in its column {as_name(name)} no strings but {str(kind)[:60]}",
                "Pass a column of strings.",
            )


def _refuse_parquet_bomb(source: str, metadata: Any, columns: Columns) -> None:
    """Refuse a file one of whose pieces unpacks to more than any honest one; a piece is what is unpacked at a time."""
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for piece in map(group.column, range(group.num_columns)):
            most = max(FREE_EXPANSION_BYTES, MAX_EXPANSION * piece.total_compressed_size)
            if piece.path_in_schema in columns.names and piece.total_uncompressed_size > most:
                raise _bomb(source)


def _values(column: Any) -> list[Any]:
    """Return the values of an Arrow column; strings are decoded so that broken UTF-8 shows as U+FFFD."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        longest = pc.max(pc.binary_length(column.dictionary)).as_py() if _is_text(column.dictionary.type) else 0
        if (longest or 0) > 4 * MAX_TEXT_CHARS:  # in bytes; a copy for each row might not fit in memory
            values = _values(column.dictionary)
            return [None if place is None else values[place] for place in column.indices.to_pylist()]
        column = column.dictionary_decode()
    if not _is_text(column.type):
        return list(column.to_pylist())
    raw = pc.cast(column, pa.large_binary()).to_pylist()
    return [None if value is None else value.decode("utf-8", errors="replace") for value in raw]


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _class_names(metadata: Mapping[bytes, bytes], label: str | None) -> list[str]:
    """Return the names of the `ClassLabel` column `label`, from what `datasets` leaves in a Parquet file's metadata."""
    try:
        feature = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"][label]
        return [str(name) for name in feature["names"]] if feature.get("_type") == "ClassLabel" else []
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


@contextmanager
def _opened(path: Path, position: Position) -> Iterator[IO[str]]:
    """Open a text file, gzipped or not; a byte order mark is dropped, broken UTF-8 is read as U+FFFD."""
    source = f"file {path.name!r}"
    with path.open("rb") as raw:
        start = raw.read(2)
        raw.seek(0)
        if start in (b"\xff\xfe", b"\xfe\xff"):
            raise InvalidInput(source, "is UTF-16", "Save it as UTF-8.")
        position.follow(raw, path.stat().st_size)
        binary: Any = _Unpacked(raw, path) if start == b"\x1f\x8b" else raw
        try:
            yield TextIOWrapper(binary, encoding="utf-8-sig", errors="replace", newline="")
        except (gzip.BadGzipFile, EOFError, OSError) as error:
            if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
                raise
            raise InvalidInput(source, "is a damaged gzip file", "Check that it was copied whole.") from error


class _Unpacked(gzip.GzipFile):
    """A gzip file that ends with an `InvalidInput` where it unpacks to more than any honest one."""

    def __init__(self, raw: IO[bytes], path: Path) -> None:
        super().__init__(fileobj=raw)
        self._source = f"file {path.name!r}"
        self._most = max(FREE_EXPANSION_BYTES, MAX_EXPANSION * path.stat().st_size)

    def read1(self, size: int | None = -1) -> bytes:
        """Return the next bytes; a text wrapper reads by this method alone."""
        read = super().read1(-1 if size is None else size)
        if self.tell() > self._most:
            raise _bomb(self._source)
        return read


def _bomb(source: str) -> InvalidInput:
    return InvalidInput(source, f"unpacks to over {MAX_EXPANSION} times its size", "Pass the rows unpacked.")


def _bounded_lines(file: IO[str]) -> Iterator[str | None]:
    """Yield the lines with their ends; None for a line of over MAX_ROW_CHARS, which is never held in memory whole."""
    while line := file.readline(MAX_ROW_CHARS + 1):
        if len(line) <= MAX_ROW_CHARS:
            yield line
            continue
        while line and not line.endswith(("\n", "\r")):
            line = file.readline(MAX_ROW_CHARS)
        yield None
