"""One model against another in any figure of rows: the gain with its interval, and a test by swapping their answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from classwright_tools.domain.gains import TestedGain
from classwright_tools.statistics.exact_tests import SIGNIFICANCE
from classwright_tools.statistics.intervals import (
    BLOCK_NUMBERS,
    Statistic,
    bootstrap,
    distinct_groups,
    distinct_rows,
    of_several,
)
from classwright_tools.statistics.ranking import average_precision_of

SWAPS = 1_999
_ROUNDING = 1e-9

Floats = npt.NDArray[np.float64]
Column = npt.NDArray[Any]


def gain_by_swaps(
    statistic: Statistic,
    true: Column,
    ours: Column,
    theirs: Column,
    *,
    strata: npt.ArrayLike | None = None,
    groups: npt.NDArray[np.integer] | None = None,
    seed: int = 0,
) -> TestedGain:
    """Return by how much a statistic is higher if rows have the answers `ours` (n,), and not `theirs` (n,).

    `statistic(weights, true, answers)` is as `bootstrap` calls it, which makes the interval: a resample draws rows, and
    with a row both answers. The test is `swap_p`.
    """

    def difference(weights: Floats, true: Column, ours: Column, theirs: Column) -> Floats:
        gain: Floats = statistic(weights, true, ours) - statistic(weights, true, theirs)
        return gain

    columns = (true, ours, theirs)
    gain = bootstrap(difference, *columns, strata=strata, groups=groups, least=-1.0, seed=seed)
    p = swap_p(statistic, *columns, groups, seed=seed)
    return TestedGain(**gain.model_dump(), p=p, significant=p < SIGNIFICANCE)


def swap_p(
    statistic: Statistic,
    true: Column,
    ours: Column,
    theirs: Column,
    groups: npt.NDArray[np.integer] | None = None,
    *,
    seed: int = 0,
) -> float:
    """Return the two-sided p of the gain of `gain_by_swaps`, if in each row either model could have said either.

    In each of `SWAPS` random draws each row, or each of the `groups` (n,), has its two answers swapped with probability
    1/2 (the paired permutation test: Good 2005, "Permutation, parametric and bootstrap tests of hypotheses", section
    3.2; of F1: Yeh 2000, "More accurate tests for the statistical significance of result differences"). It takes few
    rows as they are, where resamples are too much alike. The order of the rows does not matter.
    """
    (true, ours, theirs), counts, _, row_of = distinct_rows([true, ours, theirs], None)
    groups = of_several(groups)
    holds, times = (None, counts) if groups is None else distinct_groups(groups, row_of, len(counts))
    twice, answers = np.concatenate([true, true]), np.concatenate([ours, theirs])

    def gains(swapped: Floats) -> Floats:
        """Return the gain (b,) where of each distinct row so many (b, m) are `swapped`."""
        kept = counts - swapped
        one, other = np.concatenate([kept, swapped], axis=1), np.concatenate([swapped, kept], axis=1)
        gain: Floats = statistic(one, twice, answers) - statistic(other, twice, answers)
        return gain

    reached = abs(float(gains(np.zeros((1, len(counts))))[0])) - _ROUNDING
    generator = np.random.default_rng(seed)
    block = max(1, min(SWAPS, BLOCK_NUMBERS // (2 * len(counts))))
    as_far = 0
    for start in range(0, SWAPS, block):
        drawn = generator.binomial(times, 0.5, (min(block, SWAPS - start), len(times))).astype(np.float64)
        as_far += int((np.abs(gains(drawn if holds is None else drawn @ holds)) >= reached).sum())
    return (1 + as_far) / (1 + SWAPS)


def ranking_gain(
    positive: npt.NDArray[np.bool_],
    ours: npt.NDArray[np.floating],
    theirs: npt.NDArray[np.floating],
    groups: npt.NDArray[np.integer] | None = None,
    *,
    seed: int = 0,
) -> TestedGain:
    """Return by how much the average precision of the scores `ours` (n,) is above that of `theirs`.

    Some of the rows are `positive` (n,); a resample keeps their number. What is swapped are the rows' ranks, since two
    models' scores may be of different size.
    """
    ranks = rankdata(ours), rankdata(theirs)
    # Between two neighbouring positives, of whichever model, order changes no precision: rows there count as one.
    levels = np.unique(np.concatenate([rank[positive] for rank in ranks]))
    places = (np.searchsorted(levels, rank, side="right") for rank in ranks)
    return gain_by_swaps(average_precision_of, positive, *places, strata=positive, groups=groups, seed=seed)
