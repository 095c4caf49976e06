"""Intervals: Wilson's for shares, and the bootstrap of any statistic, over rows or groups of rows."""

from __future__ import annotations

import numpy as np
import pytest

from classwright_tools.domain.figures import Estimate
from classwright_tools.statistics.intervals import bootstrap
from classwright_tools.statistics.share_interval import wilson


def mean(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.asarray((weights @ values) / weights.sum(axis=1))


def test_wilsons_interval_has_its_published_values() -> None:
    # Newcombe 1998, Statistics in Medicine 17, table I, method 3
    published = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (successes, trials), (low, high) in published.items():
        found = wilson(successes, trials)
        assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_without_trials_wilsons_interval_is_everything() -> None:
    assert wilson(0, 0) == Estimate(value=0, low=0, high=1)


def test_the_bootstrap_of_a_mean_agrees_with_the_normal_interval() -> None:
    values = np.random.default_rng(5).normal(3, 2, 400)

    found = bootstrap(mean, values)

    half = 1.96 * values.std(ddof=1) / 20
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_interval_holds_a_value_that_no_resample_reaches(sign: int) -> None:
    def distinct_rows(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
        return sign * (weights > 0).sum(axis=1).astype(float)

    found = bootstrap(distinct_rows, np.arange(50))

    assert found.value == sign * 50
    assert found.low <= found.value <= found.high


def test_a_row_that_is_there_twice_in_its_query_tells_nothing_more() -> None:
    values = np.random.default_rng(5).normal(3, 2, 400)

    once, twice = bootstrap(mean, values), bootstrap(mean, np.repeat(values, 2), groups=np.repeat(np.arange(400), 2))

    assert (twice.low, twice.high) == pytest.approx((once.low, once.high), abs=0.01)
