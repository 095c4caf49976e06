"""95% intervals: Wilson's for a share, the bias-corrected bootstrap for everything else."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from classwright_tools.domain.figures import Estimate

Z = 1.959963984540054  # the normal quantile of a two-sided 95% interval
RESAMPLES = 2000
_BLOCK_NUMBERS = 4_000_000  # weights held at once, 32 MB

Statistic = Callable[..., npt.NDArray[np.float64]]


def wilson(successes: int, trials: int) -> Estimate:
    """Return the share `successes` / `trials` with Wilson's score interval (Wilson 1927, JASA 22).

    Unlike the share plus or minus two standard errors it stays within 0 to 1 and is not empty at 0% or 100%.
    Without trials nothing is known: 0, between 0 and 1.
    """
    if trials == 0:
        return Estimate(value=0.0, low=0.0, high=1.0)
    share = successes / trials
    shrink = 1 + Z**2 / trials
    centre = (share + Z**2 / (2 * trials)) / shrink
    half = Z * sqrt(share * (1 - share) / trials + Z**2 / (4 * trials**2)) / shrink
    return Estimate(value=share, low=max(0.0, min(share, centre - half)), high=min(1.0, max(share, centre + half)))


def bootstrap(
    statistic: Statistic,
    *arrays: npt.ArrayLike,
    strata: npt.ArrayLike | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Return a statistic of some rows with its bias-corrected percentile bootstrap interval (Efron 1981, section 6).

    `arrays` are columns of one length. Rows that are equal in all of them are one distinct row with a count, so the
    result does not depend on the order of the rows, and a resample is one multinomial draw of the counts.
    `statistic(weights, *columns)` is called with `weights` of shape (b, m), how often each of the m distinct rows was
    drawn in each of b resamples, and with the m values of each column; it returns b values.

    With `strata` (one more column) each stratum keeps its number of rows: right for averages over classes, where a
    resample without a class would have nothing to average.

    The interval always holds the value itself.
    """
    columns, counts, groups = _distinct_rows([np.asarray(array) for array in arrays], strata)
    value = float(statistic(counts[None, :].astype(np.float64), *columns)[0])
    generator = np.random.default_rng(seed)
    block = max(1, min(resamples, _BLOCK_NUMBERS // len(counts)))
    drawn = np.concatenate(
        [
            statistic(_draw(counts, groups, min(block, resamples - start), generator), *columns)
            for start in range(0, resamples, block)
        ]
    )
    return _bias_corrected(value, drawn)


def _distinct_rows(
    arrays: list[npt.NDArray[np.generic]], strata: npt.ArrayLike | None
) -> tuple[list[npt.NDArray[np.generic]], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the columns of the distinct rows, how often each occurs, and its stratum (0 without strata)."""
    codes = [np.unique(array, return_inverse=True)[1] for array in arrays]
    groups = np.zeros(len(codes[0]), np.int64) if strata is None else np.unique(strata, return_inverse=True)[1]
    _, first, counts = np.unique(np.stack([groups, *codes]), axis=1, return_index=True, return_counts=True)
    return [array[first] for array in arrays], counts.astype(np.int64), groups[first].astype(np.int64)


def _draw(
    counts: npt.NDArray[np.int64], groups: npt.NDArray[np.int64], resamples: int, generator: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Return how often each distinct row is drawn, (resamples, m); each group keeps its number of rows."""
    weights = np.empty((resamples, len(counts)))
    for group in np.unique(groups):
        inside = np.flatnonzero(groups == group)
        total = counts[inside].sum()
        weights[:, inside] = generator.multinomial(total, counts[inside] / total, size=resamples)
    return weights


def _bias_corrected(value: float, drawn: npt.NDArray[np.float64]) -> Estimate:
    """Return the interval whose percentiles are shifted by the median bias of the resamples."""
    below = (np.count_nonzero(drawn < value) + 0.5 * np.count_nonzero(drawn == value)) / len(drawn)
    shift = norm.ppf(np.clip(below, 1 / len(drawn), 1 - 1 / len(drawn)))
    low, high = np.quantile(drawn, norm.cdf([2 * shift - Z, 2 * shift + Z]))
    return Estimate(value=value, low=min(value, float(low)), high=max(value, float(high)))
