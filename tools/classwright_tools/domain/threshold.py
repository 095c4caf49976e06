"""A threshold as it is told: in few digits, which one passes as they stand."""

from __future__ import annotations

THRESHOLD_PLACES = 6
"""After the point, at most: the probabilities in files of answers have as many."""
LEAST_PLACES = 2


def threshold_in_words(threshold: float) -> str:
    """Return a threshold as one passes it: with two digits after the point, or as many as say it, six at most."""
    whole = round(threshold, THRESHOLD_PLACES)
    forms = (f"{threshold:.{places}f}" for places in range(LEAST_PLACES, THRESHOLD_PLACES + 1))
    return next(form for form in forms if float(form) == whole)
