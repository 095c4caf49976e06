"""A quote that is open at the end of its line: is it a text of several lines, or a quote that nobody closed?

RFC 4180 knows the first alone, and both can be valid by it: a quote is opened by mistake, rows follow, and one of them
ends in a quote. So the lines between are looked at. Rows have the header's width, and say in their other columns what
other rows say there; the lines of a text do not, save by chance. A file that is in order throughout is believed, unless
all lines of a text could be rows, or one of them is like one and nothing else shows that its writer quotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from typing import Literal

from classwright_tools.reading.quoting import Quoting
from classwright_tools.reading.records import Dialect

IsLabel = Callable[[str], bool]
Verdict = Literal["text", "rows", "unclear"]
# Of a column; a column with more different values tells little.
VALUES_KEPT = 1_000
# Some lines of a text may be like rows by chance, or because rows were pasted into it; so many hardly ever.
ROWS_BELIEVED = 8
_DIGITS = re.compile(r"\d+")
_LABEL = "\n"  # no value of a column that is one line


class Familiar:
    """Values that a file's rows have in the columns by which rows are told from lines of a text."""

    def __init__(self, dialect: Dialect, width: int, places: Sequence[int], is_label: IsLabel) -> None:
        """Take the `width` of the header, and the `places` of the columns to look at: the labels', or all but texts'.

        `is_label` tells of the value of such a column whether it is a label that whoever reads knows.
        """
        self._dialect = dialect
        self._width = width
        self._places = places
        self._is_label = is_label
        self._values: set[tuple[int, str]] = set()
        self._shapes: set[tuple[int, str]] = {(place, _LABEL) for place in places}

    def add(self, fields: Sequence[str]) -> None:
        """Take the fields of a row."""
        for place in self._places:
            value = (place, fields[place])
            if value not in self._values and len(self._values) < VALUES_KEPT * len(self._places):
                self._values.add(value)
                self._shapes |= self._shapes_in(*value)

    def verdict(self, span: Sequence[str], fields: Sequence[str], after: Iterable[str], quoting: Quoting) -> Verdict:
        """Return what the lines of a `span` are, whose first opens a quote that its last one closes in good order.

        If it is a text, it is the row with these `fields`. The lines `after` it begin with rows, whatever it is.
        `quoting` is that of the whole file.
        """
        has_lines = len(fields) == self._width and any("\n" in fields[place] for place in self._places)
        if has_lines and not quoting.in_order:
            return "unclear"  # no label has lines: a text was cut at a delimiter before a quote
        rows = takewhile(lambda line: '"' not in line and self._is_of_width(line), after)
        # A column before the text stands in the first line, and one behind it in the last, whatever the span is.
        known = self._shapes.union(self._shapes_among(fields), *map(self._shapes_of, rows))
        lines = [line for line in span if line.strip()]
        first, *inner, last = [
            2 * len({place for place, _ in self._shapes_of(line) & known}) > len(self._places) for line in lines
        ]
        alike = sum(inner)
        if quoting.in_order and (quoting.is_seen or not alike) and not all(map(self._is_of_width, lines)):
            return "text"
        if alike >= ROWS_BELIEVED and ((first and last and 2 * alike >= len(inner)) or alike == len(inner)):
            return "rows"
        is_row = len(fields) != self._width and len(self._dialect.literal(lines[0])) >= self._width
        may_be_new = not quoting.is_seen and self._may_be_new(lines)
        return "unclear" if alike or (first and last) or is_row or may_be_new else "text"

    def _may_be_new(self, lines: Sequence[str]) -> bool:
        """Whether all of some lines may be rows that say what no row has said before."""
        return bool(self._places) and len(lines) > 3 and all(map(self._is_of_width, lines))

    def _is_of_width(self, line: str) -> bool:
        return len(self._dialect.literal(line)) == self._width

    def _shapes_of(self, line: str) -> set[tuple[int, str]]:
        """Return what a line says in the places to look at, if it is a row."""
        return self._shapes_among(self._dialect.literal(line))

    def _shapes_among(self, fields: Sequence[str]) -> set[tuple[int, str]]:
        """Return what a row says in the places to look at; of one with a delimiter too many, from either end."""
        if len(fields) < self._width:
            return set()
        return set().union(
            *(
                self._shapes_in(place, fields[found])
                for place in self._places
                for found in {place, place - self._width + len(fields)}
            )
        )

    def _shapes_in(self, place: int, value: str) -> set[tuple[int, str]]:
        """Return a value with its numbers made equal, as identifiers and dates differ by them alone; nothing for none.

        A label is one, too.
        """
        value = value.strip(' "\n')
        shapes = {_DIGITS.sub("9", value), *((_LABEL,) if self._is_label(value) else ())}
        return {(place, shape) for shape in shapes} if value else set()
