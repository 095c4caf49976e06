"""One method against another over the same seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Gain:
    """The mean of paired differences with its 95% interval (Student's t), p (two-sided), and the seeds won."""

    mean: float
    low: float
    high: float
    p: float
    wins: int
    seeds: int

    def told(self, scale: float = 1.0, digits: int = 1) -> str:
        """Return it for a table, such as "+1.7 (+0.9 to +2.5), 9 of 10", every figure times `scale`."""
        mean, low, high = (f"{scale * value:+.{digits}f}" for value in (self.mean, self.low, self.high))
        return f"{mean} ({low} to {high}), {self.wins} of {self.seeds}, p {self.p:.2g}"


def gain(ours: Sequence[float], theirs: Sequence[float]) -> Gain:
    """Return how much higher `ours` are than `theirs`; both hold one figure a seed, in the same order."""
    differences = np.array(ours) - np.array(theirs)
    return _gain(differences)


def error_reduction(ours: Sequence[float], theirs: Sequence[float]) -> Gain:
    """Return by what share of their error ours is smaller; both hold one error a seed, in the same order.

    The share is that of the mean errors; the interval is that of the differences over the mean of theirs.
    """
    return _gain((np.array(theirs) - np.array(ours)) / np.mean(theirs))


def _gain(differences: np.ndarray) -> Gain:
    n = len(differences)
    mean = float(differences.mean())
    if n < 2 or np.ptp(differences) == 0:
        return Gain(mean=mean, low=mean, high=mean, p=1.0, wins=int((differences > 0).sum()), seeds=n)
    low, high = stats.t.interval(CONFIDENCE, n - 1, loc=mean, scale=stats.sem(differences))
    return Gain(
        mean=mean,
        low=float(low),
        high=float(high),
        p=float(stats.ttest_1samp(differences, 0.0).pvalue),
        wins=int((differences > 0).sum()),
        seeds=n,
    )
