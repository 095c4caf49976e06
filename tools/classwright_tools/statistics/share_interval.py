"""The 95% interval of a share of single rows, Wilson's, and of means of such. It needs no library to be loaded."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot, sqrt

from classwright_tools.domain.figures import Estimate, Z


def wilson(successes: float, trials: float) -> Estimate:
    """Return the share `successes` / `trials` with Wilson's score interval (Wilson 1927, JASA 22).

    Unlike the share plus or minus two standard errors it stays within 0 to 1 and is not empty at 0% or 100%.
    Trials that are weighted are as many as they count for, which need be no whole number.
    Without trials nothing is known: 0, between 0 and 1.
    """
    if trials == 0:
        return Estimate(value=0.0, low=0.0, high=1.0)
    share = successes / trials
    shrink = 1 + Z**2 / trials
    centre = (share + Z**2 / (2 * trials)) / shrink
    half = Z * sqrt(share * (1 - share) / trials + Z**2 / (4 * trials**2)) / shrink
    return Estimate(value=share, low=max(0.0, min(share, centre - half)), high=min(1.0, max(share, centre + half)))


def mean_of_labels(figures: Sequence[Estimate]) -> Estimate:
    """Return the mean of a figure of several labels, with the interval that theirs give it; 0 to 1 without any.

    The distances of the mean to its limits are those of the labels, added as if labels erred apart: the square root of
    the sum of their squares, by the number of labels (Zou and Donner 2008, "Construction of confidence limits about
    effect measures: a general approach"). Limits of shares are Wilson's, which say of a label with one row how little
    is known of it: resamples draw that row or none.
    """
    if not figures:
        return Estimate(value=0.0, low=0.0, high=1.0)
    k = len(figures)
    mean = sum(one.value for one in figures) / k
    below = hypot(*(one.value - one.low for one in figures)) / k
    above = hypot(*(one.high - one.value for one in figures)) / k
    return Estimate(value=mean, low=max(0.0, mean - below), high=min(1.0, mean + above))


def wider(one: Estimate, other: Estimate) -> Estimate:
    """Return the value of `one` with the lower of the two lower limits, and the higher of the higher ones.

    Resamples know that labels err together, since a row that is given another label than its own is an error in both;
    the intervals of the labels know how little is known of rare ones. Of samples of 300 rows of simulated sets with ten
    labels they hold the macro-F1 of all such rows in 96%; with ten more that have one or two of the 300 rows in 90%
    (the bootstrap alone 94% and 64%, `mean_of_labels` alone 87% and 91%).
    """
    return one.model_copy(update={"low": min(one.low, other.low), "high": max(one.high, other.high)})
