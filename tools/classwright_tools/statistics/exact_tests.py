"""Exact tests of two shares, of one model against another on the same rows and on others, and of several at once."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, fsum, lgamma, log

SIGNIFICANCE = 0.05


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the two-sided p that the rows where just one of two is right fall so unevenly by chance.

    It is the exact binomial one, with chances of a half (McNemar 1947): twice the lower tail, 1 at most.
    """
    n, fewer = only_a + only_b, min(only_a, only_b)
    return min(1.0, 2 * fsum(exp(log_choose(n, k) - n * log(2)) for k in range(fewer + 1)))


def fisher_greater(part: int, of: int, other_part: int, other_of: int) -> float:
    """Return the one-sided p that a share of `part` in `of` lies so far above `other_part` in `other_of` by chance.

    It is the upper tail of the hypergeometric distribution (Fisher 1935).
    """
    parts, every = part + other_part, log_choose(of + other_of, part + other_part)
    ways = (
        exp(log_choose(of, k) + log_choose(other_of, parts - k) - every)
        for k in range(max(part, parts - other_of), min(of, parts) + 1)
    )
    return min(1.0, fsum(ways))


def fisher(part: int, of: int, other_part: int, other_of: int) -> float:
    """Return the two-sided p that two shares lie so far apart by chance: twice the smaller tail, 1 at most."""
    above, below = fisher_greater(part, of, other_part, other_of), fisher_greater(other_part, other_of, part, of)
    return min(1.0, 2 * min(above, below))


def holm(ps: Sequence[float], level: float) -> list[bool]:
    """Return which of several tests, whose p are `ps`, reject, if all together may err at the `level` (Holm 1979)."""
    beyond = [False] * len(ps)
    for tested, place in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        if ps[place] >= level / (len(ps) - tested):
            break
        beyond[place] = True
    return beyond


def log_choose(n: int, k: int) -> float:
    """Return the natural logarithm of the number of ways to take `k`, 0 to `n`, of `n`; a million takes no longer."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
