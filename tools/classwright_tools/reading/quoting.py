r"""The way that a delimited file writes a quote inside quotes: doubled, by RFC 4180, or with a backslash before it.

Of one row that may be unclear: `"c:\games\\"` ends in two backslashes or in one. The whole file settles it.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from classwright_tools.reading.lines import Lines
from classwright_tools.reading.opening import Position, opened
from classwright_tools.reading.records import Dialect, Record


class Quoting(NamedTuple):
    """The quoting of a whole file.

    `ways` are whether a backslash escapes a quote; both where the file does not settle it, and so is not `in_order`.
    Of one that is, `is_seen` says that quotes in a row of one line hold a delimiter or another quote: who wrote that
    row knew how to quote.
    """

    ways: tuple[bool, ...]
    is_seen: bool = False

    @property
    def in_order(self) -> bool:
        """Whether every row under the header reads in order in one way."""
        return len(self.ways) == 1


def quoting_of(path: Path, dialect: Dialect, width: int, header_lines: int) -> Quoting:
    """Return the first way, RFC 4180 before escapes, in which all rows under the header read in order; else both.

    A row in order has `width` fields, and none but those in quotes holds a quote.
    """
    for escapes in (False, True):
        with opened(path, Position()) as file_lines:
            lines = Lines(file_lines)
            for _ in range(header_lines):
                lines.take()
            is_seen = _seen_in_order(lines, dialect, width, escapes)
            if is_seen is not None:
                return Quoting((escapes,), is_seen)
    return Quoting((False, True))


def grown(lines: Lines, dialect: Dialect, width: int, line: str, escapes: bool, at: int = 0) -> Record | None:
    """Return the record that begins with a `line`, which is `at` lines ahead; None if it never ends, or too late."""
    text, read, more = line, at, 1
    while True:
        reading = dialect.record(text, width, escapes)
        if isinstance(reading, Record):
            return reading
        after = lines.ahead(more, read)
        if reading != "open" or not after:
            return None
        text += "".join(after)
        read, more = read + len(after), 2 * more


def _seen_in_order(lines: Lines, dialect: Dialect, width: int, escapes: bool) -> bool | None:
    """Return whether a row of one line shows that its writer quotes; None where the rows are not in order."""
    is_seen = False
    while True:
        try:
            line = lines.take()
        except StopIteration:
            return is_seen
        if line is None or not line.strip():
            continue  # what is no row by either way
        record = grown(lines, dialect, width, line, escapes)
        if record is None or record.has_bare_quote or len(record.fields) != width:
            return None
        if record.lines == 1 and not is_seen:
            is_seen = len(dialect.literal(line)) != width or any('"' in field for field in record.fields)
        for _ in range(record.lines - 1):
            lines.take()
