"""The agreement of persons: the figures of published examples and of scikit-learn, with an interval that holds."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from classwright_tools.domain.label_sets import joined_labels
from classwright_tools.statistics.rater_agreement import agreements

# Krippendorff 2011, "Computing Krippendorff's alpha-reliability", section C: four observers, twelve units.
OBSERVERS = {
    "a": "123321412...",
    "b": "123322412 5.3".replace(" ", ""),
    "c": ".33323422 51.".replace(" ", ""),
    "d": "123324412 51.".replace(" ", ""),
}


def test_alpha_is_that_of_krippendorffs_example() -> None:
    units = [{name: codes[unit] for name, codes in OBSERVERS.items() if codes[unit] != "."} for unit in range(12)]

    first, *pairs = agreements(units)

    assert first.names == ("a", "b", "c", "d")
    assert first.rows == 11
    assert first.beyond_chance is not None
    assert first.beyond_chance.value == pytest.approx(0.743, abs=5e-4)
    assert len(pairs) == 6


def test_kappa_is_that_of_scikit_learn_for_one_label_and_for_each_of_several() -> None:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 3, 80)
    one, other = (np.where(rng.random(80) < 0.7, true, rng.integers(0, 3, 80)) for _ in range(2))
    answers = [{"x": str(a), "y": str(b)} for a, b in zip(one, other, strict=True)]
    sets = [
        {"x": joined_labels(["p"] * bool(a)), "y": joined_labels(["p"] * bool(b))}
        for a, b in zip(one, other, strict=True)
    ]

    (single,) = agreements(answers)
    (several,) = agreements(sets, ["p", "never given"])

    assert single.beyond_chance is not None
    assert single.beyond_chance.value == pytest.approx(cohen_kappa_score(one, other))
    assert several.by_label["p"].value == pytest.approx(cohen_kappa_score(one > 0, other > 0))
    assert several.beyond_chance == several.by_label["p"]


def test_where_all_answers_are_the_same_chance_is_not_told_from_agreement() -> None:
    (found,) = agreements([{"x": "yes", "y": "yes"}] * 5)

    assert found.beyond_chance is None
    assert found.share.low < found.share.value == 1


def test_the_interval_holds_the_kappa_of_all_rows_in_about_95_of_100_samples() -> None:
    rng = np.random.default_rng(1)
    true = rng.integers(0, 4, 200_000)
    one, other = (np.where(rng.random(len(true)) < 0.8, true, rng.integers(0, 4, len(true))) for _ in range(2))
    whole = cohen_kappa_score(one, other)
    held = 0
    for _ in range(400):
        picked = rng.integers(0, len(true), 40)
        (found,) = agreements([{"x": str(one[at]), "y": str(other[at])} for at in picked])
        assert found.beyond_chance is not None
        held += found.beyond_chance.low <= whole <= found.beyond_chance.high

    assert held >= 0.92 * 400
