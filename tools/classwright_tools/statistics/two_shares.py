"""The z-test of two shares, for the many comparisons that only the largest differences of are told."""

from __future__ import annotations

from math import sqrt


def standard_errors_apart(part: int, of: int, other_part: int, of_others: int) -> float:
    """Return by how many standard errors the share `part` / `of` lies above `other_part` / `of_others`.

    It is the z of two proportions with a pooled variance; 0 where one is of nothing, or all are parts, or none is.
    """
    parts, every = part + other_part, of + of_others
    if not of or not of_others or parts in (0, every):
        return 0.0
    pooled = parts / every
    return (part / of - other_part / of_others) / sqrt(pooled * (1 - pooled) * (1 / of + 1 / of_others))
