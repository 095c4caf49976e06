"""The usable part of a language model's answer, and why the rest cannot be used.

The answer wanted is `{"items": ["...", ...]}`. Models give it after thoughts, inside code fences, behind a preamble,
cut off at a token limit, with objects for strings, as Python writes it, or as a plain list; each complete item is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from classwright_tools.curation.text_checks import is_refusal
from classwright_tools.writing.completions.parsing.choice import Choice, Unclear, chosen_list, text_of
from classwright_tools.writing.completions.parsing.lists import list_entries
from classwright_tools.writing.completions.parsing.literals import Ending, read_literal, text_literal
from classwright_tools.writing.completions.parsing.reasoning import without_leading_thoughts, without_thoughts
from classwright_tools.writing.prompts.rules import FORM_ITEMS

CUT_OFF = "the answer was cut off"
TOKEN_LIMIT = "the answer was cut off at its token limit"  # noqa: S105 - a reason, not a secret
THINKING_LIMIT = "the model was still thinking at its token limit (--writer-thinking-tokens allows more)"
ONLY_THOUGHTS = "the model thought and gave no answer"
BROKEN = "the list of items could not be read to its end"
FILTERED = "a content filter stopped the answer"
REFUSED = "the model refused"
NOT_TEXT = "an item was not a text"
EMPTY_ITEM = "an item was empty"
REPEATED = "an item was repeated"
FORM_COPIED = "an item was that of the form that the prompt shows"
NO_LIST = "the answer held no list of items"
SEVERAL_LISTS = "the answer held several lists, and none was called items"
UNCLEAR_LIST = "the numbers of the list did not say where its items begin"
NO_ITEMS = "the list of items was empty"
NO_ANSWER = "the answer was empty"

# The model had no say over where its answer ends.
_STOPPED = ("length", "content_filter")
_ENDINGS: dict[Ending, list[str]] = {"whole": [], "cut off": [CUT_OFF], "broken": [BROKEN]}
# Of an answer without items: in a list "I can't create an account" is a customer's text.
_REFUSAL = re.compile(
    r"\A\W*(?:(?:i[\u2019']?m|i am) (?:really |very |so )?sorry\W+|sorry\W+|unfortunately\W+)?(?:but )?(?:"
    r"as an ai\b"
    r"|(?:i (?:can(?:not|[\u2019']?t)|won[\u2019']?t)|(?:i[\u2019']?m|i am) (?:unable|not able) to)"
    r" (?:\w+ ){0,2}?(?:help|assist|comply|create|generate|provide|produce|write|fulfil\w*)\b)",
    re.IGNORECASE,
)


class Parsed(NamedTuple):
    """The items of an answer, each once and in order; a reason for each kind of loss; and whether the model thought."""

    items: tuple[str, ...]
    lost: tuple[str, ...]
    thought: bool = False


def parse_answer(content: str, finish_reason: str | None = None, *, thought: bool = False) -> Parsed:
    """Return the usable items of an answer, whatever it looks like.

    `finish_reason` is the endpoint's word for why the model stopped: "length" and "content_filter" become reasons.
    `thought` says that the endpoint handed over thoughts apart from the answer.
    """
    text, thought_inside = without_thoughts(content)
    text = text.strip()
    thought = thought or thought_inside
    values, ending = _values(text, is_whole=finish_reason not in _STOPPED)
    items, lost = _usable(values)
    if len(items) == 1 and is_refusal(items[0]):
        items, lost = [], [REFUSED]
    if finish_reason == "content_filter":
        ending = [FILTERED]
    elif finish_reason == "length":
        ending = [TOKEN_LIMIT if text or not thought else THINKING_LIMIT]
    elif not text:
        ending = [ONLY_THOUGHTS if thought else NO_ANSWER]
    elif not items and _REFUSAL.match(text):
        ending = [REFUSED]
    elif not items and not lost and not ending:
        ending = [NO_ITEMS]
    return Parsed(tuple(items), tuple(dict.fromkeys([*lost, *ending])), thought)


def is_exhausted(content: str) -> bool:
    """Whether an answer that is still being written holds all that is to be had: it is closed, or repeats an item."""
    read = read_literal(content, 0)
    return read.ending != "cut off" or REPEATED in parse_answer(content, "length").lost


def _values(text: str, *, is_whole: bool) -> tuple[list[Any], list[str]]:
    """Return the elements of the list in `text`, and why there are none, or no more."""
    inner = text_literal(text)
    if inner is not None:  # encoded twice
        return _values(inner, is_whole=is_whole)
    choice = chosen_list(text)
    if isinstance(choice, Choice) and choice.values:
        return choice.values, _ENDINGS[choice.ending]
    entries = list_entries(text, is_whole=is_whole)
    if entries:
        return [_whole_object(entry) for entry in entries], []
    if isinstance(choice, Choice):
        return [], _ENDINGS[choice.ending]
    if isinstance(choice, Unclear):
        return [], [SEVERAL_LISTS]
    return [], [UNCLEAR_LIST if entries is None else NO_LIST]


def _whole_object(entry: str) -> Any:
    """Return the object that an entry of a plain list is, or the entry."""
    if entry.startswith("{"):
        read = read_literal(entry, 0)
        if read.ending == "whole" and read.end == len(entry) and text_of(read.value) is not None:
            return read.value
    return entry


def _usable(values: Iterable[Any]) -> tuple[list[str], list[str]]:
    """Return the texts among `values`, each once, and why the others were lost."""
    items: dict[str, None] = {}
    lost = []
    for value in values:
        text = text_of(value)
        if text is None:
            lost.append(NOT_TEXT)
            continue
        text = without_leading_thoughts(text)
        if not text.strip():
            lost.append(EMPTY_ITEM)
        elif text in FORM_ITEMS:
            lost.append(FORM_COPIED)
        elif text in items:
            lost.append(REPEATED)
        else:
            items[text] = None
    return list(items), lost
