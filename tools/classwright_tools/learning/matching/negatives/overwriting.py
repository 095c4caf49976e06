"""One pass of overwriting: which rows are overwritten, by which query, and with what target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classwright_tools.learning.matching.negatives.drawn import NO_QUERY, Drawn, PlacedRows, RandomQueries, Source
from classwright_tools.learning.matching.negatives.generator import Generator, pretrained_generator
from classwright_tools.learning.matching.negatives.mined import MinedQueries
from classwright_tools.learning.matching.negatives.snapped import SnappedQueries
from classwright_tools.learning.matching.negatives.switch import switches
from classwright_tools.learning.matching.partner import PartnerOver
from classwright_tools.learning.matching.settings import NegativeKind, NegativeSettings


@dataclass(frozen=True)
class Overwritten:
    """The rows of a pass: queries (n,), target P(mismatch) (n,), and s (n,), 1 where a row was overwritten.

    `free` (n,) is 1 where the overwriting query is a vector of the generator's and not the one in `queries`.
    """

    queries: np.ndarray
    targets: np.ndarray
    switch: np.ndarray
    free: np.ndarray


class Overwriting:
    """Draws the overwritten rows of each pass, from a stream of random numbers of its own."""

    def __init__(
        self, rows: PlacedRows, mismatch: int, settings: NegativeSettings, teacher: PartnerOver, seed: int
    ) -> None:
        """Prepare the kinds of negatives that `settings` mix: the mining, and the generator's pre-training."""
        self._rows = rows
        self._mismatches = (rows.labels == mismatch).astype(np.int64)
        self._settings = settings
        self._random = np.random.default_rng([seed, 1])
        self._fallback = RandomQueries(rows)
        self.generator: Generator | None = None
        self._sources: dict[NegativeKind, Source] = {}
        if settings.overwritten == 0:
            return
        for kind, _ in settings.mix:
            if kind == "random":
                self._sources[kind] = self._fallback
            elif kind == "mined":
                self._sources[kind] = MinedQueries(rows, mismatch, settings.mining, seed)
            else:
                self.generator = pretrained_generator(rows, mismatch, seed)
                checked = teacher if settings.teacher else None
                self._sources[kind] = SnappedQueries(rows, mismatch, self.generator, checked)

    def draw(self) -> Overwritten:
        """Return the rows as one pass sees them; without negatives, as they are."""
        queries, targets = self._rows.queries.copy(), self._mismatches.astype(np.float64)
        free = np.zeros(len(queries), np.int64)
        switch = np.zeros(len(queries), np.int64)
        if not self._sources:
            return Overwritten(queries, targets, switch, free)
        switch = switches(self._mismatches, self._settings.overwritten, self._random)
        shares = [share for _, share in self._settings.mix]
        kinds = self._random.choice(len(shares), len(queries), p=shares)
        for number, (kind, _) in enumerate(self._settings.mix):
            rows = np.flatnonzero((switch == 1) & (kinds == number))
            if kind == "generated" and not self._settings.snap:
                free[rows], targets[rows] = 1, 1.0
                continue
            drawn = self._filled(rows, self._sources[kind].draw(rows, self._random))
            found = drawn.queries != NO_QUERY
            queries[rows[found]], targets[rows[found]] = drawn.queries[found], drawn.targets[found]
            switch[rows[~found]] = 0
        return Overwritten(queries, targets, switch, free)

    def _filled(self, rows: np.ndarray, drawn: Drawn) -> Drawn:
        """Return `drawn` with random queries where there was none."""
        lacking = drawn.queries == NO_QUERY
        others = self._fallback.draw(rows[lacking], self._random)
        queries, targets = drawn.queries.copy(), drawn.targets.copy()
        queries[lacking], targets[lacking] = others.queries, others.targets
        return Drawn(queries, targets)
