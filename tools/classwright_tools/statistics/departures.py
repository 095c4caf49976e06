"""Exact tests of whether texts are answered otherwise than rows held out were, with NumPy alone: exports use them."""

from __future__ import annotations

from math import exp, fsum, lgamma

import numpy as np
import numpy.typing as npt

from classwright_tools.statistics.exact_tests import log_choose

FIRST_DRAWS, DRAWS = 500, 10_000
CLEARLY_CHANCE = 10  # of the first draws that differ as much: then p is 0.02 at least, and no more are made


def more_out_of_scope(found: int, n: int, rank: int, rows: int) -> float:
    """Return the p that `found` or more of `n` texts lie below a limit that the `rank`-th least of `rows` others sets.

    Where texts and rows are alike, every order of them is as likely: the number below is beta-binomial with parameters
    `rank` and `rows` + 1 - `rank`, the predictive distribution of an order statistic (Wilks 1942, "Statistical
    Prediction with Special Reference to the Problem of Tolerance Limits").
    """
    first, last = float(rank), float(rows + 1 - rank)
    logs = (log_choose(n, k) + _log_beta(k + first, n - k + last) for k in range(found, n + 1))
    return min(1.0, fsum(exp(one - _log_beta(first, last)) for one in logs))


def other_shares(found: npt.NDArray[np.int64], usual: npt.NDArray[np.int64], seed: int = 0) -> float:
    """Return the p that counts of labels (k,) in some texts differ so from the `usual` ones (k,) by chance.

    Pearson's statistic, and its distribution where texts and rows are exchanged at random: `DRAWS` times, or until it
    is clear that it may be chance (Besag and Clifford 1991, "Sequential Monte Carlo p-values").
    """
    both, n, rows = found + usual, int(found.sum()), int(usual.sum())
    kept = both > 0
    if not n or not rows or kept.sum() < 2:
        return 1.0
    both = both[kept]
    expected = both * (n / (n + rows))

    def statistic(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        apart: npt.NDArray[np.float64] = ((counts - expected) ** 2 / expected).sum(axis=-1)
        return apart

    generator, least = np.random.default_rng(seed), statistic(found[kept]) - 1e-9
    as_far = draws = 0
    for more in (FIRST_DRAWS, DRAWS - FIRST_DRAWS):
        as_far += int((statistic(generator.multivariate_hypergeometric(both, n, size=more)) >= least).sum())
        draws += more
        if as_far >= CLEARLY_CHANCE:
            break
    return (1 + as_far) / (1 + draws)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
