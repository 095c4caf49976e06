"""Texts that give themselves away by a label's name: as a mark on the text, or spelled as only programs spell it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

_HEADING = r"(?:label|category|class|intent|topic|tag|type)"
# A name of two words and more in one, the first in lower case: cardArrival. Brands are not made so: iPhone, macOS.
_CAMEL = re.compile(r"[a-z]{3,}(?:[A-Z][a-z]{2,})+")
# Of compounds that people say, such as peer-to-peer and state-of-the-art.
_SMALL_WORD = re.compile(r"-(?:to|of|the|in|on|and|by|for|a|up|off|out|per|at|or)-", re.IGNORECASE)

Form = Literal["mark", "spelling"]


class Leak(NamedTuple):
    """A label's name that gives a text away: as a mark on it, or by its spelling anywhere in it."""

    form: Form
    name: str
    found: str


def leaks_in(text: str, labels: tuple[str, ...]) -> Iterator[Leak]:
    """Yield where the name of one of `labels` gives `text` away.

    A name is a mark in brackets or quotes at the beginning ("[refund] ..."), in brackets at the end, after a heading
    ("Label: refund"), before a colon at the beginning and behind an arrow at the end. A name that is spelled like an
    identifier (`card_arrival`, `cardArrival`, `card-not-working`) gives a text away wherever it stands.
    """
    for form, pattern, names in _patterns(labels):
        for match in pattern.finditer(text):
            yield Leak(form, names[_folded(match[match.lastgroup or 0])], match.group().strip()[:60])


def is_identifier(name: str) -> bool:
    """Whether `name` is spelled as programs spell names, and people do not."""
    if " " in name:
        return False
    compound = name.count("-") > 1 and not _SMALL_WORD.search(name)
    return "_" in name.strip("_") or compound or _CAMEL.fullmatch(name) is not None


@lru_cache(maxsize=64)
def _patterns(labels: tuple[str, ...]) -> tuple[tuple[Form, re.Pattern[str], dict[str, str]], ...]:
    """Return the pattern of each form with the labels that it finds, by their folded names."""
    found: list[tuple[Form, re.Pattern[str], dict[str, str]]] = []
    by_name = {_folded(name): name for name in labels}
    forms = [
        rf"^\s*[\[<({{*#\"']+\s*(?:{_HEADING}\s*[:=-]\s*)?(?P<a>NAMES)\s*[\]>)}}*\"']+\s*[:.-]?(?=\s|$)",
        rf"[\[<({{]\s*(?:{_HEADING}\s*[:=-]\s*)?(?P<b>NAMES)\s*[\]>)}}]\s*$",
        rf"(?:^|[\[(<.;|]\s*|\s-\s*){_HEADING}\s*(?:is\s*)?[:=]\s*[\"'*\[]*(?P<c>NAMES)(?!\w)",
        r"^\s*(?P<d>NAMES)\s*[:|]\s",
        r"\s(?:->|=>|\u2192)\s*(?P<e>NAMES)\s*$",
    ]
    found.append(("mark", _compiled("|".join(forms), labels), by_name))
    identifiers = tuple(name for name in labels if is_identifier(name))
    if identifiers:
        found.append(("spelling", _compiled(r"(?<![\w-])(?P<f>NAMES)(?![\w-])", identifiers, as_spelled=True), by_name))
    return tuple(found)


def _compiled(form: str, names: Sequence[str], *, as_spelled: bool = False) -> re.Pattern[str]:
    spelled = [re.escape(name) if as_spelled else _spoken(name) for name in names]
    return re.compile(form.replace("NAMES", "|".join(sorted(spelled, key=len, reverse=True))), re.IGNORECASE)


def _spoken(name: str) -> str:
    """Return the pattern of a name with any of blanks, _ and - between its words; a name of signs alone as it is."""
    words = [word for word in re.split(r"[\s_-]+", name) if word]
    return r"[\s_-]+".join(map(re.escape, words)) if words else re.escape(name)


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().casefold() or name
