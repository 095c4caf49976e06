"""Generated negatives that are real queries: the generator's vector snapped to its neighbours, filtered by a teacher.

A vector that no query has is easy to tell, and nobody can read it. Real queries can be read, but the nearest ones are
often right for the item after all (false negatives): a teacher, which knows the labelled pairs, drops those that it
takes for matches and gives the others its own probability as a target.
"""

from __future__ import annotations

import numpy as np
import torch

from classwright_tools.learning.matching.negatives.drawn import NO_QUERY, Drawn, PlacedRows
from classwright_tools.learning.matching.negatives.generator import LATENT, QueryGenerator
from classwright_tools.learning.matching.partner import PartnerOver

NEIGHBOURS = 12  # real queries that a generated vector is snapped to
CANDIDATES = 6  # of them, drawn anew each time
LIKEST = 0.85  # cosine to the own query from which another one is the same in other words
LEAST_MISMATCH = 0.3  # the teacher's probability of a mismatch under which a candidate is dropped
CHUNK = 2048


class SnappedQueries:
    """The real queries nearest to what the generator gives, filtered by the `teacher`."""

    def __init__(self, rows: PlacedRows, mismatch: int, generator: QueryGenerator, teacher: PartnerOver) -> None:
        self._rows = rows
        self._mismatch = mismatch
        self._generator = generator
        self._teacher = teacher

    def draw(self, rows: np.ndarray, generator: np.random.Generator) -> Drawn:
        """Return the hardest candidate that is left for each of the `rows` (m,), and the teacher's target for it."""
        parts = [self._draw(rows[start : start + CHUNK], generator) for start in range(0, len(rows), CHUNK)]
        if not parts:
            return Drawn(np.zeros(0, np.int64), np.zeros(0))
        return Drawn(np.concatenate([part.queries for part in parts]), np.concatenate([part.targets for part in parts]))

    def _draw(self, rows: np.ndarray, generator: np.random.Generator) -> Drawn:
        candidates = self._candidates(rows, generator)
        mismatch = self.probabilities(candidates, rows)
        dropped = (candidates == NO_QUERY) | (mismatch < LEAST_MISMATCH)
        hardest = np.where(dropped, 2.0, mismatch).argmin(axis=1)
        chosen = np.arange(len(rows)), hardest
        return Drawn(np.where(dropped[chosen], NO_QUERY, candidates[chosen]), mismatch[chosen])

    def _candidates(self, rows: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Return places (m, 6) of real queries near what the generator gives, nearest first, or `NO_QUERY`."""
        table, own = self._rows.table, self._rows.queries[rows]
        noise = torch.from_numpy(generator.standard_normal((len(rows), LATENT)).astype(np.float32))
        with torch.no_grad():
            given = table.query_embeddings[own]
            made = self._generator(given, table.item_embeddings[self._rows.items[rows]], noise).queries
            likeness = given @ table.query_embeddings.T
            nearness = (made @ table.query_embeddings.T).masked_fill_(likeness >= LIKEST, -2.0)
            nearness[torch.arange(len(rows)), torch.from_numpy(own)] = -2.0
            nearest = nearness.topk(min(NEIGHBOURS, len(table.queries)), dim=1)
        places = np.where(nearest.values.numpy() > -2.0, nearest.indices.numpy(), NO_QUERY)
        places = np.pad(places, ((0, 0), (0, NEIGHBOURS - places.shape[1])), constant_values=NO_QUERY)
        places[self._rows.known(places, self._rows.items[rows][:, None])] = NO_QUERY
        kept = np.sort(generator.random(places.shape).argsort(axis=1)[:, :CANDIDATES], axis=1)
        return np.take_along_axis(places, kept, axis=1)

    def probabilities(self, candidates: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the teacher's P(mismatch) (m, 6) of the candidates."""
        items = np.repeat(self._rows.items[rows], CANDIDATES)
        given = self._teacher.probabilities(np.maximum(candidates.ravel(), 0), items)
        return given[:, self._mismatch].reshape(candidates.shape)
