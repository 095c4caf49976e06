"""95% intervals by the bias-corrected bootstrap, of everything but a share of single rows: see `share_interval.py`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.stats import norm
from scipy.stats import t as student

from classwright_tools.domain.figures import Estimate, Z

RESAMPLES = 2000
LEAST_COMPLETE = 0.1  # of the draws of groups: with fewer that have rows of all strata, too few would be left
BLOCK_NUMBERS = 4_000_000  # weights held at once, 32 MB

Statistic = Callable[..., npt.NDArray[np.float64]]


def bootstrap(
    statistic: Statistic,
    *arrays: npt.ArrayLike,
    strata: npt.ArrayLike | None = None,
    groups: npt.NDArray[np.integer] | None = None,
    least: float = 0.0,
    seed: int = 0,
) -> Estimate:
    """Return a statistic of some rows with its bias-corrected percentile bootstrap interval (Efron 1981, section 6).

    `arrays` are columns of one length. Rows that are equal in all of them are one distinct row with a count, so the
    result does not depend on the order of the rows, and a resample is one multinomial draw of the counts.
    `statistic(weights, *columns)` is called with `weights` of shape (b, m), how often each of the m distinct rows was
    drawn in each of b resamples, and with the m values of each column; it returns b values.

    With `strata` (one more column) each stratum keeps its number of rows: right for averages over classes, where a
    resample without a class would have nothing to average.

    With `groups` (n,) a resample draws as many whole groups as there are, each with all its rows (the cluster
    bootstrap: Field and Welsh 2007, "Bootstrapping clustered data"): rows that go together, such as the items of one
    query, tell less than as many rows by themselves. The interval is wider the fewer they are, as Student's is
    (Hesterberg 2015, "What teachers should know about the bootstrap", section 5.3). Of one group nothing can be
    concluded: it is from `least` to 1, all that the statistic can be. No stratum keeps its number of rows then, but
    resamples without a row of some stratum are left out. Groups of one row each are none.

    The interval always holds the value itself.
    """
    columns, counts, stratum_of, row_of = distinct_rows([np.asarray(array) for array in arrays], strata)
    value = float(statistic(counts[None, :].astype(np.float64), *columns)[0])
    generator = np.random.default_rng(seed)
    draw, reach = partial(_draw, counts, stratum_of), Z
    groups = of_several(groups)
    if groups is not None:
        n = len(np.unique(groups))
        if n == 1:
            return Estimate(value=value, low=least, high=1.0)
        draw = partial(_draw_groups, *distinct_groups(groups, row_of, len(counts)), stratum_of)
        reach = sqrt(n / (n - 1)) * float(student.ppf(norm.cdf(Z), n - 1))
    block = max(1, min(RESAMPLES, BLOCK_NUMBERS // len(counts)))
    drawn = np.concatenate(
        [statistic(draw(min(block, RESAMPLES - start), generator), *columns) for start in range(0, RESAMPLES, block)]
    )
    return _bias_corrected(value, drawn, reach)


def of_several(groups: npt.NDArray[np.integer] | None) -> npt.NDArray[np.integer] | None:
    """Return `groups` (n,), or None if there are none or each holds one row."""
    return None if groups is None or len(np.unique(groups)) == len(groups) else groups


def distinct_rows(
    arrays: list[npt.NDArray[np.generic]], strata: npt.ArrayLike | None
) -> tuple[list[npt.NDArray[np.generic]], npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the columns of the distinct rows, how often each occurs, its stratum (0 without), and each row's (n,)."""
    codes = [np.unique(array, return_inverse=True)[1] for array in arrays]
    stratum = np.zeros(len(codes[0]), np.int64) if strata is None else np.unique(strata, return_inverse=True)[1]
    _, first, row_of, counts = np.unique(
        np.stack([stratum, *codes]), axis=1, return_index=True, return_inverse=True, return_counts=True
    )
    return (
        [array[first] for array in arrays],
        counts.astype(np.int64),
        stratum[first].astype(np.int64),
        row_of.reshape(-1).astype(np.int64),
    )


def distinct_groups(
    groups: npt.NDArray[np.integer], row_of: npt.NDArray[np.int64], m: int
) -> tuple[csr_array, npt.NDArray[np.int64]]:
    """Return how often each of g distinct groups holds each of `m` distinct rows (g, m), and how often it occurs (g,).

    `row_of` (n,) is each row's distinct one. Groups are told apart by what they hold, not by name or order.
    """
    order = np.lexsort((row_of, groups))
    starts = np.flatnonzero(np.diff(groups[order])) + 1
    found = Counter(tuple(held.tolist()) for held in np.split(row_of[order], starts))
    kinds = sorted(found)
    columns = np.array([row for kind in kinds for row in kind])
    lines = np.repeat(np.arange(len(kinds)), [len(kind) for kind in kinds])
    holds = csr_array((np.ones(len(columns)), (lines, columns)), shape=(len(kinds), m))
    return holds, np.array([found[kind] for kind in kinds], np.int64)


def _draw(
    counts: npt.NDArray[np.int64], stratum_of: npt.NDArray[np.int64], resamples: int, generator: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Return how often each distinct row is drawn, (resamples, m); each stratum keeps its number of rows."""
    weights = np.empty((resamples, len(counts)))
    for stratum in np.unique(stratum_of):
        inside = np.flatnonzero(stratum_of == stratum)
        total = counts[inside].sum()
        weights[:, inside] = generator.multinomial(total, counts[inside] / total, size=resamples)
    return weights


def _draw_groups(
    holds: csr_array,
    times: npt.NDArray[np.int64],
    stratum_of: npt.NDArray[np.int64],
    resamples: int,
    generator: np.random.Generator,
) -> npt.NDArray[np.float64]:
    """Return how often each distinct row is drawn, (up to `resamples`, m), with whole groups.

    Draws without a row of some stratum are left out, unless hardly any has rows of all.
    """
    drawn = _draw(times, np.zeros(len(times), np.int64), resamples, generator)
    weights: npt.NDArray[np.float64] = drawn @ holds
    complete = (weights @ np.eye(int(stratum_of.max()) + 1)[stratum_of] > 0).all(axis=1)
    return weights[complete] if complete.mean() > LEAST_COMPLETE else weights


def _bias_corrected(value: float, drawn: npt.NDArray[np.float64], reach: float) -> Estimate:
    """Return the interval whose percentiles, `reach` normal deviations out, are shifted by the median bias."""
    below = (np.count_nonzero(drawn < value) + 0.5 * np.count_nonzero(drawn == value)) / len(drawn)
    shift = norm.ppf(np.clip(below, 1 / len(drawn), 1 - 1 / len(drawn)))
    low, high = np.quantile(drawn, norm.cdf([2 * shift - reach, 2 * shift + reach]))
    return Estimate(value=value, low=min(value, float(low)), high=max(value, float(high)))
