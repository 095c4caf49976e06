"""Shares of labels are found in texts that nobody labelled, or it is said why they cannot be told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classwright_tools.statistics.label_shift import calibrate, estimate_shares, most_likely_shares, short_labels

NAMES = ("bug", "praise", "question")
CENTRES = 2.2 * np.eye(3)


def drawn(labels: np.ndarray, seed: int, centres: np.ndarray = CENTRES) -> np.ndarray:
    """Return logits (n, 3) of rows of these `labels`: normal around `centres`, so that the logits are the points'."""
    points = centres[labels] + np.random.default_rng(seed).normal(size=(len(labels), 3))
    return points @ centres.T - (centres**2).sum(axis=1) / 2


def rows_and_texts(shares: tuple[float, ...], texts: int = 1_500, rows: int = 50) -> tuple[np.ndarray, ...]:
    """Return logits and labels of `rows` of each label, and logits of `texts` in which labels have these `shares`."""
    labels = np.repeat(np.arange(3), rows)
    unlabelled = np.random.default_rng(1).choice(3, texts, p=shares)
    return drawn(labels, 2), labels, drawn(unlabelled, 3)


@pytest.mark.parametrize("shares", [(0.9, 0.08, 0.02), (0.1, 0.3, 0.6), (0.0, 0.5, 0.5)])
def test_the_shares_of_unlabelled_texts_are_found_within_their_interval(shares: tuple[float, ...]) -> None:
    found = estimate_shares(*rows_and_texts(shares), NAMES)
    assert found.outcome == "estimated"
    for share, true in zip(found.shares, shares, strict=True):
        assert share.value == pytest.approx(true, abs=0.05)
        assert share.low - 0.01 <= true <= share.high + 0.01
        assert share.high - share.low < 0.2


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), st.integers(0, 1_000))
def test_shares_are_none_below_0_and_sum_to_1(weights: list[float], seed: int) -> None:
    generator = np.random.default_rng(seed)
    labels = generator.choice(3, 300, p=np.array(weights) / sum(weights))
    likelihoods = calibrate(*rows_and_texts((1 / 3, 1 / 3, 1 / 3))[:2]).likelihoods(drawn(labels, seed))
    shares = most_likely_shares(likelihoods, np.ones(300), np.full(3, 1 / 3))
    assert (shares >= 0).all()
    assert shares.sum() == pytest.approx(1)


def test_naming_the_labels_in_another_order_orders_the_shares_alike() -> None:
    logits, labels, texts = rows_and_texts((0.7, 0.2, 0.1))
    order = [2, 0, 1]  # the new label 0 is the old 2
    found = estimate_shares(logits, labels, texts, NAMES)
    turned = estimate_shares(
        logits[:, order], np.argsort(order)[labels], texts[:, order], tuple(NAMES[i] for i in order)
    )
    assert [s.value for s in turned.shares] == pytest.approx([found.shares[i].value for i in order], abs=1e-3)


def test_shares_that_are_those_of_the_labelled_rows_are_said_to_be_alike() -> None:
    found = estimate_shares(*rows_and_texts((1 / 3, 1 / 3, 1 / 3)), NAMES)
    assert found.outcome == "alike"
    assert [s.value for s in found.shares] == pytest.approx([1 / 3] * 3, abs=0.06)


def test_the_labelled_rows_may_have_any_shares_themselves() -> None:
    labels = np.repeat(np.arange(3), (150, 50, 20))
    texts = drawn(np.repeat(np.arange(3), (200, 300, 500)), 5)
    found = estimate_shares(drawn(labels, 4), labels, texts, NAMES)
    assert [s.value for s in found.shares] == pytest.approx([0.2, 0.3, 0.5], abs=0.05)


def test_a_classifier_that_is_too_sure_and_leans_to_a_label_gives_the_same_shares() -> None:
    logits, labels, texts = rows_and_texts((0.7, 0.2, 0.1))
    lean = np.array([0.0, 6.0, -3.0])
    found = estimate_shares(logits, labels, texts, NAMES)
    leaning = estimate_shares(4 * logits + lean, labels, 4 * texts + lean, NAMES)
    assert [s.value for s in leaning.shares] == pytest.approx([s.value for s in found.shares], abs=0.02)


def test_the_interval_is_wider_the_fewer_rows_and_texts_there_are() -> None:
    def width(rows: int, texts: int) -> float:
        found = estimate_shares(*rows_and_texts((0.6, 0.3, 0.1), texts=texts, rows=rows), NAMES)
        return max(share.high - share.low for share in found.shares)

    usual = width(100, 1_500)
    assert width(15, 1_500) > usual
    assert width(100, 100) > usual


def test_a_label_without_enough_rows_leaves_the_shares_unknown() -> None:
    logits, labels, texts = rows_and_texts((0.7, 0.2, 0.1))
    kept = (labels != 1) | (np.arange(len(labels)) < 53)
    found = estimate_shares(logits[kept], labels[kept], texts, NAMES)
    assert (found.outcome, found.shares) == ("unknown", ())
    assert (
        found.reason
        == "each label needs 5 labelled rows that were held out to calibrate by, and 1 has fewer: 'praise' 3"
    )


def test_all_labels_that_are_short_are_named_at_once_the_shortest_first() -> None:
    counts = np.array([4, 9, 0])

    said = short_labels(counts, ("refund", "delivery", "account"))

    needs = "each label needs 5 labelled rows that were held out to calibrate by"
    assert said == f"{needs}, and 2 have fewer: 'account' 0, 'refund' 4"


def test_a_handful_of_texts_leaves_the_shares_unknown() -> None:
    logits, labels, texts = rows_and_texts((0.7, 0.2, 0.1))
    found = estimate_shares(logits, labels, texts[:40], NAMES)
    assert found == estimate_shares(logits, labels, texts[:40], NAMES, seed=1)
    assert (found.outcome, found.reason) == ("unknown", "these are 40, and 50 are needed")


def test_labels_that_the_classifier_does_not_tell_apart_leave_the_shares_unknown_and_are_named() -> None:
    centres = CENTRES[[0, 1, 1]]
    labels = np.repeat(np.arange(3), 50)
    found = estimate_shares(drawn(labels, 2, centres), labels, drawn(labels, 3, centres), NAMES)
    assert found.outcome == "unknown"
    assert "'question'" in found.reason
    assert "'praise'" in found.reason
    assert "'bug'" not in found.reason


def test_an_interval_that_is_too_wide_leaves_the_shares_unknown() -> None:
    centres = 0.45 * CENTRES
    labels = np.repeat(np.arange(3), 12)
    texts = np.random.default_rng(1).choice(3, 60)
    found = estimate_shares(drawn(labels, 2, centres), labels, drawn(texts, 3, centres), NAMES)
    assert found.outcome == "unknown"
    assert "can only be told to lie in" in found.reason
