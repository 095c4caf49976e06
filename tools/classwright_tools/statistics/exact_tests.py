"""Exact tests of two shares: of one model against another on the same rows, and on others. They need no library."""

from __future__ import annotations

from math import comb, exp, fsum, lgamma, log

SIGNIFICANCE = 0.05


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the two-sided p that the rows where just one of two is right fall so unevenly by chance.

    It is the exact binomial one, with chances of a half (McNemar 1947): twice the lower tail, 1 at most.
    """
    n, fewer = only_a + only_b, min(only_a, only_b)
    tail = (exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) - n * log(2)) for k in range(fewer + 1))
    return min(1.0, 2 * fsum(tail))


def fisher_greater(part: int, of: int, other_part: int, other_of: int) -> float:
    """Return the one-sided p that a share of `part` in `of` lies so far above `other_part` in `other_of` by chance.

    It is the upper tail of the hypergeometric distribution (Fisher 1935).
    """
    parts, every = part + other_part, of + other_of
    ways = sum(comb(of, k) * comb(other_of, parts - k) for k in range(part, min(of, parts) + 1))
    return ways / comb(every, parts)
