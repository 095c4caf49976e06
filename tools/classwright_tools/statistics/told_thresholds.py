"""Thresholds that are told: decimal numbers with few digits, chosen so that they do what is said of them.

A threshold between two scores finds the same rows wherever between them it lies: the number with the fewest digits is
easiest to read, to write down and to pass.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.threshold import LEAST_PLACES, THRESHOLD_PLACES

_FINEST = float(10**THRESHOLD_PLACES)


def as_told(scores: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return the `scores` (n,) rounded down to `THRESHOLD_PLACES`: no threshold with so many tells equal ones apart."""
    nearest = np.round(np.asarray(scores, float) * _FINEST)
    told: npt.NDArray[np.float64] = np.where(nearest / _FINEST <= scores, nearest, nearest - 1) / _FINEST
    return told


def told_between(below: float, lowest: float, near: float) -> float:
    """Return the number with the fewest digits above `below` and up to `lowest`, of several the one nearest to `near`.

    Both are scores `as_told`.
    """
    for places in range(LEAST_PLACES, THRESHOLD_PLACES):
        scale = float(10**places)
        middle = round(near * scale)
        fitting = [one / scale for one in (middle - 1, middle, middle + 1) if below < one / scale <= lowest]
        if fitting:
            return min(fitting, key=lambda one: abs(one - near))
    return lowest
