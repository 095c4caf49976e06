"""The whitened space: nothing is lost in it that a code holds, and few rows still make one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.covariance import ledoit_wolf

from classwright_tools.augmentation.base_classes import base_classes, domain_shift, same_names
from classwright_tools.augmentation.space import WhitenedSpace, fit_space, unit_length
from support.augmentation import DIMENSIONS, clouds


def test_codes_of_the_rows_have_mean_zero_and_unit_deviation() -> None:
    rows, _ = clouds(2_000, seed=0)
    codes = fit_space(rows, components=20).encode(rows)
    assert codes.shape == (4_000, 20)
    np.testing.assert_allclose(codes.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(codes.std(axis=0), 1, atol=0.02)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1_000), scale=st.floats(-0.3, 0.3))
def test_decoding_undoes_encoding_and_the_shift(seed: int, scale: float) -> None:
    rows, _ = clouds(50, seed=seed)
    space = fit_space(rows, components=DIMENSIONS)
    shift = np.full(DIMENSIONS, scale, np.float32)
    back = space.decode(space.encode(rows, shift), np.random.default_rng(0), shift)
    np.testing.assert_allclose(back, rows, atol=1e-4)


def test_four_rows_make_a_space_in_which_every_direction_has_a_deviation() -> None:
    rows, _ = clouds(2, seed=0)
    space = fit_space(rows)
    assert (space.deviations > 1e-3).all()
    assert np.isfinite(space.encode(rows)).all()


@pytest.mark.parametrize("rows", [2, 50])  # fewer than dimensions, and more
def test_axes_and_deviations_are_those_of_the_shrunk_covariance(rows: int) -> None:
    embeddings, _ = clouds(rows, seed=0)
    space = fit_space(embeddings)
    covariance, _ = ledoit_wolf(embeddings - embeddings.mean(axis=0), assume_centered=True)
    np.testing.assert_allclose(space.axes.T * space.deviations**2 @ space.axes, covariance, atol=1e-6)
    assert (np.diff(space.deviations) <= 0).all()


def test_decoded_rows_have_the_spread_that_codes_leave_out() -> None:
    rows, _ = clouds(500, seed=0)
    space = fit_space(rows, components=4)
    made = space.decode(space.encode(rows), np.random.default_rng(0))
    assert made.std(axis=0).mean() == pytest.approx(rows.std(axis=0).mean(), rel=0.1)


def test_a_space_reads_back_from_its_numbers() -> None:
    rows, _ = clouds(50, seed=0)
    space = fit_space(rows, components=5)
    again = WhitenedSpace.from_tensors(space.tensors())
    assert (again.encode(rows) == space.encode(rows)).all()


def test_the_shift_between_domains_does_not_depend_on_the_shares_of_the_labels() -> None:
    rows, labels = clouds(3_000, seed=0)
    base = base_classes(rows, labels, ("no", "yes"))
    other, other_labels = clouds(3_000, seed=1, shift=2.0)
    uneven = np.concatenate([np.arange(300), np.arange(3_000, 6_000)])
    even = domain_shift(base, (0, 1), other, other_labels)
    np.testing.assert_allclose(domain_shift(base, (0, 1), other[uneven], other_labels[uneven]), even, atol=0.03)
    assert even[0] > 0.1


def test_labels_match_by_name_whatever_their_case() -> None:
    assert same_names(("Positive", "neutral"), ("negative", "positive")) == (1, None)


def test_unit_length_leaves_a_row_of_zeros_finite() -> None:
    assert np.isfinite(unit_length(np.zeros((1, 3)))).all()
