"""The gate "other label more likely": it finds wrong labels and leaves right ones alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from classwright_tools.curation.label_check import unlikely_labels

LABELS = ("a", "b", "c", "d")
ROWS = 240


def clouds(noise: float, seed: int = 0) -> tuple[NDArray[np.float32], list[str], list[str]]:
    """Return unit vectors around one direction a label, their labels, and groups of two."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(len(LABELS), 32))
    numbers = np.arange(ROWS) // 2 % len(LABELS)
    points = centres[numbers] + noise * rng.normal(size=(ROWS, 32))
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    return unit.astype(np.float32), [LABELS[n] for n in numbers], [str(row // 2) for row in range(ROWS)]


def with_wrong_labels(right: list[str]) -> tuple[list[str], set[int]]:
    """Return the labels with one in twenty wrong, and which rows these are."""
    rng = np.random.default_rng(1)
    wrong = {int(row) for row in rng.choice(ROWS, ROWS // 20, replace=False)}
    others = {label: [other for other in LABELS if other != label] for label in LABELS}
    return [others[label][rng.integers(3)] if row in wrong else label for row, label in enumerate(right)], wrong


def test_right_labels_are_left_alone() -> None:
    embeddings, labels, groups = clouds(noise=0.6)

    assert unlikely_labels(embeddings, labels, [None] * ROWS, groups) == []


def test_right_labels_of_texts_between_two_classes_are_left_alone() -> None:
    embeddings, labels, groups = clouds(noise=1.5)

    assert len(unlikely_labels(embeddings, labels, [None] * ROWS, groups)) <= ROWS // 100


def test_wrong_labels_are_found_and_the_right_one_is_named() -> None:
    embeddings, right, groups = clouds(noise=0.6)
    labels, wrong = with_wrong_labels(right)

    found = unlikely_labels(embeddings, labels, [None] * ROWS, groups)

    assert {doubt.row for doubt in found} <= wrong
    assert len(found) >= len(wrong) // 2
    assert all(doubt.other == right[doubt.row] for doubt in found)
    assert found[0].refused().reason == "other label more likely"


def test_the_label_that_a_text_was_written_to_resemble_does_not_count_against_it() -> None:
    embeddings, right, groups = clouds(noise=0.6)
    labels, wrong = with_wrong_labels(right)
    contrasts = [right[row] if row in wrong else None for row in range(ROWS)]

    assert unlikely_labels(embeddings, labels, contrasts, groups) == []


def test_nothing_is_refused_where_the_embeddings_cannot_tell_the_labels_apart() -> None:
    embeddings, labels, groups = clouds(noise=20.0)

    assert unlikely_labels(embeddings, labels, [None] * ROWS, groups) == []


def test_nothing_is_refused_where_a_label_has_too_few_groups_or_is_alone() -> None:
    embeddings, labels, _ = clouds(noise=0.6)

    assert unlikely_labels(embeddings, labels, [None] * ROWS, [str(row % 3) for row in range(ROWS)]) == []
    assert unlikely_labels(embeddings[:10], ["a"] * 10, [None] * 10, [str(row) for row in range(10)]) == []
