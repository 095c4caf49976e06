"""The figures: equal to scikit-learn's, inside their intervals, and blind to the order of the rows."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from classwright_tools.domain.figures import Estimate, Figures
from classwright_tools.measurement.caveats import caveats
from classwright_tools.statistics.intervals import bootstrap
from classwright_tools.statistics.metrics import (
    calibration_error,
    class_figures,
    compute_figures,
    confusion_matrix,
    confusions,
    reliability,
    share,
)
from classwright_tools.statistics.paired import compare, mcnemar, sign_flip
from classwright_tools.statistics.share_interval import wilson

ESTIMATES = ("accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "mcc")


def rows_of(seed: int, n: int, k: int, skill: float = 0.4) -> tuple[np.ndarray, np.ndarray]:
    """Return true labels (n,) and probabilities (n, k) of a classifier that is right more often the more `skill`."""
    generator = np.random.default_rng(seed)
    true = generator.integers(0, k, n)
    proba = generator.dirichlet(np.ones(k), n)
    proba[np.arange(n), true] += skill * generator.random(n)
    return true, proba / proba.sum(axis=1, keepdims=True)


some_rows = st.builds(
    rows_of, seed=st.integers(0, 10_000), n=st.integers(1, 60), k=st.integers(2, 8), skill=st.floats(0, 3)
)


def figures_of(true: np.ndarray, proba: np.ndarray, **more: Any) -> Figures:
    """Return the figures, with numbers as the labels' names."""
    return compute_figures(true, proba, [str(place) for place in range(proba.shape[1])], **more)


def estimates(figures: Figures) -> list[Estimate]:
    return [getattr(figures, name) for name in ESTIMATES]


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


@settings(max_examples=40, deadline=None)
@given(some_rows)
def test_the_gain_in_macro_f1_is_the_difference_of_the_two_figures(rows: tuple[np.ndarray, np.ndarray]) -> None:
    true, proba = rows
    other = np.roll(proba, 1, axis=1)

    gain = compare(true, proba, other, "m1").macro_f1_gain.value

    assert gain == pytest.approx(figures_of(true, proba).macro_f1.value - figures_of(true, other).macro_f1.value)


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


@settings(max_examples=30, deadline=None)
@given(some_rows)
def test_a_model_gains_nothing_against_itself(rows: tuple[np.ndarray, np.ndarray]) -> None:
    true, proba = rows

    comparison = compare(true, proba, proba.copy(), "m1")

    nothing = Estimate(value=0, low=0, high=0)
    assert (comparison.accuracy_gain, comparison.macro_f1_gain) == (nothing, nothing)
    assert (comparison.p, comparison.significant) == (1.0, False)


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


