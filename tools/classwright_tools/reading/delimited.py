"""Rows out of delimited files: CSV, TSV and their kin. No text is ever cut at a delimiter."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from itertools import product
from pathlib import Path

from classwright_tools.errors import InvalidInput
from classwright_tools.reading.lines import Lines
from classwright_tools.reading.open_quotes import Familiar, Verdict
from classwright_tools.reading.opening import MAX_ROW_CHARS, Position, opened
from classwright_tools.reading.quoting import Quoting, grown, quoting_of
from classwright_tools.reading.records import Dialect, Fault, Record
from classwright_tools.reading.rows import TOO_LONG, Columns, SourceRow

_DELIMITERS = (",", ";", "\t", "|")
_NAMED_DELIMITER = re.compile(r'"?sep=(.)"?\s*$', re.IGNORECASE)  # what Excel reads in a first line
HEADER_LINES = 20
LINES_LOOKED_AT = 50
NOT_CLOSED = "quote not closed"
DISORDERED = "quotes not in order"
UNCLEAR = "quotes that can be read in two ways"
_QUOTING = 'put the whole text in quotes, and write each quote inside it twice ("")'


def read_csv(path: Path, columns: Columns, position: Position) -> Iterator[SourceRow]:
    r"""Yield the rows under the header, the first line that is not blank, of a CSV or TSV file, plain or gzipped.

    The delimiter is the one of "," ";" tab "|" by which the header holds the text column, or what a line `sep=;` before
    it says; a file of one column has none. A row that has not the header's width is a problem, not a row. Quotes are
    read by RFC 4180 where the whole file reads by it, save for lines in quotes that could be rows. Elsewhere inside
    quotes `\"` is a quote, where that alone makes sense of the file or the row. Of a row whose quote is never closed
    the first line is a problem, and reading goes on at the next one.
    """
    source = f"file {path.name!r}"
    with opened(path, position) as file_lines:
        lines = Lines(file_lines)
        header, delimiter = _header(source, lines, columns, tabs_first=".tsv" in path.name.lower())
        if not any(header.fields):
            return
        columns = replace(
            columns,
            text=_as_header(columns.text),
            label=columns.label and _as_header(columns.label),
            pair=columns.pair and _as_header(columns.pair),
        ).found_in(source, list(header.fields), by_header=True)
        yield from _Rows(path, lines, header, Dialect(delimiter), columns).read()


def delimiter_of(path: Path, columns: Columns) -> str:
    """Return what stands between the columns of a CSV or TSV file, as `read_csv` finds it; "" where it has one column.

    Raises:
        InvalidInput: it holds JSON, or its first line is too long.
        OSError: it cannot be opened.
    """
    with opened(path, Position()) as file_lines:
        return _header(f"file {path.name!r}", Lines(file_lines), columns, tabs_first=".tsv" in path.name.lower())[1]


def _header(source: str, lines: Lines, columns: Columns, tabs_first: bool) -> tuple[Record, str]:
    """Return the record of the column names and the delimiter, and take the lines of the header."""
    try:
        line = _first_line(lines)
        named = _NAMED_DELIMITER.match(line or "")
        if named:
            line = _first_line(lines)
    except StopIteration:
        return Record((), 0, all_quoted=False), ""
    if line is None:
        raise InvalidInput(
            source, f"has a first line of over {MAX_ROW_CHARS:,} characters", "Put the columns' names into it."
        )
    _refuse_json(source, line)
    delimiters = (named.group(1),) if named else ("\t", *_DELIMITERS) if tabs_first else _DELIMITERS
    text = line + "".join(lines.ahead(HEADER_LINES))
    read: list[tuple[Record, str]] = []
    for delimiter in delimiters:
        record = _first_record(Dialect(delimiter), line, text)
        names = [_as_header(name) for name in record.fields]
        read.append((record._replace(fields=tuple(names)), delimiter))
        if columns.like(names).text in names or _as_header(columns.text) in names:
            break
    else:
        read = [max(read, key=lambda found: len(found[0].fields))]
    header, delimiter = read[-1]
    for _ in range(header.lines - 1):
        lines.take()
    return header, delimiter if len(header.fields) > 1 else ""


def _first_line(lines: Lines) -> str | None:
    """Return the first line that is not blank."""
    while True:
        line = lines.take()
        if line is None or line.strip():
            return line


def _first_record(dialect: Dialect, line: str, text: str) -> Record:
    """Return the header in `text`, which begins with `line`; with no order in its quotes, as it stands."""
    record = dialect.record(text, len(text))
    return record if isinstance(record, Record) else Record(tuple(dialect.literal(line)), 1, all_quoted=False)


def _as_header(name: str) -> str:
    """Return the name of a column in one line; a cell of a header may have several."""
    return " ".join(name.split())


def _refuse_json(source: str, line: str) -> None:
    """Refuse JSON under the ending of a delimited file."""
    if line.lstrip()[:1] in ("{", "["):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            return
        kind = "JSON lines" if isinstance(value, dict) else "a JSON array"
        raise InvalidInput(source, f"holds {kind}, not CSV", "Write one JSON object a line, and name the file .jsonl.")


class _Rows:
    """The rows under a header."""

    def __init__(self, path: Path, lines: Lines, header: Record, dialect: Dialect, columns: Columns) -> None:
        self._path = path
        self._file = path.name
        self._header_lines = lines.taken
        self._lines = lines
        self._width = len(header.fields)
        self._all_quoted = header.all_quoted
        self._dialect = dialect
        self._columns = columns
        there = {name: place for place, name in enumerate(columns.there)}
        self._places = {name: there[name] for name in columns.read}
        texts = {self._places[name] for name in (columns.text, columns.pair) if name is not None}
        others = [place for place in range(self._width) if place not in texts]
        looked_at = others if columns.label is None else [self._places[columns.label]]
        self._familiar = Familiar(dialect, self._width, looked_at, columns.is_label)

    def read(self) -> Iterator[SourceRow]:
        """Yield the rows, and what could not be read as one."""
        while True:
            try:
                line = self._lines.take()
            except StopIteration:
                return
            number = self._lines.taken
            if line is None:
                yield self._problem(None, number, TOO_LONG, f"the line has over {MAX_ROW_CHARS:,} characters")
            elif '"' not in line:
                if line.strip() or len(self._dialect.literal(line)) > 1:
                    yield self._row(self._dialect.literal(line), line, number)
            else:
                yield from self._quoted(line, number)

    def _row(self, fields: list[str] | tuple[str, ...], line: str, number: int) -> SourceRow:
        if len(fields) != self._width:
            return self._of_other_width(len(fields), line, number)
        self._familiar.add(fields)
        values = {name: fields[place] for name, place in self._places.items()}
        return self._columns.row(values, self._file, number)

    def _of_other_width(self, width: int, line: str, number: int) -> SourceRow:
        problem = f"{'more' if width > self._width else 'fewer'} fields than the header"
        return self._problem(line, number, problem, f"{width} where the header has {self._width}: {_QUOTING}")

    def _problem(self, line: str | None, number: int, problem: str, detail: str = _QUOTING) -> SourceRow:
        text = None if line is None else line.removesuffix("\n")
        return self._columns.unread(text, problem, detail, self._file, number)

    def _quoted(self, line: str, number: int) -> Iterator[SourceRow]:
        """Yield what a line is that holds quotes, and with it those after it that belong to it."""
        readings = self._readings(line)
        records = [reading for reading in readings if isinstance(reading, Record)]
        fitting = self._fitting(records)
        longer = self._longer(line, readings)
        if longer and (not fitting or self._fitting(longer)):
            record = min(longer, key=lambda one: (len(one.fields) != self._width, one.lines))
            verdict = self._verdict(record, line)
            if verdict != "rows":
                is_text = verdict == "text" and not fitting and len(self._fitting(longer)) <= 1
                if is_text:
                    yield self._row(record.fields, line, number)
                    for _ in range(record.lines - 1):
                        self._lines.take()
                else:
                    yield from self._unclear(self._settled(line, max(one.lines for one in longer)), line, number)
                return
        if len(fitting) > 1:
            yield self._problem(line, number, UNCLEAR)
        elif records:
            yield self._row(fitting.pop() if fitting else records[0].fields, line, number)
        elif readings[0] == "open" or longer:
            yield self._problem(line, number, NOT_CLOSED)
        elif self._is_literal(line):
            yield self._row(self._dialect.literal(line), line, number)
        else:
            yield self._problem(line, number, DISORDERED)

    def _fitting(self, records: list[Record]) -> set[tuple[str, ...]]:
        """Return the fields of those records that have the header's width."""
        return {record.fields for record in records if len(record.fields) == self._width}

    @cached_property
    def _quoting(self) -> Quoting:
        return quoting_of(self._path, self._dialect, self._width, self._header_lines)

    def _readings(self, text: str) -> list[Record | Fault]:
        r"""Return what the first record of a text can be read as, in the ways of the file if they may differ by it."""
        ways = self._quoting.ways if '\\"' in text else (False,)
        return [self._dialect.record(text, self._width, way) for way in ways]

    def _is_literal(self, line: str) -> bool:
        """Whether the quotes of a line are words of its text, as in: "Great!" she said.

        They come in pairs, the line has the header's width, and the next one is no rest of it.
        """
        after = next(iter(self._lines.ahead(1)), None)
        return (
            line.count('"') % 2 == 0
            and len(self._dialect.literal(line)) == self._width
            and (after is None or not after.strip() or len(self._dialect.literal(after)) >= self._width)
        )

    def _verdict(self, record: Record, line: str) -> Verdict:
        """Return what the lines from `line` on are, which could be `record`.

        Where a file has all fields in quotes, each row begins with one, which ends an open quote out of order.
        """
        if self._all_quoted and record.all_quoted:
            return "text"
        span = [line, *self._lines.ahead(record.lines - 1)]
        after = self._lines.ahead(LINES_LOOKED_AT, record.lines - 1)
        return self._familiar.verdict(span, record.fields, after, self._quoting)

    def _unclear(self, lines: int, line: str, number: int) -> Iterator[SourceRow]:
        """Yield each of the `lines` from `line` on as a problem."""
        detail = f"a quote opens in line {number:,}, and may not be closed: {_QUOTING}"
        yield self._problem(line, number, UNCLEAR, detail)
        for _ in range(lines - 1):
            yield self._problem(self._lines.take(), self._lines.taken, UNCLEAR, detail)

    def _settled(self, line: str, lines: int) -> int:
        """Return after how many lines from `line` on, `lines` or more, a row ends by each reading of the quotes.

        Those are RFC 4180 and escapes, and both where `line` is a row by itself, whose quote nobody closed.
        """
        settled = 0
        while settled < lines:
            settled = lines
            for at, escapes in product((0, 1), self._quoting.ways):
                while at < lines:
                    begin = line if at == 0 else "".join(self._lines.ahead(1, at - 1))
                    record = self._grown(begin, escapes, at) if '"' in begin else None
                    at += record.lines if record else 1
                lines = at
        return lines

    def _longer(self, line: str, readings: list[Record | Fault]) -> list[Record]:
        """Return the records that begin with a line and end in a later one, by each of the `readings` that allow it."""
        if "open" not in readings:
            return []
        ways = zip(self._quoting.ways, readings if len(readings) > 1 else readings * 2, strict=False)
        found = [self._grown(line, way) for way, reading in ways if reading == "open"]
        return [record for record in found if record]

    def _grown(self, line: str, escapes: bool, at: int = 0) -> Record | None:
        return grown(self._lines, self._dialect, self._width, line, escapes, at)
