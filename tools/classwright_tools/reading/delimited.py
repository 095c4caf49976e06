"""Rows out of delimited files: CSV, TSV and their kin."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from classwright_tools.domain.noun import MAX_TEXT_CHARS
from classwright_tools.reading.opening import MAX_ROW_CHARS, Position, bounded_lines, opened
from classwright_tools.reading.rows import Columns, SourceRow

# By itself csv gives up within a longer field, and what is left of it would be read as rows. The limit is one for the
# whole process: readers that begin later have it too.
csv.field_size_limit(MAX_ROW_CHARS)
# So many times its size of a CSV file may be read again to find the rows after quotes that were not closed.
READ_AGAIN = 4
_DELIMITERS = (",", ";", "\t", "|")


def read_csv(path: Path, columns: Columns, position: Position) -> Iterator[SourceRow]:
    """Yield the rows under the header, the first line that is not blank, of a CSV or TSV file, plain or gzipped.

    The delimiter is the one of "," ";" tab "|" by which the header holds the text column. Of a row whose quote is never
    closed the first line is skipped, and reading goes on at the next one.
    """
    source = f"file {path.name!r}"
    with opened(path, position) as file:
        lines = bounded_lines(file)
        header_line = next((line for line in lines if line is None or line.strip()), "")
        header, delimiter = _header(header_line or "", columns, tabs_first=".tsv" in path.name.lower())
        if not any(header):
            return
        columns = columns.found_in(source, header)
        places = {name: header.index(name) for name in columns.read}
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
