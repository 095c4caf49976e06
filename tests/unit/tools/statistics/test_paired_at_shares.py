"""Comparisons of two models at the shares of labels where they are used."""

from __future__ import annotations

import numpy as np
import pytest

from classwright_tools.domain.comparison import Comparison
from classwright_tools.statistics.paired_at_shares import compare_at_shares, sign_flips

TRUE = np.repeat([0, 1], 50)


def answers(wrong: dict[int, int]) -> np.ndarray:
    """Return answers (100, 2) of which so many first ones of each label are wrong."""
    given = TRUE.copy()
    for label, count in wrong.items():
        given[np.flatnonzero(label == TRUE)[:count]] = 1 - label
    return np.eye(2)[given]


def compared(ours: dict[int, int], theirs: dict[int, int], shares: tuple[float, ...]) -> Comparison:
    found = compare_at_shares(TRUE, answers(ours), answers(theirs), "m1", shares)
    assert found
    return found


def test_a_gain_on_a_rare_label_is_a_loss_where_the_frequent_one_pays_for_it() -> None:
    found = compared({0: 10}, {1: 20}, (0.95, 0.05))
    assert found.accuracy_gain.value == pytest.approx(0.05 * 0.4 - 0.95 * 0.2)
    assert found.accuracy_gain.high < 0
    assert (found.only_this_right, found.only_other_right) == (20, 10)
    assert found.significant


def test_at_even_shares_the_gain_is_that_of_the_counts() -> None:
    found = compared({0: 10}, {1: 20}, (0.5, 0.5))
    assert found.accuracy_gain.value == pytest.approx(0.1)
    assert found.p == pytest.approx(0.1, abs=0.03)  # 20 of 30 won: the exact test has 0.099


def test_alike_answers_differ_by_nothing_and_a_label_without_rows_is_no_ground() -> None:
    found = compared({0: 7}, {0: 7}, (0.9, 0.1))
    assert (found.accuracy_gain.value, found.macro_f1_gain.value, found.p) == (0.0, 0.0, 1.0)
    assert not found.significant
    assert compare_at_shares(TRUE * 0, answers({}), answers({}), "m1", (0.5, 0.5)) is None


def test_the_order_of_rows_does_not_matter_and_queries_go_together() -> None:
    order = np.random.default_rng(0).permutation(100)
    a, b = answers({0: 10}), answers({1: 20})
    one = compare_at_shares(TRUE, a, b, "m1", (0.7, 0.3))
    assert one == compare_at_shares(TRUE[order], a[order], b[order], "m1", (0.7, 0.3))
    together = compare_at_shares(TRUE, a, b, "m1", (0.7, 0.3), np.arange(100) // 10)
    assert one
    assert together
    assert together.p > one.p


def test_the_p_of_one_difference_is_that_of_a_coin() -> None:
    assert sign_flips(np.array([0.3, 0.0])) == 1.0
    assert sign_flips(np.ones(12)) == pytest.approx(2 / 2**12, abs=5e-4)
