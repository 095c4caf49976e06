"""Shares of rows that do not count alike: each label's rows count for the label's share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.figures import Estimate
from classwright_tools.statistics.intervals import bootstrap
from classwright_tools.statistics.metrics import Floats, Labels, f1_of_jaccard, ratio
from classwright_tools.statistics.share_interval import wilson

Rows = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class WeightedRows:
    """Rows whose labels are `true` (n,), each of which counts for its `weight` (n,), the same for all of a label.

    Intervals are the bootstrap's: a resample keeps each label's number of rows, or draws whole `groups` (n,). Of rows
    that are all hits, or none, every resample says the same: there, and of single rows of one label, which weigh
    alike, the interval is Wilson's of as many rows as they count for, (sum w)^2 / sum w^2 (Kish 1965), of groups of no
    more than there are.
    """

    true: Labels
    weight: Floats
    groups: Labels | None
    seed: int

    def share(self, hits: Rows, among: Rows) -> Estimate:
        """Return the share of `hits` (n,) in the rows `among` (n,), of which there is one at least."""
        own, found = self.weight[among], hits[among]
        if self.groups is None and len(np.unique(self.true[among])) == 1:
            return wilson(int(found.sum()), len(found))
        if own.sum() and (found.all() or not found.any()):
            of = float(own.sum() ** 2 / (own**2).sum())
            if self.groups is not None:
                of = min(of, float(len(np.unique(self.groups[among]))))
            return wilson(of if found.all() else 0.0, of)
        return bootstrap(_share, hits & among, among, self.weight, strata=self.true, groups=self.groups, seed=self.seed)

    def f1(self, of_it: Rows, given: Rows) -> Estimate:
        """Return the F1 of a label by which rows are `of_it` (n,), one at least, and which were `given` it (n,)."""
        return f1_of_jaccard(self.share(of_it & given, of_it | given))

    def mean(self, hits: Rows) -> float:
        """Return the share of `hits` (n,) in all rows."""
        return float(np.average(hits, weights=self.weight))


def _share(weights: Floats, hits: Rows, among: Rows, weight: Floats) -> Floats:
    counted = weights * weight
    return ratio(counted @ hits, counted @ among)
