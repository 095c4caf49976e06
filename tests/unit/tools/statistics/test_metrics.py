"""The figures: equal to scikit-learn's, inside their intervals, and blind to the order of the rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from classwright_tools.domain.figures import Estimate
from classwright_tools.measurement.caveats import caveats
from classwright_tools.statistics.metrics import (
    calibration_error,
    class_figures,
    confusion_matrix,
    confusions,
    reliability,
)
from classwright_tools.statistics.paired import compare
from classwright_tools.statistics.ranking import average_precision, recall_at_false_alarms
from classwright_tools.statistics.share_interval import wilson
from support.figures import estimates, figures_of, rows_of, some_rows


def test_every_point_figure_equals_scikit_learns() -> None:
    true, proba = rows_of(seed=1, n=300, k=12)
    predicted = proba.argmax(axis=1)

    figures = figures_of(true, proba)

    assert figures.accuracy.value == pytest.approx(sklearn.metrics.accuracy_score(true, predicted))
    assert figures.balanced_accuracy.value == pytest.approx(sklearn.metrics.balanced_accuracy_score(true, predicted))
    assert figures.macro_f1.value == pytest.approx(sklearn.metrics.f1_score(true, predicted, average="macro"))
    assert figures.weighted_f1.value == pytest.approx(sklearn.metrics.f1_score(true, predicted, average="weighted"))
    assert figures.mcc.value == pytest.approx(sklearn.metrics.matthews_corrcoef(true, predicted))
    assert figures.log_loss == pytest.approx(sklearn.metrics.log_loss(true, proba, labels=range(12)))
    matrix = sklearn.metrics.confusion_matrix(true, predicted, labels=range(12))
    assert (confusion_matrix(true, predicted, 12) == matrix).all()


def test_means_over_labels_are_of_those_that_the_rows_have_and_the_others_are_named() -> None:
    true = np.array([0, 0, 3, 3, 3])
    proba = np.eye(6)[[0, 3, 3, 3, 5]]
    predicted = proba.argmax(axis=1)

    figures = figures_of(true, proba)

    of_present = sklearn.metrics.f1_score(true, predicted, labels=[0, 3], average="macro")
    assert figures.macro_f1.value == pytest.approx(of_present)
    assert figures.balanced_accuracy.value == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert figures.not_covered == ("1", "2", "4", "5")


@pytest.mark.parametrize(
    ("counts", "right", "beats"),
    [((50, 50), 90, True), ((90, 10), 90, False), ((90, 10), 60, False), ((20, 0), 20, False), ((60, 40), 75, True)],
)
def test_an_accuracy_beats_guessing_if_its_interval_lies_above_the_share_of_the_commonest_label(
    counts: tuple[int, int], right: int, beats: bool
) -> None:
    true = np.repeat([0, 1], counts)
    predicted = np.where(np.arange(len(true)) < right, true, 1 - true)

    figures = figures_of(true, np.eye(2)[predicted])

    assert figures.guessing == max(counts) / sum(counts)
    assert figures.beats_guessing is beats


def test_a_model_that_finds_a_rare_label_beats_guessing_where_no_accuracy_does() -> None:
    true = np.repeat([0, 1], (120, 30))
    wrong = np.r_[np.arange(120) < 24, np.arange(30) < 9]  # accuracy 0.78, and guessing has 0.8

    figures = figures_of(true, np.eye(2)[np.where(wrong, 1 - true, true)])

    assert figures.accuracy.value < figures.guessing
    assert figures.beats_guessing
    (told,) = caveats(figures)
    assert told.startswith("Accuracy says little of such rows, as always answering the most frequent label")
    assert "it is 0.750 (" in told
    few = figures_of(true[:129], np.eye(2)[np.where(wrong, 1 - true, true)][:129])
    assert few.guessing_alike is None  # nine rows of the rare label


def test_precision_recall_and_f1_of_each_class_equal_scikit_learns() -> None:
    true, proba = rows_of(seed=2, n=200, k=5)
    predicted = proba.argmax(axis=1)
    precision, recall, f1, support = sklearn.metrics.precision_recall_fscore_support(true, predicted)

    found = class_figures(true, predicted, [f"label {i}" for i in range(5)])

    assert [c.label for c in found] == [f"label {i}" for i in range(5)]
    assert [c.precision.value for c in found] == pytest.approx(precision)
    assert [c.recall.value for c in found] == pytest.approx(recall)
    assert [c.f1.value for c in found] == pytest.approx(f1)
    assert [c.support for c in found] == list(support)


@settings(max_examples=60, deadline=None)
@given(some_rows)
def test_every_interval_holds_its_figure(rows: tuple[np.ndarray, np.ndarray]) -> None:
    true, proba = rows
    predicted = proba.argmax(axis=1)
    by_class = class_figures(true, predicted, [str(i) for i in range(proba.shape[1])])

    found = estimates(figures_of(true, proba))
    found += [estimate for c in by_class for estimate in (c.precision, c.recall, c.f1)]

    assert all(estimate.low <= estimate.value <= estimate.high for estimate in found)


@settings(max_examples=40, deadline=None)
@given(some_rows, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_no_figure(rows: tuple[np.ndarray, np.ndarray], random: object) -> None:
    true, proba = rows
    order = np.arange(len(true))
    random.shuffle(order)  # type: ignore[attr-defined]  # a random.Random
    other = np.roll(proba, 1, axis=0)

    assert figures_of(true[order], proba[order]) == figures_of(true, proba)
    assert compare(true[order], proba[order], other[order], "m1") == compare(true, proba, other, "m1")


def test_the_macro_f1_interval_covers_the_truth_about_95_times_in_100(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classwright_tools.statistics.intervals.RESAMPLES", 400)
    generator = np.random.default_rng(6)
    chances = np.full((4, 4), 0.08) + np.eye(4) * 0.68
    population_true = np.repeat(np.arange(4), 4)
    population_predicted = np.tile(np.arange(4), 4)
    truth = sklearn.metrics.f1_score(
        population_true, population_predicted, average="macro", sample_weight=chances.ravel()
    )
    covered = 0
    for seed in range(200):
        true = np.repeat(np.arange(4), 15)
        predicted = np.array([generator.choice(4, p=chances[label]) for label in true])
        found = figures_of(true, np.eye(4)[predicted], seed=seed).macro_f1
        covered += found.low <= truth <= found.high

    assert 0.90 <= covered / 200 <= 0.99


def test_no_error_among_few_rows_is_not_certainty() -> None:
    true = np.array([0, 1, 2] * 3)

    figures = figures_of(true, np.eye(3)[true])

    assert figures.macro_f1 == Estimate(value=1, low=wilson(9, 9).low, high=1)


@pytest.mark.parametrize("figure", [average_precision, recall_at_false_alarms])
def test_a_few_rows_that_all_rank_first_are_no_certainty(figure: Callable[..., Estimate]) -> None:
    positive = np.arange(100) < 12

    assert figure(positive, -np.arange(100.0)) == wilson(12, 12)
    assert figure(positive, -np.arange(100.0), np.arange(100) // 4) == wilson(3, 3)


def test_a_mean_over_labels_knows_how_little_is_known_of_a_label_with_one_row() -> None:
    true = np.repeat([0, 1, 2], (40, 1, 1))

    figures = figures_of(true, np.eye(3)[true])

    low = 1 - np.sqrt(2) * (1 - wilson(1, 1).low) / 3
    assert figures.balanced_accuracy.low == pytest.approx(low, abs=0.01)
    assert figures.macro_f1.low < wilson(42, 42).low


def test_one_sure_error_does_not_make_the_log_loss_infinite() -> None:
    figures = figures_of(np.array([0, 1]), np.array([[1.0, 0.0], [1.0, 0.0]]))

    assert np.isfinite(figures.log_loss)


def test_a_calibrated_model_has_a_small_calibration_error_and_a_boastful_one_a_large() -> None:
    generator = np.random.default_rng(7)
    confidence = generator.uniform(0.5, 1, 6000)
    true = (generator.random(6000) > confidence).astype(int)
    calibrated = np.stack([confidence, 1 - confidence], axis=1)
    boastful = np.tile([0.999, 0.001], (6000, 1))

    assert calibration_error(true, calibrated) < 0.03
    assert calibration_error(true, boastful) == pytest.approx(abs(0.999 - (true == 0).mean()), abs=1e-9)


def test_reliability_bins_hold_equally_many_rows_and_rise() -> None:
    true, proba = rows_of(seed=8, n=151, k=4)

    bins = reliability(true, proba)

    assert len(bins) == 15
    assert {group.rows for group in bins} == {10, 11}
    assert [group.confidence for group in bins] == sorted(group.confidence for group in bins)
    assert len(reliability(true[:3], proba[:3])) == 3


def test_rows_of_one_confidence_share_a_bin_whatever_their_order() -> None:
    proba = np.array([[0.9, 0.1]] * 50 + [[0.6, 0.4]] * 50)
    true = np.array([0, 1] * 50)
    order = np.argsort(true, kind="stable")

    bins = reliability(true, proba)

    assert [(group.rows, group.accuracy.value) for group in bins] == [(50, 0.5), (50, 0.5)]
    assert reliability(true[order], proba[order]) == bins


def test_confusions_are_ordered_by_rows_then_share() -> None:
    true = np.array([0, 0, 0, 0, 1, 1, 2, 2, 2])
    predicted = np.array([1, 1, 0, 0, 0, 0, 1, 2, 2])

    found = confusions(true, predicted, ["a", "b", "c"], 10)

    assert [(c.label, c.predicted, c.count, round(c.share, 2)) for c in found] == [
        ("b", "a", 2, 1.0),
        ("a", "b", 2, 0.5),
        ("c", "b", 1, 0.33),
    ]
