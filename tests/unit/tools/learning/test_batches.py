"""Which rows a step of training takes: labels in turn, all rows alike, or half-way between."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from classwright_tools.learning.batches import balanced_batches, natural_batches, square_root_batches


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=4, max_size=120), st.integers(2, 64), st.integers(0, 10_000))
def test_batches_hold_their_number_of_rows_and_the_labels_take_turns(labels: list[int], batch: int, seed: int) -> None:
    numbers = np.array(labels)
    drawn = list(balanced_batches(numbers, batch, 12, np.random.default_rng(seed)))
    assert [len(places) for places in drawn] == [batch] * 12
    counts = np.bincount(numbers[np.concatenate(drawn)], minlength=6)
    for label in np.unique(numbers):
        rows = int((numbers == label).sum())
        if rows >= 4 and batch % 4 == 0:
            turns = 12 * batch / 4 / len(np.unique(numbers))
            assert counts[label] >= 4 * (turns - 1) - batch


def test_every_row_comes_before_any_comes_again() -> None:
    labels = np.arange(48) % 3
    places = np.concatenate(list(balanced_batches(labels, 12, 8, np.random.default_rng(0))))
    assert sorted(places[:48]) == list(range(48))
    assert sorted(places[48:]) == list(range(48))


def test_every_pass_draws_each_row_once() -> None:
    drawn = np.concatenate(list(natural_batches(256, 128, 4, np.random.default_rng(0))))
    for start in (0, 256):
        assert sorted(drawn[start : start + 256]) == list(range(256))


def test_batches_hold_each_class_as_often_as_the_square_root_of_its_rows() -> None:
    labels = np.repeat([0, 1, 2], [25, 100, 2500])
    drawn = np.concatenate(list(square_root_batches(labels, 128, 200, np.random.default_rng(0))))
    shares = np.bincount(labels[drawn]) / len(drawn)
    np.testing.assert_allclose(shares, np.array([5, 10, 50]) / 65, atol=0.015)
    assert len(np.unique(drawn)) > 2500
