"""The choice among an answer's lists: the one that was asked for, not those that stand beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any, NamedTuple

from classwright_tools.writing.completions.parsing.lists import LIST_ENTRY, LONGEST_LEAD, list_entries
from classwright_tools.writing.completions.parsing.literals import Ending, Found, Read, literals_in

_ASKED_FOR = re.compile("items")
# What models call the list when they do not call it what they were told to; nothing, if only numbers name its texts.
_LIKELY = re.compile(
    r"|items?|texts?|examples?|messages?|sentences?|samples?|query|queries|questions?|results?|outputs?|answers?"
    r"|responses?|data|list|(?:sub)?topics?|situations?|source_types|types|emails?|reviews?|tweets?|posts?|phrases?"
    r"|entries|values|contents?"
)
_ANY = re.compile(r".*", re.DOTALL)
# Words of names whose lists are never what was asked for.
_BESIDE = re.compile(
    r"(?<![a-z])(?:reason(?:s|ing)?|think(?:ing)?|thoughts?|analysis|notes?|languages?|explanations?|rationales?"
    r"|scratchpad|plans?|steps?|rules?|constraints?|labels?|tags?|keywords?|category|categories|drafts?|remarks?"
    r"|warnings?|meta|metadata|considerations?|avoid(?:ed)?|type|properties|required|schema)(?![a-z])"
)
# The names under which models wrap each item in an object of its own, the likeliest first.
_ITEM_NAMES = (
    *("text", "item", "example", "message", "content", "body", "name", "topic", "subtopic", "title", "value"),
    *("query", "first_text", "first", "text_a", "sentence", "question", "source_type"),
)
# The names of what stands above a body, and belongs to the text.
_HEADS = ("subject", "title", "headline")
_NUMBERED = re.compile(r"(.*?)[\s_-]*\d{1,3}")
# Between parts of one list, such as one object a line.
_BETWEEN = re.compile(r"(?:[ \t\r\n,;]|```\w*)*")


class Choice(NamedTuple):
    """The elements of a list, how its reading ended, and whether it has the name that was asked for."""

    values: list[Any]
    ending: Ending
    is_named: bool


class Unclear(NamedTuple):
    """There are several lists, by these names, and none of them is called as was asked for."""

    names: tuple[str, ...]


def chosen_list(text: str) -> Choice | Unclear | None:
    """Return the list that was asked for among the JSON values in `text`; None if no value has a list.

    A list by the name that was asked for comes first, wherever it is; then one that begins a line before one in
    a sentence. Of several it is the last, as corrections come after drafts; what stands directly together is one list.
    """
    best, best_rank = None, (False, False, False)
    for block in _blocks(text):
        choice = _choice([found.read for found in block])
        is_named = isinstance(choice, Choice) and choice.is_named
        before = text[max(0, block[0].start - LONGEST_LEAD) : block[0].start].rpartition("\n")[2]
        if choice is None or (LIST_ENTRY.match(before) and not is_named):
            continue  # brackets in an entry of a plain list are part of its text
        rank = (isinstance(choice, Unclear) or bool(choice.values), is_named, not before.strip(" \t`"))
        if rank >= best_rank:
            best, best_rank = choice, rank
    return best


def text_of(value: Any) -> str | None:
    """Return the text that `value` is, or wraps; None if there is none, or if it cannot be encoded."""
    if isinstance(value, dict):
        value = _wrapped(value)
    if not isinstance(value, str) or any("\ud800" <= character <= "\udfff" for character in value):
        return None
    return value


def _wrapped(item: dict[str, Any]) -> Any:
    """Return what an object holds by the name of an item, or else its only text beside labels and notes."""
    for name in _ITEM_NAMES:
        if name == "body" and isinstance(item.get(name), str):
            heads = [item[head] for head in _HEADS if isinstance(item.get(head), str)]
            return "\n\n".join([*heads, item[name]])
        if name in item:
            return item[name]
    texts = [value for name, value in item.items() if isinstance(value, str) and not _is_beside(name)]
    return texts[0] if len(texts) == 1 else None


def _is_beside(name: str) -> bool:
    return bool(_BESIDE.search(name.lower()))


def _blocks(text: str) -> list[list[Found]]:
    """Return the values in `text`; those that only blanks, commas or fences part are together."""
    blocks: list[list[Found]] = []
    end = -1
    for found in literals_in(text):
        between = _BETWEEN.match(text, end) if blocks else None
        if between and between.end() == found.start:
            blocks[-1].append(found)
        else:
            blocks.append([found])
        end = found.read.end
    return blocks


def _choice(reads: list[Read]) -> Choice | Unclear | None:
    """Return the list that was asked for in what was read by `reads`, one directly after the other."""
    values = [read.value for read in reads]
    lists = _lists(values, _ASKED_FOR)
    is_named = bool(lists)
    lists = lists or _lists(values, _LIKELY) or _unnamed(values) or _lists(values, _ANY)
    filled = {name: parts for name, parts in lists.items() if is_named or any(map(_elements, parts))} or lists
    if len(filled) > 1:
        return Unclear(tuple(filled))
    return next((_made(parts, reads, is_named=is_named) for parts in filled.values()), None)


def _unnamed(values: list[Any]) -> dict[str, list[Any]]:
    """Return, under no name, the lists among `values`, or their objects if each of several is an item."""
    lists = [value for value in values if isinstance(value, list)]
    objects = [value for value in values if isinstance(value, dict) and text_of(value) is not None]
    if not lists and (len(objects) > 1 or any(name in value for value in objects for name in _ITEM_NAMES[:3])):
        lists = [objects]
    return {"": lists} if lists else {}


def _made(lists: list[Any], reads: list[Read], *, is_named: bool) -> Choice:
    """Return the choice of the elements of `lists`; an element whose end did not come is left out."""
    unclosed = {id(part) for read in reads for part in read.unclosed}
    values = [value for part in lists for value in _elements(part, any_texts=is_named) or ()]
    ending: Ending = "whole"
    if any(id(part) in unclosed for part in lists):
        ending = next(read.ending for read in reads if read.unclosed)
    return Choice([value for value in values if id(value) not in unclosed], ending, is_named)


def _lists(values: list[Any], names: re.Pattern[str]) -> dict[str, list[Any]]:
    """Return the lists by `names` in `values`, where they are nested the least, by name."""
    level = values
    found: dict[str, list[Any]] = {}
    while level and not found:
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                for name, part in _parts(value):
                    if names.fullmatch(name) and _elements(part, any_texts=names is _ASKED_FOR) is not None:
                        found.setdefault(name, []).append(part)
                    elif isinstance(part, str):
                        is_encoded = names.fullmatch(name) and part.lstrip().startswith(("{", "[", "```"))
                        below += [inner.read.value for inner in literals_in(part)] if is_encoded else []
                    else:
                        below.append(part)
            elif isinstance(value, list):
                below += [part for part in value if isinstance(part, dict) and text_of(part) is None]
        level = below
    return found


def _parts(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what an object holds by name; texts by numbered names ("item 1", "2") are one list."""
    numbered: dict[str, list[Any]] = {}
    for key, part in value.items():
        name = key.strip().lower()
        number = _NUMBERED.fullmatch(name)
        if _is_beside(name):
            continue
        if number and text_of(part) is not None:
            numbered.setdefault(number[1], []).append(part)
        else:
            yield name, part
    yield from numbered.items()


def _elements(part: Any, *, any_texts: bool = False) -> list[Any] | None:
    """Return the elements of a list, or of a list of lists; None if `part` is none.

    With `any_texts` an object of texts, and a text that holds a list, are lists as well.
    """
    if isinstance(part, list):
        return list(chain(*part)) if part and all(isinstance(value, list) for value in part) else part
    if isinstance(part, dict) and any_texts:
        if text_of(part) is not None:
            return [part]
        texts = [value for name, value in part.items() if not _is_beside(name) and text_of(value) is not None]
        return texts if len(texts) == len(part) else None
    if isinstance(part, str) and any_texts:
        inner = chosen_list(part)
        return inner.values if isinstance(inner, Choice) and inner.ending == "whole" else list_entries(part) or None
    return None
