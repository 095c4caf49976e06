"""Differences of two classifiers on few rows: smoothed, corrected for shared rows, and pooled."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from classwright_tools.domain.figures import Estimate
from classwright_tools.statistics.resampled import (
    UNKNOWN_ERROR,
    Difference,
    margins,
    paired_difference,
    pooled,
    resampled_difference,
    smoothed,
)


def difference(value: float, error: float) -> Difference:
    return Difference(Estimate(value=value, low=value - 2 * error, high=value + 2 * error), error)


def test_splits_that_share_rows_have_a_corrected_error() -> None:
    found = resampled_difference(np.array([0.0, 0.1, 0.2, 0.1]), held_share=1 / 3)
    variance = np.var([0.0, 0.1, 0.2, 0.1], ddof=1)
    assert found.error == pytest.approx(sqrt((1 / 4 + 1 / 3) * variance))
    assert found.estimate.value == pytest.approx(0.1)
    assert resampled_difference(np.array([0.1, 0.1]), 1 / 3).error == UNKNOWN_ERROR


def test_a_smoothed_gain_varies_less_over_draws_of_few_rows_than_one_of_whole_rows() -> None:
    generator = np.random.default_rng(0)
    gains, smooth = [], []
    for _ in range(200):
        worse = generator.normal(0.5, 1, 50)
        better = 0.9 * worse + generator.normal(0.3, 0.3, 50)
        gains.append((better > 0).mean() - (worse > 0).mean())
        smooth.append(smoothed([better])[0].mean() - smoothed([worse])[0].mean())
    assert np.mean(smooth) / np.std(smooth) > 1.5 * np.mean(gains) / np.std(gains)


def test_margins_are_over_the_best_of_the_other_labels() -> None:
    logits = np.array([[3.0, 1.0, 2.0], [0.0, 1.0, 5.0]])
    assert margins(logits, np.array([0, 1])).tolist() == [1.0, -4.0]


def test_rows_of_one_group_count_as_one_and_few_groups_tell_nothing() -> None:
    differences = np.tile([0.0, 0.1], 50)
    alone = paired_difference(differences, np.arange(100))
    together = paired_difference(differences, np.arange(100) % 20)
    assert alone is not None
    assert together is not None
    assert together.error == pytest.approx(alone.error * sqrt(5), rel=0.03)
    assert paired_difference(differences, np.arange(100) % 4) is None
    uneven = paired_difference(np.repeat([0.0, 0.2, 1.0], (20, 20, 60)), np.minimum(np.arange(100), 40))
    assert uneven is not None
    assert uneven.estimate.value == pytest.approx((20 * 0.2 + 1.0) / 41)  # 60 rows of one group count as one
    assert paired_difference(np.zeros(100), np.arange(100)) is None


def test_pooled_differences_count_by_their_certainty() -> None:
    first, second = difference(0.0, 0.01), difference(0.1, 0.02)
    found = pooled(first, second)
    assert found.estimate.value == pytest.approx(0.02)
    assert found.error == pytest.approx(0.01 * sqrt(0.8))
    assert pooled(second, first).estimate.value == pytest.approx(found.estimate.value)
    assert pooled(first, replace(second, error=UNKNOWN_ERROR)).estimate.value == pytest.approx(0, abs=1e-4)
