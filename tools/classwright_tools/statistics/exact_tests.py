"""The exact test of one model against another on the same rows. It needs no library, for exports are measured by it."""

from __future__ import annotations

from math import exp, fsum, lgamma, log

SIGNIFICANCE = 0.05


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the two-sided p that the rows where just one of two is right fall so unevenly by chance.

    It is the exact binomial one, with chances of a half (McNemar 1947): twice the lower tail, 1 at most.
    """
    n, fewer = only_a + only_b, min(only_a, only_b)
    tail = (exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) - n * log(2)) for k in range(fewer + 1))
    return min(1.0, 2 * fsum(tail))
