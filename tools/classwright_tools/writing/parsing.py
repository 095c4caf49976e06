"""What can be used of a language model's answer, and why the rest cannot.

The answer wanted is `{"items": ["...", ...]}`. Models give it inside code fences, behind a preamble, cut off at a
token limit, with objects for strings, or as a numbered list; each complete item of such an answer is kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

CUT_OFF = "the answer was cut off"
TOKEN_LIMIT = "the answer was cut off at its token limit"  # noqa: S105 - a reason, not a secret
FILTERED = "a content filter stopped the answer"
REFUSED = "the model refused"
NOT_TEXT = "an item was not a text"
EMPTY_ITEM = "an item was empty"
REPEATED = "an item was repeated"
NO_LIST = "the answer held no list of items"
NO_ITEMS = "the list of items was empty"
NO_ANSWER = "the answer was empty"

# The names under which small models wrap each item in an object of its own.
_ITEM_KEYS = ("text", "item", "example", "message", "content", "name", "topic", "subtopic", "title", "value")
# Reasoning models think first; some chat templates open the thoughts, so that only their end is in the answer.
_THOUGHTS = re.compile(r"\A\s*(?:<think>.*?(?:</think>|\Z)|(?![\s{\[`]).*?</think>)", re.DOTALL)
_FENCE = re.compile(r"\A```\w*\s*")
_OPENS_JSON = re.compile(r"\[\s*[\"\[{\]]|\{\s*[\"}]")
_LISTED = re.compile(r"^[ \t]*(?:\d{1,3}[.):]|[-*\u2022])[ \t]+(\S.*)$", re.MULTILINE)
_QUOTED = re.compile(r"\A([\"'])(.*)\1\Z|\A\u201c(.*)\u201d\Z")
_REFUSAL = re.compile(
    r"\A\W*(?:(?:i[\u2019']?m|i am) (?:really |very |so )?sorry\W+|sorry\W+|unfortunately\W+)?(?:but )?(?:"
    r"as an ai\b"
    r"|(?:i (?:can(?:not|[\u2019']?t)|won[\u2019']?t)|(?:i[\u2019']?m|i am) (?:unable|not able) to)"
    r" (?:\w+ ){0,2}?(?:help|assist|comply|create|generate|provide|produce|write|fulfil\w*)\b)",
    re.IGNORECASE,
)
_decoder = json.JSONDecoder(strict=False)  # small models leave line breaks inside strings unescaped


class Parsed(NamedTuple):
    """The items of an answer, each once and in order, and one reason for each kind of thing that was lost."""

    items: tuple[str, ...]
    lost: tuple[str, ...]


def parse_answer(content: str, finish_reason: str | None = None) -> Parsed:
    """Return the usable items of an answer, whatever it looks like.

    `finish_reason` is the endpoint's word for why the model stopped: "length" and "content_filter" become reasons.
    """
    text = _FENCE.sub("", _THOUGHTS.sub("", content).strip())
    start = _OPENS_JSON.search(text)
    if text.startswith(("{", "[")):
        values, whole = _json_items(text)
    elif start:
        values, whole = _json_items(text[start.start() :])
    else:
        values, whole = _listed(text, whole=finish_reason != "length")
    items, lost = _usable(values)
    ending = _why_ended(finish_reason, whole)
    if len(items) == 1 and _REFUSAL.match(items[0]):
        items = []
    if not items and not ending:
        lost = [*lost, _why_nothing(content, text, values)]
    return Parsed(tuple(items), tuple(dict.fromkeys([*lost, *ending])))


def _why_ended(finish_reason: str | None, whole: bool) -> list[str]:
    if finish_reason == "content_filter":
        return [FILTERED]
    if finish_reason == "length":
        return [TOKEN_LIMIT]
    return [] if whole else [CUT_OFF]


def _why_nothing(content: str, text: str, values: list[Any]) -> str:
    if not content.strip():
        return NO_ANSWER
    if _REFUSAL.match(text) or any(isinstance(value, str) and _REFUSAL.match(value) for value in values):
        return REFUSED
    return NO_ITEMS if text.startswith(("{", "[")) else NO_LIST


def _usable(values: Iterable[Any]) -> tuple[list[str], list[str]]:
    """Return the texts among `values`, each once, and why the others were lost."""
    items: dict[str, None] = {}
    lost = []
    for value in values:
        text = _text_of(value)
        if text is None:
            lost.append(NOT_TEXT)
        elif not text.strip():
            lost.append(EMPTY_ITEM)
        elif text in items:
            lost.append(REPEATED)
        else:
            items[text] = None
    return list(items), lost


def _text_of(value: Any) -> str | None:
    """Return the text that `value` is, or wraps; None if there is none, or if it cannot be encoded."""
    if isinstance(value, dict):
        value = next((value[key] for key in _ITEM_KEYS if key in value), None)
    if not isinstance(value, str) or any("\ud800" <= character <= "\udfff" for character in value):
        return None
    return value


def _json_items(text: str) -> tuple[list[Any], bool]:
    """Return the elements of the list in `text`, which starts with a JSON object or array, and whether it ended."""
    at = 0 if text[0] == "[" else _array_in_object(text)
    if at is None:
        return [], _is_whole(text)
    values: list[Any] = []
    for value in _elements(text, at + 1):
        if value is _END:
            return values, True
        values.append(value)
    return values, False


def _is_whole(text: str) -> bool:
    """Whether `text` starts with a complete JSON value."""
    try:
        _decoder.raw_decode(text)
    except ValueError:
        return False
    except RecursionError:  # nothing that anybody wrote nests so deep
        return True
    return True


def _array_in_object(text: str) -> int | None:
    """Return where the first array that is a value of the object at the start of `text` opens, or None."""
    at = _skip(text, 1)
    while True:
        name = _value(text, at)
        if name is None or not isinstance(name[0], str):
            return None
        at = _skip(text, name[1])
        if not text.startswith(":", at):
            return None
        at = _skip(text, at + 1)
        if text.startswith("[", at):
            return at
        value = _value(text, at)
        if value is None:
            return None
        at = _skip(text, value[1])
        if not text.startswith(",", at):
            return None
        at = _skip(text, at + 1)


_END = object()


def _elements(text: str, at: int) -> Iterator[Any]:
    """Yield the complete elements of the array that opened before `at`, and `_END` if it closes."""
    while True:
        at = _skip(text, at)
        if text.startswith("]", at):
            yield _END
            return
        element = _value(text, at)
        if element is None:
            return
        at = _skip(text, element[1])
        yield element[0]
        if text.startswith(",", at):
            at += 1
        elif not text.startswith("]", at):
            return


def _value(text: str, at: int) -> tuple[Any, int] | None:
    """Return the JSON value at `at` and where it ends, or None if none is complete there."""
    try:
        return _decoder.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None


def _skip(text: str, at: int) -> int:
    """Return the place of the first character from `at` on that is not white space."""
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _listed(text: str, *, whole: bool) -> tuple[list[Any], bool]:
    """Return the entries of a numbered or bulleted list; the last is left out if the answer was cut off."""
    found = [_unquoted(entry.rstrip(" \t")) for entry in _LISTED.findall(text)]
    return (found, True) if whole else (found[:-1], False)


def _unquoted(entry: str) -> str:
    quoted = _QUOTED.match(entry)
    return (quoted[2] or quoted[3] or "") if quoted else entry
