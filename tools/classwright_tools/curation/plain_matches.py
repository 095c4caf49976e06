"""Plain matches: queries that are a part of their item's words, or of those of a query that fits it."""

from __future__ import annotations

import re

from classwright_tools.curation.bare_text import bare_text

_WORD = re.compile(r"\w+")
_PLURAL = re.compile(r"(?<=\w{3})s$")

Words = tuple[str, ...]


class PlainMatches:
    """Knows which queries fit an item. A pair is no mismatch whose query stands, word after word, in one of these.

    It goes by words alone, plural or not. In homedepot_search and crowdflower_search (train) 17 and 48% of the pairs
    that people called relevant are plain matches, and 3 and 6% of those that they called irrelevant. Where the words
    may stand apart it is 42 and 79%, and 7 and 13%: then searches for a part or an accessory ("lamp shade" for "lamp
    with a shade"), which are good mismatches, would be taken for matches.
    """

    def __init__(self) -> None:
        """Know no query yet."""
        self._fitting: dict[str, list[Words]] = {}

    def add(self, query: str, item: str) -> None:
        """Know from now on that `query` fits `item`."""
        self._fitting.setdefault(item, []).append(_words(query))

    def holds(self, query: str, item: str) -> bool:
        """Return whether `query` asks for a part of what `item` says, or for all or a part of a query that fits it."""
        asked, fitting = _words(query), self._fitting.get(item, [])
        if not asked:
            return False
        reordered = any(sorted(asked) == sorted(one) for one in fitting)
        return reordered or any(_stands_in(asked, one) for one in (_words(item), *fitting))


def _words(text: str) -> Words:
    return tuple(_PLURAL.sub("", word) for word in _WORD.findall(bare_text(text).casefold()))


def _stands_in(part: Words, whole: Words) -> bool:
    return any(whole[start : start + len(part)] == part for start in range(len(whole) - len(part) + 1))
