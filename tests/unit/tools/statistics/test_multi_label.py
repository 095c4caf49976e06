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
    assert multi_label.confusions(one[true], one[predicted], LABELS) == metrics.confusions(true, predicted, LABELS)
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
