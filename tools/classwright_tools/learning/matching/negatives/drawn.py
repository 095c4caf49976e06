"""Queries drawn to overwrite others: what every kind of negatives takes and returns, and the random ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from classwright_tools.learning.matching.table import PairTable

NO_QUERY = -1  # there is no query that would do: the row stays as it is
TRIES = 5  # of drawing a random query that is not known to match


@dataclass(frozen=True)
class PlacedRows:
    """Training rows as places in a table: queries (n,), items (n,), labels (n,)."""

    table: PairTable
    queries: np.ndarray
    items: np.ndarray
    labels: np.ndarray

    def known(self, queries: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return whether each pair of places (any equal shape) is one of the rows."""
        width = len(self.table.items)
        return np.isin(queries * width + items, self.queries * width + self.items)


class Drawn(NamedTuple):
    """Queries (m,) that overwrite those of m rows, or `NO_QUERY`; and the target P(mismatch) (m,) of each."""

    queries: np.ndarray
    targets: np.ndarray


class NegativeSource(Protocol):
    """A kind of negatives."""

    def draw(self, rows: np.ndarray, generator: np.random.Generator) -> Drawn:
        """Return a query for each of the training `rows` (m,)."""


class RandomQueries:
    """Any query of the training rows that is not known to belong to the item."""

    def __init__(self, rows: PlacedRows) -> None:
        self._rows = rows

    def draw(self, rows: np.ndarray, generator: np.random.Generator) -> Drawn:
        """Return a random query for each of the `rows` (m,), with the target 1."""
        items = self._rows.items[rows]
        queries = np.full(len(rows), NO_QUERY)
        for _ in range(TRIES):
            open_ = np.flatnonzero(queries == NO_QUERY)
            proposed = generator.integers(0, len(self._rows.table.queries), len(open_))
            fits = ~self._rows.known(proposed, items[open_])
            queries[open_[fits]] = proposed[fits]
        return Drawn(queries, np.ones(len(rows)))
