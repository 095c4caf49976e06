"""One record of a delimited file: where its fields begin and end, by RFC 4180 and beyond."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple


class Record(NamedTuple):
    """The fields of a record, and how many lines it takes.

    It also says whether each of its fields stands in quotes, and whether one that does not holds a quote.
    """

    fields: tuple[str, ...]
    lines: int
    all_quoted: bool
    has_bare_quote: bool = False


# Why a record cannot be read: a quote lasts to the end of what there is, or ends before its field does.
Fault = Literal["open", "disordered"]
_OPENING = re.compile(r' *"')
_ESCAPED = re.compile(r'\\(["\\])|"(")')


class Dialect:
    """The records that lines hold when `delimiter` parts their fields; "" where a line is one field."""

    def __init__(self, delimiter: str) -> None:
        ends = re.escape(delimiter) + "|\n" if delimiter else "\n"
        self._delimiter = delimiter
        self._end = re.compile(ends)
        self._after_quote = re.compile(f" *(?:{ends})")

    def literal(self, line: str) -> list[str]:
        """Return the fields of a line in which quotes mean nothing."""
        line = line.removesuffix("\n")
        return line.split(self._delimiter) if self._delimiter else [line]

    def record(self, text: str, width: int, escapes: bool = False) -> Record | Fault:
        r"""Return the record that `text` begins with: whole lines, each with its "\n".

        A field is in quotes when it begins with one, blanks aside; a quote inside is doubled, or with `escapes` has a
        backslash before it. The closing quote ends the field, blanks aside: otherwise the quotes are disordered, as
        they are where a quote is open in a field beyond `width`.
        """
        fields: list[str] = []
        all_quoted, has_bare_quote = True, False
        at = 0
        while True:
            opening = _OPENING.match(text, at)
            if opening is None:
                end = self._end.search(text, at)
                assert end is not None  # the text ends in a line end
                fields.append(text[at : end.start()])
                all_quoted = False
                has_bare_quote = has_bare_quote or '"' in fields[-1]
            else:
                closing = _closing(text, opening.end(), escapes)
                if closing is None:
                    return "open" if len(fields) < width else "disordered"
                end = self._after_quote.match(text, closing + 1)
                if end is None:
                    return "disordered"
                fields.append(_unquoted(text[opening.end() : closing], escapes))
            at = end.end()
            if text[at - 1] == "\n":
                return Record(tuple(fields), text.count("\n", 0, at), all_quoted, has_bare_quote)


def _closing(text: str, at: int, escapes: bool) -> int | None:
    """Return where the first quote from `at` on is that is neither doubled nor, if there are `escapes`, escaped."""
    begin = at
    while (quote := text.find('"', at)) >= 0:
        before = text[begin:quote]
        if escapes and (len(before) - len(before.rstrip("\\"))) % 2:
            at = quote + 1
        elif text.startswith('""', quote):
            at = quote + 2
        else:
            return quote
        begin = at
    return None


def _unquoted(content: str, escapes: bool) -> str:
    if escapes:
        return _ESCAPED.sub(lambda found: found.group(1) or found.group(2), content)
    return content.replace('""', '"')
