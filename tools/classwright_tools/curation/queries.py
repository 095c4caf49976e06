"""Queries of each split's pairs: a query in two splits makes a figure too good for queries to come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from classwright_tools.curation.shingles import digest, folded
from classwright_tools.domain.example import Split
from classwright_tools.domain.pair import SEPARATOR, Content, apart


class Queries:
    """The queries of the labelled splits, folded, by split; single texts have none."""

    def __init__(self) -> None:
        self._digests: defaultdict[Split, set[int]] = defaultdict(set)

    def add(self, split: Split, contents: Iterable[Content]) -> None:
        """Take the rows `contents` of `split`."""
        if split != "unlabelled":
            self._digests[split].update(query_digest(content) for content in contents if SEPARATOR in content)

    def elsewhere(self, split: Split, content: Content) -> bool:
        """Whether a labelled split other than `split` has the query of the row `content`, but for case and the like."""
        others = (digests for other, digests in self._digests.items() if other != split)
        return split != "unlabelled" and SEPARATOR in content and any(query_digest(content) in held for held in others)


def query_digest(content: Content) -> int:
    """Return 64 bits that stand for the query of a pair, or for a single text, folded."""
    return digest(folded(apart(content)[0]))
