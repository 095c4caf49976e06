"""Thresholds of a rare label: validation rows choose them for the recall that one wants, and test rows take them."""

from __future__ import annotations

import numpy as np
import pytest

from classwright_tools.domain.evaluation import EvaluationReport, Measured
from classwright_tools.domain.figures import RareLabel
from classwright_tools.domain.threshold import threshold_in_words
from classwright_tools.measurement.at_shares import Chosen
from classwright_tools.measurement.evaluation import measure
from support.measurement import answers_of

ROWS, RARE = 200, 40


def report_of(
    seed: int, split: Measured, chosen: Chosen | None = None, mismatch: str | None = None
) -> EvaluationReport:
    """Return the figures of a model that ranks rows of 'wish' higher than others, but not always."""
    generator = np.random.default_rng(seed)
    true = (np.arange(ROWS) < RARE).astype(int)
    wish = 1 / (1 + np.exp(2 - generator.normal(size=ROWS) - 2 * true))
    found = answers_of(true.tolist(), np.stack([1 - wish, wish], axis=1), ("other", "wish"))
    return measure(found, model="app-m1", split=split, threshold=0.7, seed=0, chosen=chosen, mismatch=mismatch)


def rare_of(report: EvaluationReport) -> RareLabel:
    assert report.at_shares
    assert report.at_shares.rare
    return report.at_shares.rare


def told(report: EvaluationReport) -> str:
    return " ".join(report.warnings)


@pytest.mark.parametrize("seed", range(3))
def test_a_threshold_for_a_wanted_recall_finds_so_many_and_says_how_much_is_read(seed: int) -> None:
    report = report_of(seed, "validation")

    low, high = rare_of(report).points
    assert (low.wanted, high.wanted) == (0.8, 0.95)
    assert 0.8 <= low.recall.value <= 0.8 + 1 / RARE
    assert 0.95 <= high.recall.value <= 0.95 + 1 / RARE
    assert high.threshold < low.threshold
    assert high.recall.value * RARE / ROWS <= high.read < 1
    assert low.recall.low < 0.8 < low.recall.high
    assert f"from {threshold_in_words(low.threshold)} on, {100 * low.recall.value:.0f} of 100 (" in told(report)
    assert f"{100 * high.read:.0f} of 100 texts are to be read" in told(report)


def test_rare_mismatches_have_the_thresholds_of_a_rare_label_beside_the_one_for_hiding() -> None:
    report = report_of(0, "validation", mismatch="wish")

    low, high = rare_of(report).points
    assert rare_of(report) == rare_of(report_of(0, "validation"))
    for point in (low, high):
        assert f"from {threshold_in_words(point.threshold)} on, {100 * point.recall.value:.0f} of 100 (" in told(report)
        assert f"{100 * point.read:.0f} of 100 pairs are to be read" in told(report)
    assert "Hiding pairs with a `probability_wish` of " in told(report)


def test_test_rows_choose_no_threshold_and_take_those_of_validation_rows() -> None:
    chosen = rare_of(report_of(0, "validation"))
    report = report_of(1, "test", Chosen("validation rows gave (app-r1)", chosen))

    applied = rare_of(report)
    assert applied.threshold == chosen.threshold
    assert [one.threshold for one in applied.points] == [one.threshold for one in chosen.points]
    assert [one.recall for one in applied.points] != [one.recall for one in chosen.points]
    assert "those that validation rows gave (app-r1), unchanged." in told(report)


@pytest.mark.parametrize("of_other", [False, True])
def test_without_a_threshold_of_the_label_none_is_said_to_be_that_of_validation_rows(*, of_other: bool) -> None:
    other = rare_of(report_of(0, "validation")).model_copy(update={"label": "order"})
    bare = report_of(1, "test", Chosen("validation rows gave (app-r1)", other) if of_other else None)

    assert rare_of(bare).threshold is None
    assert rare_of(bare).points == ()
    assert "No threshold for 'wish' was chosen before; test rows choose none." in told(bare)
    assert "unchanged" not in told(bare)
