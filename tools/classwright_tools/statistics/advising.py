"""Advice from a measured difference and from what such ones were elsewhere: use it, do not, or it cannot be told."""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, sqrt

from classwright_tools.domain.advice import Advice, rows_to_tell
from classwright_tools.statistics.resampled import Difference

SURE = 0.8
"""The probability from which a verdict is given: who asks acts on it either way, so that doubt alone is no answer."""


@dataclass(frozen=True)
class Prior:
    """What differences of this kind were on other sets: their mean and standard deviation."""

    mean: float
    deviation: float


@dataclass(frozen=True)
class Expected:
    """The difference to be expected, and its standard deviation."""

    value: float
    deviation: float

    def above(self, least: float) -> float:
        """Return the probability that the difference is greater than `least`."""
        return 0.5 * (1 + erf((self.value - least) / (self.deviation * sqrt(2))))


def expected(measured: Difference, prior: Prior) -> Expected:
    """Return the mean and deviation of a normal difference, measured with a normal error, after a normal `prior`.

    Each counts by the inverse of its variance (Gelman and others 2013, "Bayesian data analysis", section 2.5).
    """
    of_measured, of_prior = 1 / measured.error**2, 1 / prior.deviation**2
    total = of_measured + of_prior
    return Expected((of_measured * measured.estimate.value + of_prior * prior.mean) / total, 1 / sqrt(total))


def advise(measured: Difference, likely: Expected, rows: int, least: float) -> Advice:
    """Return whether to use what makes a difference that was `measured` on so many `rows` and is expected as `likely`.

    It is to be used if a difference above 0 is likelier than `SURE`, not if one under `least`, which is worth nothing,
    is. Else about how many rows tell the expected difference, or `least` if that is greater, is said.
    """
    if likely.value >= least and likely.above(0) >= SURE:
        return Advice(verdict="use it", rows=rows)
    if likely.above(least) <= 1 - SURE:
        return Advice(verdict="do not use it", rows=rows)
    effect = max(abs(likely.value), least)
    return Advice(verdict="cannot be told", rows=rows, rows_to_tell=rows_to_tell(rows, effect, measured.error))
