"""Reading JSON as models write it: with single or curly quotes, comments, Python's constants, cut off or broken.

Each value is read once and from left to right, so that the time grows with the length of the text alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Ending = Literal["whole", "cut off", "broken"]

# How often a text is read again from its next bracket on after a quote or comment without an end ran through all of it.
_MOST_RESTARTS = 8

_CLOSERS = {"{": "}", "[": "]", "(": ")"}
_QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d"}
OPENER = r"\[\s*(?:[\"'\u201c\[{\]]|//|/\*)|\{\s*(?:[\"'\u201c}]|//|/\*|\w{1,40}\s*:\s*[\"'\u201c\[{])"
"""The pattern of a place where a list or an object seems to open."""

_OPENER = re.compile(OPENER)
_BLANK = re.compile(r"\s*(?:(?://[^\n]*|/\*.*?(?:\*/|\Z)|\#[^\n]*)\s*)*", re.DOTALL)
_PLAIN = re.compile(r"[\w$.+-]+")
_CONSTANTS = {"true", "false", "null", "True", "False", "None", "NaN", "Infinity", "nan", "inf"}
_SPECIAL = {quote: re.compile(rf"[\\{closer}]") for quote, closer in _QUOTES.items()}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "/": "/", "\\": "\\", "\n": ""} | {
    quote: quote for pair in _QUOTES.items() for quote in pair
}


class Read(NamedTuple):
    """A value, the place after what was read of it, and whether it was read to its end.

    Texts, lists (of Python's tuples, too) and dicts are themselves; numbers and constants are None. Of a value that was
    cut off, or that breaks JSON's grammar, everything before that place is there; `unclosed` are the lists and dicts,
    from the outermost on, whose end did not come.
    """

    value: Any
    end: int
    ending: Ending
    unclosed: tuple[Any, ...] = ()


class Found(NamedTuple):
    """A value in a text, and where it begins."""

    start: int
    read: Read


@dataclass
class _Open:
    """A list or an object whose end has not come yet; `name` is the one that waits for its value."""

    values: list[Any] | dict[str, Any]
    closer: str
    name: str | None = None

    @property
    def wants_name(self) -> bool:
        """Whether the next part is the name of a value."""
        return isinstance(self.values, dict) and self.name is None

    def add(self, value: Any) -> None:
        """Add the next value."""
        if isinstance(self.values, list):
            self.values.append(value)
        elif self.name is not None:
            self.values[self.name] = value
            self.name = None

    def drop_last(self) -> None:
        """Take out what was added last: what follows shows that it had not ended there."""
        if isinstance(self.values, list):
            self.values.pop()
        else:
            self.values.popitem()


def literals_in(text: str) -> list[Found]:
    """Return the lists and objects in `text` that hold anything, or that are whole."""
    found = []
    at, restarts = 0, 0
    while opener := _OPENER.search(text, at):
        read = read_literal(text, opener.start())
        at = max(read.end, opener.end())
        if read.value or read.ending == "whole":
            found.append(Found(opener.start(), read))
        elif read.ending == "cut off" and restarts < _MOST_RESTARTS:
            restarts += 1
            at = opener.end()
    return found


def text_literal(text: str) -> str | None:
    """Return the string that `text` is the literal of, or None."""
    if not text.startswith(tuple(_QUOTES)):
        return None
    read = _string(text, 0)
    return read.value if read.ending == "whole" and not text[read.end :].strip(" \t\r\n,`") else None


def read_literal(text: str, at: int) -> Read:
    """Return the list or object that opens at `at`."""
    opened: list[_Open] = []
    while True:
        part = _next_part(text, at, opened)
        if part.ending == "whole" and opened:
            part = _placed(text, opened[-1], part)
            at = part.end
        if part.ending != "whole":
            return _unfinished(opened, part.end, part.ending)
        if not opened:
            return part


def _next_part(text: str, at: int, opened: list[_Open]) -> Read:
    """Return the next name, scalar or closed value from `at` on; what opens before it is added to `opened`."""
    at = _after_blanks(text, at)
    while at < len(text) and text[at] in _CLOSERS and not (opened and opened[-1].wants_name):
        opened.append(_Open({} if text[at] == "{" else [], _CLOSERS[text[at]]))
        at = _after_blanks(text, at + 1)
    if at == len(text):
        return Read(None, at, "cut off")
    if opened and opened[-1].name is None and text[at] == opened[-1].closer:
        return Read(opened.pop().values, at + 1, "whole")
    return _name(text, at) if opened and opened[-1].wants_name else _scalar(text, at)


def _placed(text: str, into: _Open, part: Read) -> Read:
    """Put `part` where it belongs and return it with the place behind the comma that may follow it."""
    if into.wants_name:
        into.name = part.value
        return part
    into.add(part.value)
    at = _after_blanks(text, part.end)
    if text.startswith(",", at):
        at += 1
    elif at < len(text) and text[at] != into.closer:
        if isinstance(part.value, str) and text[at] not in _CLOSERS.values():
            into.drop_last()
        return Read(None, at, "broken")
    return part._replace(end=at)


def _unfinished(opened: list[_Open], at: int, ending: Ending) -> Read:
    """Return what is there of the outermost open value.

    An object that is an item of a list is left out, unless it holds a list itself: its text may be still to come.
    """
    unclosed = tuple(part.values for part in opened)
    while len(opened) > 1:
        inner = opened.pop().values
        outer = opened[-1]
        is_list = isinstance(outer.values, list)
        if not is_list or isinstance(inner, list) or any(isinstance(value, list | dict) for value in inner.values()):
            outer.add(inner)
    return Read(opened[0].values if opened else None, at, ending, unclosed)


def _after_blanks(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _name(text: str, at: int) -> Read:
    """Return the name at `at`, and the place behind its colon."""
    name = _string(text, at) if text[at] in _QUOTES else _word(text, at)
    if name.ending != "whole":
        return name
    at = _after_blanks(text, name.end)
    if at == len(text):
        return Read(None, at, "cut off")
    return Read(name.value, at + 1, "whole") if text[at] == ":" else Read(None, at, "broken")


def _scalar(text: str, at: int) -> Read:
    """Return the string at `at`, or None for a number or a constant."""
    if text[at] in _QUOTES:
        return _string(text, at)
    word = _word(text, at)
    if word.ending == "whole" and not (word.value in _CONSTANTS or word.value.lstrip("+-.")[:1].isdigit()):
        return Read(None, at, "broken")
    return word._replace(value=None)


def _word(text: str, at: int) -> Read:
    found = _PLAIN.match(text, at)
    if not found:
        return Read(None, at, "broken")
    return Read(found.group(), found.end(), "whole" if found.end() < len(text) else "cut off")


def _string(text: str, at: int) -> Read:
    """Return the string that opens at `at`; an apostrophe inside a word does not end one in single quotes."""
    quote, start = text[at], at + 1
    at = start
    while found := _SPECIAL[quote].search(text, at):
        at = found.end()
        if found.group() == "\\":
            at += 1
        elif quote != "'" or not text[at : at + 1].isalnum():
            return Read(_unescaped(text[start : found.start()]), at, "whole")
    return Read(None, len(text), "cut off")


def _unescaped(body: str) -> str:
    """Return `body` with the escapes of JSON and Python replaced; halves of a character outside the BMP are joined."""
    if "\\" not in body:
        return body
    plain = _ESCAPE.sub(_character, body)
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _character(escape: re.Match[str]) -> str:
    code = escape[1]
    if len(code) == 1:
        return _ESCAPED.get(code, escape.group())
    number = int(code[1:], 16)
    return chr(number) if number <= 0x10FFFF else "\ufffd"
