"""Thresholds that are told: decimal numbers with few digits, chosen so that they do what is said of them.

A threshold between two scores finds the same rows wherever between them it lies: the number with the fewest digits is
easiest to read, to write down and to pass. On a score it would find that row or not, as engines and batches round.
"""

from __future__ import annotations

from math import ceil, floor

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.threshold import LEAST_PLACES, THRESHOLD_PLACES

APART = 1e-5
"""How far from scores a threshold lies, where these leave it so much room: engines and batches differ by less."""
_FINEST = float(10**THRESHOLD_PLACES)


def as_told(scores: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return the `scores` (n,) rounded down to `THRESHOLD_PLACES`: no threshold with so many tells equal ones apart."""
    nearest = np.round(np.asarray(scores, float) * _FINEST)
    told: npt.NDArray[np.float64] = np.where(nearest / _FINEST <= scores, nearest, nearest - 1) / _FINEST
    return told


def last_of_equal(falling: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Return which of the `falling` scores (n,) are the last of their value: a threshold keeps all of a value."""
    last: npt.NDArray[np.bool_] = np.diff(falling, append=-np.inf) < 0
    return last


def told_from(lowest: float, scores: npt.NDArray[np.floating], *, least: float = 0.0, halfway: bool = False) -> float:
    """Return the threshold that `lowest` of the `scores` (n,) reaches and no lower one does, nor `least`.

    It is `told_between` these, near `lowest`, or `halfway`; the scores are `as_told`.
    """
    below = float(scores[scores < lowest].max(initial=least))
    return told_between(below, lowest, near=(below + lowest) / 2 if halfway else lowest)


def told_between(below: float, lowest: float, near: float) -> float:
    """Return the number with the fewest digits between `below` and `lowest`, of several the one nearest to `near`.

    Both are scores `as_told`. It is `APART` from both, or a quarter of the way where they are near each other; `lowest`
    itself where no number with `THRESHOLD_PLACES` is.
    """
    apart = min(APART, (lowest - below) / 4)
    for places in range(LEAST_PLACES, THRESHOLD_PLACES + 1):
        scale = float(10**places)
        first, last = ceil((below + apart) * scale), floor((lowest - apart) * scale)
        if first <= last:
            return min(max(round(near * scale), first), last) / scale
    return lowest
