"""Faithfulness: what is real scores as real, what collapsed is seen, and what is copied is counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classwright_tools.augmentation import guards
from classwright_tools.augmentation.faithfulness import (
    faithfulness,
    mean_cosine,
    neighbourhoods,
    real_reference,
    vendi_score,
)
from classwright_tools.augmentation.space import unit_length
from support.augmentation import clouds, one_hot


def test_fresh_rows_of_the_same_cloud_are_as_good_as_real_ones() -> None:
    real, _ = clouds(300, seed=0)
    found, reference = faithfulness(clouds(300, seed=1)[0], real, 0), real_reference(real, 0)
    for name in ("precision", "recall", "coverage"):
        assert getattr(found.neighbourhoods, name) == pytest.approx(getattr(reference, name), abs=0.08)
    assert found.vendi_ratio == pytest.approx(1, abs=0.05)
    assert found.copies == 0
    assert guards.mode_collapse(found, reference.recall) is None
    assert guards.copies(found) is None


def test_rows_collapsed_onto_a_point_near_the_mean_have_density_but_no_recall_and_are_told() -> None:
    real, _ = clouds(300, seed=0)
    noise = 0.001 * np.random.default_rng(0).standard_normal(real.shape)
    found = faithfulness(unit_length(real.mean(axis=0) + noise), real, 0)
    assert found.neighbourhoods.density > 1
    assert found.neighbourhoods.recall < 0.05
    assert found.vendi_ratio < 0.3
    told = guards.mode_collapse(found, 0.9)
    assert told is not None
    assert told.startswith("Mode collapse")


def test_copies_of_real_rows_are_told() -> None:
    real, _ = clouds(100, seed=0)
    found = faithfulness(real, real, 0)
    assert found.copies == 1
    assert found.nearest == pytest.approx(1, abs=1e-5)
    assert "100.0% of the generated rows" in str(guards.copies(found))


def test_a_label_that_generated_rows_do_not_mean_is_named() -> None:
    wanted = one_hot((50, 50))
    assert guards.label_collapse(wanted, wanted, ("no", "yes")) is None
    assert guards.label_collapse(one_hot((90, 10)), wanted, ("no", "yes")) == (
        "Label collapse: generated rows hardly mean 'yes' (10% of the rows instead of 50%)."
    )


@settings(max_examples=30, deadline=None)
@given(n=st.integers(2, 40), seed=st.integers(0, 1_000))
def test_figures_stay_within_their_ranges(n: int, seed: int) -> None:
    ours, theirs = clouds(n, seed)[0], clouds(n, seed + 1)[0]
    found = neighbourhoods(ours, theirs)
    assert all(0 <= value <= 1 for value in (found.precision, found.recall, found.coverage))
    assert 1 <= vendi_score(ours) <= len(ours) + 1e-6
    assert -1 <= mean_cosine(ours) <= 1


def test_the_vendi_score_counts_different_rows() -> None:
    assert vendi_score(np.repeat(np.eye(4), 5, axis=0)) == pytest.approx(4)
    assert mean_cosine(np.eye(4)) == pytest.approx(0)