def test_the_bootstrap_of_a_mean_agrees_with_the_normal_interval() -> None:
    values = np.random.default_rng(5).normal(3, 2, 400)

    def mean(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
        return (weights @ values) / weights.sum(axis=1)

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


def test_resamples_keep_each_classs_rows_where_figures_average_over_classes() -> None:
    true = np.array([0, 1, 2])  # one row a class: every resample is these three rows

    comparison = compare(true, np.eye(3)[true], np.eye(3)[[0, 1, 1]], "m1")

    gain = comparison.macro_f1_gain
    assert gain.low == pytest.approx(gain.value) == gain.high
    assert comparison.accuracy_gain.low < comparison.accuracy_gain.value < comparison.accuracy_gain.high


def test_the_macro_f1_interval_covers_the_truth_about_95_times_in_100() -> None:
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

    found = confusions(true, predicted, ["a", "b", "c"])

    assert [(c.label, c.predicted, c.count, round(c.share, 2)) for c in found] == [
        ("b", "a", 2, 1.0),
        ("a", "b", 2, 0.5),
        ("c", "b", 1, 0.33),
    ]


# --- rows that go together: the items of one query


def rows_of_queries(generator: np.random.Generator, queries: int, items: int = 12) -> tuple[np.ndarray, ...]:
    """Return the queries (n,), true labels (n,) of which 1 is rare, and probabilities (n, 2): queries differ much."""
    query = np.repeat(np.arange(queries), items)
    share, ease, offset = (
        generator.beta(1, 4, queries),
        generator.normal(0, 2, queries),
        generator.normal(0, 1.2, queries),
    )
    true = (generator.random(len(query)) < share[query]).astype(int)
    score = (1.5 + ease[query]) * (true - 0.5) + offset[query] + generator.normal(0, 1, len(query))
    positive = 1 / (1 + np.exp(-score))
    return query, true, np.stack([1 - positive, positive], axis=1)


def test_intervals_over_queries_cover_the_truth_that_those_over_rows_miss() -> None:
    generator = np.random.default_rng(11)
    _, true, proba = rows_of_queries(generator, 10_000)
    truth = {
        "accuracy": sklearn.metrics.accuracy_score(true, proba.argmax(axis=1)),
        "average_precision": sklearn.metrics.average_precision_score(true, proba[:, 1]),
        "macro_f1": sklearn.metrics.f1_score(true, proba.argmax(axis=1), average="macro"),
    }
    over_queries, over_rows = dict.fromkeys(truth, 0), dict.fromkeys(truth, 0)
    for _ in range(60):
        query, true, proba = rows_of_queries(generator, 25)
        for covered, groups in ((over_queries, query), (over_rows, None)):
            figures = figures_of(true, proba, mismatch=1, groups=groups)
            for name, value in truth.items():
                found = getattr(figures, name)
                covered[name] += found.low <= value <= found.high

    assert min(over_queries.values()) / 60 >= 0.88
    assert max(over_rows.values()) / 60 < 0.8


@settings(max_examples=30, deadline=None)
@given(some_rows)
def test_queries_of_one_row_each_are_rows(rows: tuple[np.ndarray, np.ndarray]) -> None:
    true, proba = rows
    queries, labels = np.arange(len(true))[::-1], [str(i) for i in range(proba.shape[1])]
    predicted = proba.argmax(axis=1)

    assert figures_of(true, proba, mismatch=0, groups=queries) == figures_of(true, proba, mismatch=0)
    assert class_figures(true, predicted, labels, queries) == class_figures(true, predicted, labels)
    one, other = (compare(true, proba, np.roll(proba, 1, axis=0), "m1", 0, 0, over) for over in (queries, None))
    assert one.p == pytest.approx(other.p)
    assert one.macro_f1_gain == other.macro_f1_gain


def test_a_row_that_is_there_twice_in_its_query_tells_nothing_more() -> None:
    values = np.random.default_rng(5).normal(3, 2, 400)

    def mean(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
        return (weights @ values) / weights.sum(axis=1)

    once, twice = bootstrap(mean, values), bootstrap(mean, np.repeat(values, 2), groups=np.repeat(np.arange(400), 2))

    assert (twice.low, twice.high) == pytest.approx((once.low, once.high), abs=0.01)


@settings(max_examples=30, deadline=None)
@given(some_rows, st.integers(1, 6), st.randoms(use_true_random=False))
def test_neither_the_order_of_the_rows_nor_the_names_of_queries_change_a_figure(
    rows: tuple[np.ndarray, np.ndarray], queries: int, random: object
) -> None:
    true, proba = rows
    query, order = np.arange(len(true)) % queries, np.arange(len(true))
    random.shuffle(order)  # type: ignore[attr-defined]  # a random.Random
    found = figures_of(true, proba, mismatch=0, groups=query)

    assert figures_of(true[order], proba[order], mismatch=0, groups=(9 - query)[order]) == found
    assert all(estimate.low <= estimate.value <= estimate.high for estimate in estimates(found))


def test_of_one_query_nothing_is_concluded_about_others() -> None:
    true, proba = rows_of(seed=9, n=40, k=2)
    one = np.zeros(40, int)

    figures, comparison = figures_of(true, proba, groups=one), compare(true, proba, 1 - proba, "m1", groups=one)

    assert (figures.accuracy.low, figures.accuracy.high) == (0, 1)
    assert (figures.mcc.low, figures.mcc.high) == (-1, 1)
    assert (comparison.accuracy_gain.low, comparison.accuracy_gain.high) == (-1, 1)
    assert (comparison.p, comparison.significant) == (1, False)


def test_rows_that_are_all_right_count_as_many_times_as_they_have_queries() -> None:
    assert share(np.ones(30, bool), np.arange(30) % 5) == wilson(5, 5)


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
