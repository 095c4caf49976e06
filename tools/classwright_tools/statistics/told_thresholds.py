"""Thresholds that are told: decimal numbers with few digits, chosen so that they do what is said of them.

A threshold between two scores finds the same rows wherever between them it lies: the number with the fewest digits is
easiest to read, to write down and to pass.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

PLACES = 6
"""After the point, at most: the probabilities in files of answers have as many."""
_LEAST_PLACES = 2
_FINEST = float(10**PLACES)


def as_told(scores: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return the `scores` (n,) rounded down to `PLACES`: those that no threshold with so many tells apart are equal."""
    nearest = np.round(np.asarray(scores, float) * _FINEST)
    told: npt.NDArray[np.float64] = np.where(nearest / _FINEST <= scores, nearest, nearest - 1) / _FINEST
    return told


def told_between(below: float, lowest: float, near: float) -> float:
    """Return the number with the fewest digits above `below` and up to `lowest`, of several the one nearest to `near`.

    Both are scores `as_told`.
    """
    for places in range(_LEAST_PLACES, PLACES):
        scale = float(10**places)
        middle = round(near * scale)
        fitting = [one / scale for one in (middle - 1, middle, middle + 1) if below < one / scale <= lowest]
        if fitting:
            return min(fitting, key=lambda one: abs(one - near))
    return lowest


def threshold_in_words(threshold: float) -> str:
    """Return a threshold as one passes it: with two digits after the point, or as many as say it, six at most."""
    whole = round(threshold, PLACES)
    forms = (f"{threshold:.{places}f}" for places in range(_LEAST_PLACES, PLACES + 1))
    return next(form for form in forms if float(form) == whole)
