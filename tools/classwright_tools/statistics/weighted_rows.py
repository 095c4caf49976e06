"""Shares of rows that do not count alike: each label's rows count for the label's share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.figures import Estimate
from classwright_tools.statistics.intervals import bootstrap, of_several
from classwright_tools.statistics.metrics import Floats, Labels, f1_of_jaccard, ratio, share
from classwright_tools.statistics.share_interval import wilson

Rows = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class WeightedRows:
    """Rows whose labels are `true` (n,), each of which counts for its `weight` (n,), the same for all of a label.

    Intervals are Wilson's of as many rows as they count for, (sum w)^2 / sum w^2 (Kish 1965), so at the rows' own
    shares they are those of rows that count alike. With `groups` (n,) they are the bootstrap's, which draws these
    whole; but of rows that are all hits, or none, every resample says the same: there they are Wilson's of no more
    rows than there are groups.
    """

    true: Labels
    weight: Floats
    groups: Labels | None
    seed: int

    def share(self, hits: Rows, among: Rows) -> Estimate:
        """Return the share of `hits` (n,) in the rows `among` (n,), of which there is one at least."""
        hits, groups = hits & among, of_several(self.groups)
        if groups is not None and 0 < hits.sum() < among.sum():
            return bootstrap(_share, hits, among, self.weight, strata=self.true, groups=groups, seed=self.seed)
        own, found = (np.sort(self.weight[rows]) for rows in (among, hits))  # sorted: a sum in one order
        if not own.any():
            return wilson(0, 0)
        trials = float(own.sum() ** 2 / (own**2).sum())
        if groups is not None:
            trials = min(trials, float(len(np.unique(groups[among]))))
        return wilson(trials * float(found.sum() / own.sum()), trials)

    def precision(self, of_it: Rows, given: Rows) -> Estimate | None:
        """Return the share of a label's rows `of_it` (n,) in those `given` it (n,); None where it was given to none."""
        return self.share(of_it, given) if given.any() else None

    def recall(self, of_it: Rows, given: Rows) -> Estimate:
        """Return the share of rows `given` a label (n,) in its rows `of_it` (n,), which weigh alike; there is one."""
        return share(given[of_it], None if self.groups is None else self.groups[of_it], seed=self.seed)

    def f1(self, of_it: Rows, given: Rows) -> Estimate:
        """Return the F1 of a label by which rows are `of_it` (n,), one at least, and which were `given` it (n,)."""
        return f1_of_jaccard(self.share(of_it & given, of_it | given))

    def mean(self, hits: Rows) -> float:
        """Return the share of `hits` (n,) in all rows."""
        return float(np.average(hits, weights=self.weight))


def _share(weights: Floats, hits: Rows, among: Rows, weight: Floats) -> Floats:
    counted = weights * weight
    return ratio(counted @ hits, counted @ among)
