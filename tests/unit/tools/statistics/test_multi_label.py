"""Metrics of rows with several labels: they are scikit-learn's, and those of one label where each row has one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sk

from classwright_tools.statistics import metrics, multi_label
from classwright_tools.statistics.multi_label import compare, compute_figures

LABELS = ("a", "b", "c")
shapes = st.tuples(st.integers(1, 12), st.just(len(LABELS)))
pairs = shapes.flatmap(lambda shape: st.tuples(hnp.arrays(bool, shape), hnp.arrays(bool, shape)))


@given(pairs)
def test_figures_are_scikit_learns(given_sets: tuple[np.ndarray, np.ndarray]) -> None:
    true, decided = given_sets
    weights = np.ones((1, len(true)))
    has = true.any(axis=0)
    alike = ~true.any(axis=1) & ~decided.any(axis=1)  # of which scikit-learn says 0, and nothing is wrong with them
    samples = sk.f1_score(true, decided, average="samples", zero_division=0) + alike.mean()

    assert multi_label.micro_f1(weights, true, decided)[0] == pytest.approx(
        sk.f1_score(true, decided, average="micro", zero_division=0)
    )
    assert multi_label.samples_f1(weights, true, decided)[0] == pytest.approx(samples)
    if has.any():
        each = sk.f1_score(true, decided, average=None, zero_division=0)
        assert multi_label.macro_f1(weights, true, decided)[0] == pytest.approx(each[has].mean())


def test_every_figure_lies_in_its_interval_and_labels_without_rows_are_named() -> None:
    rng = np.random.default_rng(0)
    true = rng.random((60, 3)) < (0.4, 0.2, 0.0)
    proba = np.where(true, 0.8, 0.1) + 0.1 * rng.random(true.shape)
    decided = proba >= 0.5
    decided[:10, 0] ^= True

    figures = compute_figures(true, decided, proba, LABELS)

    assert figures.not_covered == ("c",)
    assert figures.accuracy.value == pytest.approx((true == decided).all(axis=1).mean())
    for found in (figures.micro_f1, figures.macro_f1, figures.samples_f1, figures.balanced_accuracy):
        assert found is not None
        assert 0 < found.low < found.value < found.high <= 1
    always_a = np.tile((True, False, False), (60, 1))
    assert figures.guessing == pytest.approx(sk.f1_score(true, always_a, average="micro"))
    assert figures.beats_guessing
    sets = [tuple(row) for row in true.tolist()]
    commonest = np.tile(max(sets, key=sets.count), (60, 1))
    assert figures.guessing_sets == pytest.approx(sk.accuracy_score(true, commonest))
    assert sum(size.rows for size in figures.by_size) == len(true)
    for size in figures.by_size:
        own = true.sum(axis=1) == size.labels
        assert size.rows == own.sum()
        assert size.right.value == pytest.approx(sk.accuracy_score(true[own], decided[own]))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=12))
def test_of_rows_with_one_label_each_the_confusion_matrix_is_the_usual_one(rows: list[tuple[int, int]]) -> None:
    true, predicted = (np.array(column) for column in zip(*rows, strict=True))
    one = np.eye(3, dtype=bool)

    assert (
        multi_label.confusion_matrix(one[true], one[predicted]) == metrics.confusion_matrix(true, predicted, 3)
    ).all()
    assert multi_label.confusions(one[true], one[predicted], LABELS, 10) == metrics.confusions(
        true, predicted, LABELS, 10
    )
    assert multi_label.class_figures(one[true], one[predicted], LABELS) == metrics.class_figures(
        true, predicted, LABELS
    )


def test_a_better_model_gains_in_f1_and_that_decides() -> None:
    rng = np.random.default_rng(1)
    true = rng.random((300, 3)) < 0.4
    good, bad = true ^ (rng.random(true.shape) < 0.1), true ^ (rng.random(true.shape) < 0.3)

    found, back = compare(true, good, bad, "m1"), compare(true, bad, good, "m2")

    assert found.micro_f1_gain is not None
    assert found.micro_f1_gain.value == pytest.approx(
        sk.f1_score(true, good, average="micro") - sk.f1_score(true, bad, average="micro")
    )
    assert (found.verdict, back.verdict) == ("gain", "loss")
    assert compare(true, good, good, "m1").verdict == "no gain"
    assert "a gain needs" not in found.advice("m2", 300)
    told = "A gain: keep m2. In micro-F1, which rows with several labels are judged by, m2 has +0."
    assert told in found.advice("m2", 300)


def test_the_interval_of_a_mean_over_labels_is_of_all_labels_also_where_most_have_one_row() -> None:
    true, decided = _five_common_labels_and_45_with_a_row(found=0.9)

    figures = compute_figures(true, decided, np.where(decided, 0.9, 0.1), [f"label{k}" for k in range(50)])

    for found in (figures.macro_f1, figures.balanced_accuracy):
        assert found.value == pytest.approx(0.09, abs=0.01)  # five of fifty labels at 0.9
        assert found.low < found.value - 0.002
        assert found.high > 0.15  # of a label with one row that was not found little is known


def test_a_gain_in_macro_f1_is_of_all_labels_also_in_resamples_that_draw_few_of_them() -> None:
    true, ours = _five_common_labels_and_45_with_a_row(found=0.9)
    _, theirs = _five_common_labels_and_45_with_a_row(found=0.6)

    gain = compare(true, ours, theirs, "m1").macro_f1_gain

    assert gain.value - gain.low > 0.3 * (gain.high - gain.low) > 0
    assert gain.high - gain.value > 0.3 * (gain.high - gain.low)


def _five_common_labels_and_45_with_a_row(found: float) -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat(np.arange(50), [100] * 5 + [1] * 45)
    true = np.eye(50, dtype=bool)[labels]
    kept = (np.random.default_rng(0).random(len(labels)) < found) & (labels < 5)
    return true, true & kept[:, None]


@pytest.mark.parametrize("errs", ["apart", "together"])
def test_the_interval_of_macro_f1_covers_the_truth_about_nine_times_in_ten_where_half_of_the_labels_are_rare(
    errs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classwright_tools.statistics.intervals.RESAMPLES", 400)
    rng = np.random.default_rng(0)
    recall = np.concatenate([rng.uniform(0.75, 0.95, 10), rng.uniform(0, 0.7, 10)])
    shares = np.repeat([0.094, 0.006], 10)  # a rare label has one or two of 300 rows
    if errs == "apart":
        true = rng.random((100_000, 20)) < shares
        decided = np.where(true, rng.random(true.shape) < recall, rng.random(true.shape) < 0.15 * shares)
    else:  # each row has one label, and is given one
        own = rng.choice(20, 100_000, p=shares)
        given = np.where(rng.random(100_000) < recall[own], own, rng.choice(20, 100_000, p=shares))
        true, decided = np.eye(20, dtype=bool)[own], np.eye(20, dtype=bool)[given]
    truth = 2 * (true & decided).sum(axis=0) / (true.sum(axis=0) + decided.sum(axis=0))
    names, covered = [f"label{place}" for place in range(20)], []
    for _ in range(60):
        rows = rng.integers(0, len(true), 300)
        found = compute_figures(true[rows], decided[rows], np.where(decided[rows], 0.9, 0.1), names).macro_f1
        covered.append(found.low <= truth[true[rows].any(axis=0)].mean() <= found.high)

    assert np.mean(covered) >= 0.83


def test_no_error_among_few_rows_is_not_certainty() -> None:
    true = np.eye(3, dtype=bool)[np.arange(12) % 3]
    without = np.vstack([true[:3], np.zeros((500, 3), bool)])  # which no F1 of a label is about

    right = compute_figures(true, true, np.where(true, 0.9, 0.1), LABELS)
    few = compute_figures(without, without, np.where(without, 0.9, 0.1), LABELS)
    wrong = compute_figures(without, np.zeros_like(without), np.full(without.shape, 0.1), LABELS)

    for found in (right.macro_f1, right.micro_f1, right.samples_f1, right.weighted_f1, right.balanced_accuracy):
        assert found is not None
        assert (found.value, found.high) == (1, 1)
        assert found.low < 0.85
    assert few.micro_f1 is not None
    assert few.micro_f1.low < 0.5 < few.accuracy.low
    assert wrong.micro_f1 is not None
    assert wrong.micro_f1.value == 0
    assert wrong.micro_f1.high > 0.5


def test_rows_without_any_label_tell_nothing_of_labels() -> None:
    none = np.zeros((5, 3), bool)

    figures = compute_figures(none, none, np.full(none.shape, 0.1), LABELS)

    assert (figures.macro_f1.value, figures.macro_f1.low, figures.macro_f1.high) == (0, 0, 1)
    assert compare(none, none, none, "m1").macro_f1_gain.value == 0
