"""How much better one model finds the rarest label than another."""

from __future__ import annotations

import numpy as np
import pytest

from classwright_tools.statistics.paired_rare import rare_gain

TRUE = np.repeat([0, 1], [180, 20])
NAMES = ("ordinary", "rare")


def answers(found: int, alarms: int) -> np.ndarray:
    """Return probabilities by which so many rows of the rare label are found, and so many others taken for it."""
    rare = np.full(200, 0.1)
    rare[180 : 180 + found] = 0.9
    rare[:alarms] = 0.8
    return np.stack([1 - rare, rare], axis=1)


def test_a_model_that_finds_more_of_the_rarest_label_gains_in_it_by_more_than_chance() -> None:
    gain = rare_gain(TRUE, answers(16, 20), answers(4, 0), (0.9, 0.1), NAMES)
    assert gain
    assert (gain.label, gain.rows) == ("rare", 20)
    assert gain.recall_gain.value == pytest.approx(0.6)
    assert 0 < gain.recall_gain.low < 0.6 < gain.recall_gain.high
    assert gain.balanced_accuracy_gain.value == pytest.approx(0.6 / 2 - 20 / 180 / 2)
    back = rare_gain(TRUE, answers(4, 0), answers(16, 20), (0.9, 0.1), NAMES)
    assert back
    assert back.average_precision_gain.value == pytest.approx(-gain.average_precision_gain.value)


@pytest.mark.parametrize(("found", "p", "significant"), [(9, 0.125, False), (10, 0.0625, False), (11, 0.03125, True)])
def test_of_few_rows_the_exact_test_says_what_is_chance_in_the_recall_and_not_the_interval(
    found: int, p: float, significant: bool
) -> None:
    gain = rare_gain(TRUE, answers(found, 0), answers(5, 0), (0.9, 0.1), NAMES)
    assert gain
    assert gain.recall_gain.low > 0  # the bootstrap calls four rows to none more than chance
    assert gain.recall_gain.p == pytest.approx(p)
    assert gain.balanced_accuracy_gain.p == pytest.approx(p, abs=0.02)  # by random signs of the same rows
    assert gain.recall_gain.significant is gain.balanced_accuracy_gain.significant is significant


def test_the_rows_of_a_query_are_won_and_lost_together() -> None:
    queries = np.repeat(np.arange(20), 10)
    gain = rare_gain(TRUE, answers(20, 0), answers(0, 0), (0.9, 0.1), NAMES, queries)
    assert gain
    assert gain.recall_gain.p == 0.5  # two queries have all of the label
    assert not gain.balanced_accuracy_gain.significant


@pytest.mark.parametrize(("shares", "true"), [((0.6, 0.4), TRUE), ((0.9, 0.1), np.repeat([0, 1], [195, 5]))])
def test_without_a_rare_label_or_with_few_rows_of_it_nothing_is_said(
    shares: tuple[float, float], true: np.ndarray
) -> None:
    assert rare_gain(true, answers(4, 0), answers(4, 0), shares, NAMES) is None
