"""Heads that count classes alike: their formulas, and how the penalty is chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from classwright_tools.errors import NotEnoughData
from classwright_tools.learning.head import fit_head
from classwright_tools.learning.imbalance.balanced_heads import adjusted, balanced_log_loss, fit_adjusted
from classwright_tools.learning.imbalance.cluster import fit_cluster
from support.imbalance import rows_of, setup_of


def uneven(sizes: tuple[int, ...], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return points around a centre a class, and their classes."""
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    centres = np.random.default_rng(7).normal(size=(len(sizes), 8))
    return (centres[labels] + 1.5 * generator.normal(size=(len(labels), 8))).astype(np.float32), labels


def test_the_adjusted_head_finds_more_of_a_rare_class_than_a_plain_head(tmp_path: Path) -> None:
    points, labels = uneven((10, 300))
    fresh, true = uneven((200, 200), seed=1)
    head = fit_adjusted(points, rows_of(labels), setup_of(2, tmp_path), lambda *_: None)
    plain = fit_head(points, labels, 2).logits(fresh).argmax(axis=1)
    found = head.logits(fresh).argmax(axis=1)
    assert balanced_accuracy_score(true, found) > balanced_accuracy_score(true, plain) + 0.05


def test_a_label_without_rows_keeps_its_bias() -> None:
    points, labels = uneven((20, 40))
    head = fit_head(points, labels * 2, 3)
    assert adjusted(head, labels * 2).biases[1] == head.biases[1]


def test_the_penalty_is_heavy_on_noise_and_light_on_clean_rows(tmp_path: Path) -> None:
    points, labels = uneven((40, 120))
    noise = np.random.default_rng(3).normal(size=(160, 60)).astype(np.float32)
    for inputs, c in ((0.03 * points, 30.0), (0.1 * np.concatenate([points, noise], axis=1), 1.0)):
        head = fit_adjusted(inputs, rows_of(labels), setup_of(2, tmp_path), lambda *_: None)
        assert (head.weights == fit_head(inputs, labels, 2, c=c).weights).all()


def test_the_balanced_log_loss_counts_labels_alike_and_does_not_depend_on_how_sure_the_logits_are() -> None:
    labels = np.array([0, 0, 0, 2])
    logits = np.array([[2.0, 0, 0], [2.0, 0, 0], [0, 0, 1.0], [0, 0, 2.0]])
    loss = balanced_log_loss(labels, logits)
    twice = balanced_log_loss(np.append(labels, labels[:3]), np.concatenate([logits, logits[:3]]))
    assert twice == pytest.approx(loss)
    assert balanced_log_loss(labels, 3 * logits) == pytest.approx(loss, rel=0.01)
    assert balanced_log_loss(labels, 0 * logits) == pytest.approx(np.log(3))


def test_rows_of_one_label_are_refused_by_the_cluster_method(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughData, match="all of one label"):
        fit_cluster(rows_of(np.zeros(5, np.int64)), setup_of(2, tmp_path))
