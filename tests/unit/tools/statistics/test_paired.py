"""Two models on the same rows: gains with intervals, McNemar's test, and the sign-flip test over groups."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings

from classwright_tools.statistics.exact_tests import mcnemar
from classwright_tools.statistics.paired import compare, sign_flip
from support.figures import figures_of, rows_of, some_rows


@settings(max_examples=40, deadline=None)
@given(some_rows)
def test_the_gain_in_macro_f1_is_the_difference_of_the_two_figures(rows: tuple[np.ndarray, np.ndarray]) -> None:
    true, proba = rows
    other = np.roll(proba, 1, axis=1)

    gain = compare(true, proba, other, "m1").macro_f1_gain.value

    assert gain == pytest.approx(figures_of(true, proba).macro_f1.value - figures_of(true, other).macro_f1.value)


@settings(max_examples=30, deadline=None)
@given(some_rows)
def test_a_model_gains_nothing_against_itself(rows: tuple[np.ndarray, np.ndarray]) -> None:
    true, proba = rows

    comparison = compare(true, proba, proba.copy(), "m1")

    nothing = {"value": 0, "low": 0, "high": 0}
    assert comparison.accuracy_gain.model_dump() == nothing
    assert comparison.macro_f1_gain.model_dump() == nothing | {"p": 1.0, "significant": False}
    assert (comparison.p, comparison.significant) == (1.0, False)


@pytest.mark.parametrize(
    ("only_a", "only_b", "p"),
    [(0, 0, 1.0), (5, 0, 2 / 32), (6, 0, 2 / 64), (1, 9, 2 * 11 / 1024), (4, 4, 1.0)],
)
def test_mcnemars_p_is_the_binomial_one(only_a: int, only_b: int, p: float) -> None:
    assert mcnemar(only_a, only_b) == pytest.approx(p)


def test_a_clear_gain_is_significant_and_its_intervals_exclude_zero() -> None:
    true, good = rows_of(seed=3, n=200, k=6, skill=3)
    _, poor = rows_of(seed=3, n=200, k=6, skill=0.3)

    comparison = compare(true, good, poor, "m1")

    assert comparison.significant
    assert comparison.accuracy_gain.low > 0
    assert comparison.macro_f1_gain.low > 0
    gain = (comparison.only_this_right - comparison.only_other_right) / 200
    assert comparison.accuracy_gain.value == pytest.approx(gain)


def test_swapping_the_models_turns_the_gain_around() -> None:
    true, a = rows_of(seed=4, n=100, k=4)
    b = np.roll(a, 1, axis=0)

    one, other = compare(true, a, b, "b"), compare(true, b, a, "a")

    assert one.macro_f1_gain.value == pytest.approx(-other.macro_f1_gain.value)
    assert one.p == other.p
    assert (one.only_this_right, one.only_other_right) == (other.only_other_right, other.only_this_right)


def test_resamples_keep_each_classs_rows_where_figures_average_over_classes() -> None:
    true = np.array([0, 1, 2])  # one row a class: every resample is these three rows

    comparison = compare(true, np.eye(3)[true], np.eye(3)[[0, 1, 1]], "m1")

    gain = comparison.macro_f1_gain
    assert gain.low == pytest.approx(gain.value) == gain.high
    assert comparison.accuracy_gain.low < comparison.accuracy_gain.value < comparison.accuracy_gain.high


def test_the_sign_flip_test_is_the_count_over_all_signs() -> None:
    differences, groups = np.array([1, 1, 0, -1, 1, 1, 1, -1, 0]), np.array([0, 0, 0, 1, 2, 2, 2, 3, 4])
    sums = np.array([2, -1, 3, -1])
    totals = [abs(sum(signs * sums)) for signs in itertools.product((1, -1), repeat=4)]

    assert sign_flip(differences, groups) == pytest.approx(np.mean(np.array(totals) >= 3))


def test_a_true_null_of_whole_queries_is_rejected_about_5_times_in_100() -> None:
    generator = np.random.default_rng(12)
    rejected = {"rows": 0, "queries": 0}
    query = np.repeat(np.arange(40), 10)
    for _ in range(300):
        lean = generator.choice([-1, 1], 40)  # which of the two models is the better one for the query
        a_right = generator.random(400) < 0.7 + 0.2 * lean[query]
        b_right = generator.random(400) < 0.7 - 0.2 * lean[query]
        only_a, only_b = int((a_right & ~b_right).sum()), int((b_right & ~a_right).sum())
        rejected["rows"] += mcnemar(only_a, only_b) < 0.05
        rejected["queries"] += sign_flip(a_right.astype(int) - b_right, query) < 0.05

    assert rejected["queries"] / 300 < 0.08
    assert rejected["rows"] / 300 > 0.15
