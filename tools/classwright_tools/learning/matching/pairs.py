"""The pairs to train on: queries, items, label numbers, and groups that stay on one side of every split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classwright_tools.errors import InvalidInput


@dataclass(frozen=True)
class Pairs:
    """Queries and items, one of each a row; labels (n,) as places in the list of labels; groups (n,) as numbers.

    Rows with the same query are one group: a matcher is measured on queries that it has not seen.
    """

    queries: tuple[str, ...]
    items: tuple[str, ...]
    labels: np.ndarray
    groups: np.ndarray

    def __len__(self) -> int:
        return len(self.queries)

    def take(self, places: np.ndarray) -> Pairs:
        """Return the rows at `places` (m,)."""
        return Pairs(
            queries=tuple(self.queries[place] for place in places),
            items=tuple(self.items[place] for place in places),
            labels=self.labels[places],
            groups=self.groups[places],
        )

    def and_also(self, others: Pairs) -> Pairs:
        """Return these rows followed by `others`, grouped anew."""
        return make_pairs(
            (*self.queries, *others.queries),
            (*self.items, *others.items),
            np.concatenate([self.labels, others.labels]),
        )


def make_pairs(queries: Sequence[str], items: Sequence[str], labels: np.ndarray) -> Pairs:
    """Return the rows, grouped by their query (case and white space aside).

    Raises:
        InvalidInput: there are not as many queries as items and labels.
    """
    if not len(queries) == len(items) == len(labels):
        raise InvalidInput(
            "the pairs",
            f"are {len(queries)} queries, {len(items)} items and {len(labels)} labels",
            "Give one query, one item and one label a row.",
        )
    numbers: dict[str, int] = {}
    groups = [numbers.setdefault(" ".join(query.casefold().split()), len(numbers)) for query in queries]
    return Pairs(tuple(queries), tuple(items), np.asarray(labels, np.int64), np.array(groups, np.int64))
