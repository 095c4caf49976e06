"""One pass of overwriting: which rows are overwritten, by which query, and with what target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classwright_tools.learning.matching.negatives.drawn import (
    NO_QUERY,
    Drawn,
    NegativeSource,
    PlacedRows,
    RandomQueries,
)
from classwright_tools.learning.matching.negatives.generator import pretrained_generator
from classwright_tools.learning.matching.negatives.mined import MinedQueries
from classwright_tools.learning.matching.negatives.snapped import SnappedQueries
from classwright_tools.learning.matching.negatives.switch import switches
from classwright_tools.learning.matching.partner import PartnerOver
from classwright_tools.learning.matching.settings import NegativeKind, NegativeSettings


@dataclass(frozen=True)
class Overwritten:
    """The rows of a pass: queries (n,), target P(mismatch) (n,), and s (n,), 1 where a row was overwritten."""

    queries: np.ndarray
    targets: np.ndarray
    switch: np.ndarray


class Overwriting:
    """Draws the overwritten rows of each pass, from a stream of random numbers of its own."""

    def __init__(
        self, rows: PlacedRows, mismatch: int, settings: NegativeSettings, teacher: PartnerOver, seed: int
    ) -> None:
        """Prepare the kinds of negatives that `settings` mix: the mining, and the generator's pre-training."""
        self.rows = rows
        self.mismatch = mismatch
        self.teacher = teacher
        self.seed = seed
        self._mismatches = (rows.labels == mismatch).astype(np.int64)
        self._settings = settings
        self._random = np.random.default_rng([seed, 1])
        self._fallback = RandomQueries(rows)
        kinds = [kind for kind, _ in settings.mix] if settings.overwritten else []
        self._sources = {kind: self.source(kind) for kind in kinds}

    def source(self, kind: NegativeKind) -> NegativeSource:
        """Return where negatives of `kind` come from; a variant may have others."""
        if kind == "random":
            return self._fallback
        if kind == "mined":
            return MinedQueries(self.rows, self.mismatch, self._settings.mining, self.seed)
        generator = pretrained_generator(self.rows, self.mismatch, self.seed)
        return SnappedQueries(self.rows, self.mismatch, generator, self.teacher)

    def draw(self) -> Overwritten:
        """Return the rows as one pass sees them; without negatives, as they are."""
        queries, targets = self.rows.queries.copy(), self._mismatches.astype(np.float64)
        if not self._sources:
            return Overwritten(queries, targets, np.zeros(len(queries), np.int64))
        switch = switches(self._mismatches, self._settings.overwritten, self._random)
        shares = [share for _, share in self._settings.mix]
        kinds = self._random.choice(len(shares), len(queries), p=shares)
        for number, (kind, _) in enumerate(self._settings.mix):
            rows = np.flatnonzero((switch == 1) & (kinds == number))
            drawn = self._filled(rows, self._sources[kind].draw(rows, self._random))
            found = drawn.queries != NO_QUERY
            queries[rows[found]], targets[rows[found]] = drawn.queries[found], drawn.targets[found]
            switch[rows[~found]] = 0
        return Overwritten(queries, targets, switch)

    def _filled(self, rows: np.ndarray, drawn: Drawn) -> Drawn:
        """Return `drawn` with random queries where there was none."""
        lacking = drawn.queries == NO_QUERY
        others = self._fallback.draw(rows[lacking], self._random)
        queries, targets = drawn.queries.copy(), drawn.targets.copy()
        queries[lacking], targets[lacking] = others.queries, others.targets
        return Drawn(queries, targets)
