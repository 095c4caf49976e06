"""Removal of what a model thought before it answered: text between marks of thinking, and channels of analysis."""

from __future__ import annotations

import re
from typing import NamedTuple

from classwright_tools.writing.completions.parsing.literals import OPENER, read_literal

BREAK = "\f"
"""Stands on a line of its own where thoughts were taken out between two parts of an answer."""

_NAMES = (
    r"(?:[a-z]+:)?(?:think|thinking|thoughts?|reason|reasoning|reasoning_content|reflection|analysis|scratchpad"
    r"|inner_?monologue|chain_?of_?thought)"
)
_BEGIN = (
    rf"<{_NAMES}(?:\s[^<>\n]{{0,200}})?>|(?-i:\[THINK\])|\u25c1think\u25b7"
    r"|<\|(?:begin_of_thought|start_thinking|think|thinking|begin_of_think)\|>|<\|channel>thought\b"
)
_FINISH = (
    rf"</{_NAMES}\s*>|(?-i:\[/THINK\])|\u25c1/think\u25b7"
    r"|<\|(?:end_of_thought|end_thinking|/think|/thinking|end_of_think)\|>|<channel\|>"
    r"|\.\.\.done thinking\."
)
_FENCE = re.compile(r"\s*(?:```\w*\s*)?")


class _Marks:
    """Marks that thoughts stand between, as patterns."""

    def __init__(self, begin: str, finish: str) -> None:
        self.any = re.compile(rf"(?i:(?P<begin>{begin})|(?P<finish>{finish}))|(?P<opener>{OPENER})")
        self.begin = re.compile(rf"\s*(?:{begin})", re.IGNORECASE)
        self.finish = re.compile(finish, re.IGNORECASE)


_TAGS = _Marks(_BEGIN, _FINISH)
# The format of gpt-oss (github.com/openai/harmony): each message has a channel, and only that of "final" is the answer.
_HARMONY = re.compile(r"\A\s*(?:<\|(?:start|channel|message|end)\|>|analysis<\|)")
_MESSAGE = re.compile(
    r"(?:\A\s*|<\|channel\|>)\s*(\w+)[^<]{0,200}(?:<\|constrain\|>[^<]{0,200})?<\|message\|>(.*?)"
    r"(?=<\|(?:end|return|call|start|channel)\|>|\Z)",
    re.DOTALL,
)
# What is left of it where a server drops the special tokens: no word goes on like this.
_STRIPPED = re.compile(r"\s*(?:assistant\s*)?analysis(?P<glued>[^\sa-z.,:;])?")
_CHANNELS = _Marks(r"(?!)", r"(?-i:assistant\s*final(?![a-z]))")


# How many broken drafts before the end of thoughts are looked through from their first mark on.
_MOST_DRAFTS = 8


class Answer(NamedTuple):
    """A model's answer without its thoughts, and whether it thought."""

    text: str
    thought: bool


def without_thoughts(content: str) -> Answer:
    """Return `content` without the thoughts in it.

    Thoughts stand between marks, or before a closing mark alone (some chat templates open them), or after an opening
    mark alone (the model came to no end). A mark inside a whole JSON value belongs to a text and is no mark.
    """
    if _HARMONY.match(content) and (messages := _MESSAGE.findall(content)):
        final = [body for channel, body in messages if channel == "final"]
        return Answer(final[-1] if final else "", thought=True)
    stripped = _STRIPPED.match(content)
    if stripped:
        answer = _outside(_CHANNELS, content)
        if answer.thought:
            return Answer(_outside(_TAGS, answer.text).text, thought=True)
        if stripped["glued"]:
            return Answer("", thought=True)
    return _outside(_TAGS, content)


def without_leading_thoughts(item: str) -> str:
    """Return `item` without whole thoughts at its start: some models put them into the list."""
    while begin := _TAGS.begin.match(item):
        finish = _TAGS.finish.search(item, begin.end())
        if not finish:
            break
        item = item[finish.end() :].lstrip()
    return item


def _outside(marks: _Marks, content: str) -> Answer:
    """Return what of `content` is not between `marks`, nor before the end of thoughts whose begin is not there."""
    kept: list[str] = []
    at = part = 0
    start = _begin(content, 0)
    drafts = 0
    thought = False
    while mark := marks.any.search(content, at):
        if mark["opener"]:
            read = read_literal(content, mark.start())
            at = max(read.end, mark.end())
            if read.ending == "whole" or mark.start() == start:
                continue
            ends = [found.end() for found in marks.finish.finditer(content, mark.end(), at)]
            if not ends:
                continue
            end = ends[0 if drafts < _MOST_DRAFTS else -1]  # a draft that broke off where the thoughts ended
            drafts += 1
            kept.clear()
        elif mark["finish"]:
            end = mark.end()
            kept.clear()
        else:
            finish = marks.finish.search(content, mark.end())
            end = finish.end() if finish else len(content)
            kept.append(content[part : mark.start()])
        thought = True
        at = part = end
        start = _begin(content, end)
    kept.append(content[part:])
    return Answer(f"\n{BREAK}\n".join(text for text in kept if text.strip()), thought)


def _begin(content: str, at: int) -> int:
    """Return where what follows `at` begins, behind blanks and the line that opens a fence."""
    fence = _FENCE.match(content, at)
    return fence.end() if fence else at
