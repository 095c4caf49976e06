"""Heads that count classes alike: their formulas, and that their blend is a linear head too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.errors import NotEnoughData
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.learning.head import fit_head
from classwright_tools.learning.imbalance.balanced_heads import (
    CANDIDATES,
    adjusted,
    balanced_error,
    discriminant,
    fit_blend,
)
from classwright_tools.learning.imbalance.cluster import fit_cluster
from classwright_tools.learning.method import Setup
from classwright_tools.learning.rows import Rows


def uneven(sizes: tuple[int, ...], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return points around a centre a class, and their classes."""
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    centres = np.random.default_rng(7).normal(size=(len(sizes), 8))
    return (centres[labels] + 1.5 * generator.normal(size=(len(labels), 8))).astype(np.float32), labels


def setup_of(k: int, folder: Path) -> Setup:
    return Setup(
        encoder=open_encoder(DEFAULT_ENCODER),
        cache=EmbeddingCache(folder),
        k=k,
        epochs=None,
        seed=0,
        progress=lambda *_: None,
        imbalance="auto",
    )


def rows_of(labels: np.ndarray) -> Rows:
    return Rows(tuple(map(str, range(len(labels)))), labels, np.arange(len(labels)), "real")


@pytest.mark.parametrize("sizes", [(30, 60), (20, 40, 80)])
def test_the_discriminant_gives_scikit_learns_answers_with_equal_priors(sizes: tuple[int, ...]) -> None:
    points, labels = uneven(sizes)
    k = len(sizes)
    expected = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=np.full(k, 1 / k))
    probabilities = expected.fit(points.astype(np.float64), labels).predict_proba(points)
    logits = discriminant(points, labels, k).logits(points)
    np.testing.assert_allclose(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), probabilities, atol=1e-4)


@pytest.mark.parametrize("name", CANDIDATES)
def test_every_candidate_finds_more_of_a_rare_class_than_a_plain_head(name: str) -> None:
    points, labels = uneven((10, 300))
    fresh, true = uneven((200, 200), seed=1)
    plain = balanced_error(true, fit_head(points, labels, 2).logits(fresh).argmax(axis=1))
    assert balanced_error(true, CANDIDATES[name](points, labels, 2).logits(fresh).argmax(axis=1)) < plain


def test_a_label_without_rows_keeps_its_bias() -> None:
    points, labels = uneven((20, 40))
    head = fit_head(points, labels * 2, 3)
    assert adjusted(head, labels * 2).biases[1] == head.biases[1]


def test_the_blend_is_the_mean_of_the_best_heads_at_one_spread(tmp_path: Path) -> None:
    points, labels = uneven((15, 30, 240))
    blend = fit_blend(points, rows_of(labels), setup_of(3, tmp_path))
    assert len(set(blend.names)) == 3
    expected = np.zeros((len(points), 3))
    for name in blend.names:
        logits = CANDIDATES[name](points, labels, 3).logits(points)
        expected += logits / np.std(logits - logits.mean(axis=1, keepdims=True)) / 3
    np.testing.assert_allclose(blend.head.logits(points), expected, atol=1e-4)
    fresh, true = uneven((200, 200, 200), seed=1)
    plain = fit_head(points, labels, 3).logits(fresh).argmax(axis=1)
    assert balanced_error(true, blend.head.logits(fresh).argmax(axis=1)) < balanced_error(true, plain)


def test_the_balanced_error_is_the_mean_of_the_classes_errors() -> None:
    assert balanced_error(np.array([0, 0, 0, 0, 2]), np.array([0, 0, 0, 1, 1])) == pytest.approx((0.25 + 1) / 2)


def test_rows_of_one_label_are_refused_by_the_cluster_method(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughData, match="all of one label"):
        fit_cluster(rows_of(np.zeros(5, np.int64)), setup_of(2, tmp_path))
