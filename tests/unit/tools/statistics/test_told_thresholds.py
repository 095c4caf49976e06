"""Thresholds as they are told: few digits, which find the same as all of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from classwright_tools.domain.threshold import threshold_in_words
from classwright_tools.statistics.told_thresholds import APART, as_told, told_between


@pytest.mark.parametrize(
    ("below", "lowest", "near", "told"),
    [
        (0.2, 0.9, 0.55, 0.55),
        (0.8431, 0.8437, 0.8437, 0.8436),
        (0.8431, 0.84389, 0.84389, 0.8438),
        (0.71, 0.9, 0.9, 0.89),
        (-0.71, -0.5, -0.5, -0.51),
        (0.0, 4e-6, 2e-6, 2e-6),
        (0.999998, 0.999999, 0.999999, 0.999999),
    ],
)
def test_the_number_with_the_fewest_digits_between_two_scores_is_told(
    below: float, lowest: float, near: float, told: float
) -> None:
    assert told_between(below, lowest, near) == told


def test_a_threshold_is_on_neither_score_so_that_no_engine_rounds_a_row_to_its_other_side() -> None:
    scores = as_told(np.sort(np.random.default_rng(0).random(2_000)))

    for below, lowest in pairwise(scores.tolist()):
        apart = min(APART, (lowest - below) / 4)
        if lowest - below > 3e-6:  # of six places
            told = told_between(below, lowest, near=lowest)
            assert min(told - below, lowest - told) >= apart - 1e-12


def test_scores_are_rounded_down_so_that_each_reaches_what_is_told_of_it() -> None:
    scores = np.concatenate([np.arange(1_000) / 1_000, np.random.default_rng(0).random(1_000), [1 - 1e-13, 4e-7, 1.0]])

    told = as_told(scores)

    assert (told <= scores).all()
    assert (scores - told < 1e-6).all()
    assert (told[:1_000] == scores[:1_000]).all()
    assert told[-3:].tolist() == [0.999999, 0.0, 1.0]


@pytest.mark.parametrize(
    ("threshold", "words"),
    [(0.7, "0.70"), (0.8437, "0.8437"), (1.0, "1.00"), (2e-6, "0.000002"), (1 - 1e-13, "1.00"), (1 / 3, "0.333333")],
)
def test_a_threshold_is_told_in_the_digits_that_say_it(threshold: float, words: str) -> None:
    assert threshold_in_words(threshold) == words
