"""The 95% interval of a share of single rows: Wilson's. It needs no library, so it is at hand where none is loaded."""

from __future__ import annotations

from math import sqrt

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
