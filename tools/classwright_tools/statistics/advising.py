"""Advice from a measured difference and from what such ones were elsewhere: use it, do not, or it cannot be told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import erf, exp, log, sqrt

from classwright_tools.domain.advice import Advice, rows_to_tell
from classwright_tools.statistics.resampled import Difference

SURE = 0.8
"""The probability from which a verdict is given: who asks acts on it either way, so that doubt alone is no answer."""
UNLIKE = 0.15
"""The standard deviation of a difference that is not like those elsewhere: it may be anything."""


@dataclass(frozen=True)
class DifferencePrior:
    """What differences of this kind were on other sets: their mean and standard deviation.

    `doubt` is the probability that this one is not like them.
    """

    mean: float
    deviation: float
    doubt: float = 0.0


@dataclass(frozen=True)
class Normal:
    """A normal distribution, and its weight among others."""

    mean: float
    deviation: float
    weight: float = 1.0

    def above(self, least: float) -> float:
        """Return the probability of more than `least`."""
        return 0.5 * (1 + erf((self.mean - least) / (self.deviation * sqrt(2))))


@dataclass(frozen=True)
class Posterior:
    """The difference to be expected: a mixture of normal distributions, whose weights add up to 1."""

    parts: tuple[Normal, ...]

    @property
    def value(self) -> float:
        """The mean."""
        return sum(part.weight * part.mean for part in self.parts)

    def above(self, least: float) -> float:
        """Return the probability that the difference is greater than `least`."""
        return sum(part.weight * part.above(least) for part in self.parts)


def posterior(measured: Difference, prior: DifferencePrior) -> Posterior:
    """Return what is to be expected of a difference that was measured with a normal error, after the `prior`.

    Within each part of the prior, like others or not, what is measured and what was known count by the inverse of
    their variances; the parts count by how likely they make what was measured (Gelman and others 2013, "Bayesian data
    analysis", sections 2.5 and 22.1).
    """
    known = (Normal(prior.mean, prior.deviation, 1 - prior.doubt), Normal(0.0, UNLIKE, prior.doubt))
    found = [_after(part, measured) for part in known if part.weight]
    highest = max(evidence for _, evidence in found)
    weights = [part.weight * exp(evidence - highest) for part, evidence in found]
    return Posterior(
        tuple(replace(part, weight=weight / sum(weights)) for (part, _), weight in zip(found, weights, strict=True))
    )


def _after(known: Normal, measured: Difference) -> tuple[Normal, float]:
    """Return `known` after what was measured, and the logarithm of how likely it made that, up to a constant."""
    value, variance = measured.estimate.value, measured.error**2
    of_measured, of_known = 1 / variance, 1 / known.deviation**2
    total = of_measured + of_known
    spread = variance + known.deviation**2
    evidence = -((value - known.mean) ** 2) / (2 * spread) - log(spread) / 2
    return replace(
        known, mean=(of_measured * value + of_known * known.mean) / total, deviation=1 / sqrt(total)
    ), evidence


def advise(measured: Difference, likely: Posterior, rows: int, least: float) -> Advice:
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
