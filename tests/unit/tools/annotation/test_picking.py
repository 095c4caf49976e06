"""Which unlabelled rows come first: the middle of clusters, and what a model is unsure of, spread."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from classwright_tools.annotation.picking import informative, typical, uncertainties
from classwright_tools.domain.example import Example, make_example
from classwright_tools.learning.label_space import LabelSpace

DIRECTIONS = np.eye(4)
SIZES = (30, 20, 10, 5)
SPACE = LabelSpace(("a", "b"))
ROWS = [make_example(f"{direction} {number}", None) for direction, n in enumerate(SIZES) for number in range(n)]


def embed(contents: Sequence[str]) -> np.ndarray:
    """Vectors that lie around the direction which a text names; number 0 lies in its middle."""
    vectors = []
    for content in contents:
        direction, number = map(int, content.split())
        noise = np.random.default_rng(number).normal(size=4) * (0.1 if number else 0)
        vectors.append(DIRECTIONS[direction] + noise)
    return np.array(vectors)


def directions(rows: Sequence[Example]) -> list[int]:
    return [int(row.text.split()[0]) for row in rows]


def test_typical_rows_are_of_all_clusters_the_largest_first() -> None:
    assert directions(typical(ROWS, 4, embed, seed=0)) == [0, 1, 2, 3]


def test_of_equal_rows_as_many_are_taken_as_wanted() -> None:
    same = [make_example(f"0 0{'0' * number}", None) for number in range(6)]

    assert len({row.id for row in typical(same, 4, embed, seed=0)}) == 4


@pytest.mark.parametrize("unsure", [1, 2])
def test_informative_rows_are_those_with_two_likely_labels(unsure: int) -> None:
    proba = np.array([[0.5, 0.5] if of == unsure else [0.99, 0.01] for of in directions(ROWS)])

    picked = informative(ROWS, uncertainties(SPACE, proba), 1, embed, seed=0)

    assert directions(picked) == [unsure]


def test_informative_rows_are_spread_over_clusters_and_not_all_of_the_least_certain_one() -> None:
    proba = np.array([{0: [0.5, 0.5], 1: [0.6, 0.4]}.get(of, [1.0, 0.0]) for of in directions(ROWS)])

    assert set(directions(informative(ROWS, uncertainties(SPACE, proba), 4, embed, seed=0))) == {0, 1}


def test_of_several_labels_that_row_is_most_uncertain_whose_set_is_likeliest_to_be_wrong() -> None:
    space = LabelSpace(("a", "b"), (0.3, 0.5))

    unsure = uncertainties(space, np.array([[0.9, 0.1], [0.35, 0.1], [0.9, 0.5]]))

    assert unsure == pytest.approx([1 - 0.9 * 0.9, 1 - 0.35 * 0.9, 1 - 0.9 * 0.5])
