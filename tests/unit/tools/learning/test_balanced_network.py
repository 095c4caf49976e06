"""`imbalance="auto"`: a network that counts labels alike, averaged with a linear head into one adapter and head."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score

from classwright_tools.errors import Cancelled
from classwright_tools.learning.adapter import adapted
from classwright_tools.learning.head import fit_head
from classwright_tools.learning.imbalance.balanced_heads import fit_adjusted
from classwright_tools.learning.imbalance.balanced_network import averaged, fit_balanced, fit_network
from classwright_tools.learning.setup import PairSetup
from support.imbalance import rows_of, setup_of, silent
from support.learning import WRITTEN

TEXTS = [text for topics in WRITTEN.values() for texts in topics.values() for text in texts]


def uneven(sizes: tuple[int, ...], seed: int = 0, noise: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """Return unit-length points around a centre a class, and their classes."""
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    centres = np.random.default_rng(7).normal(size=(len(sizes), 8))
    points = centres[labels] + noise * generator.normal(size=(len(labels), 8))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32), labels


def spread(logits: np.ndarray) -> float:
    return float(np.std(logits - logits.mean(axis=1, keepdims=True)))


def test_the_network_finds_more_of_a_rare_class_than_a_plain_head(tmp_path: Path) -> None:
    points, labels = uneven((10, 300), noise=0.7)
    fresh, true = uneven((200, 200), seed=1, noise=0.7)
    network = fit_network(points, labels, setup_of(2, tmp_path), silent)
    found = network.head.logits(network.adapter.apply(fresh)).argmax(axis=1)
    plain = fit_head(points, labels, 2).logits(fresh).argmax(axis=1)
    assert balanced_accuracy_score(true, found) > balanced_accuracy_score(true, plain) + 0.05


def test_the_average_is_a_third_network_and_two_thirds_linear_head_at_one_spread(tmp_path: Path) -> None:
    points, labels = uneven((15, 30, 240))
    setup = setup_of(3, tmp_path)
    linear = fit_adjusted(points, rows_of(labels), setup, silent)
    network = fit_network(points, labels, setup, silent)
    adapter, head = averaged(linear, network, points, labels)
    outer = network.adapter.outer(points) / network.length
    learned, regressed = network.head.logits(outer), linear.logits(points)
    expected = learned / spread(learned) / 3 + 2 * regressed / spread(regressed) / 3
    lengths = np.sqrt((outer**2).sum(axis=1) + 2)  # of what is laid side by side: that, the embedding, 1
    np.testing.assert_allclose(head.logits(adapter.apply(points)) * lengths[:, None], expected, atol=1e-4)


def test_a_label_without_rows_is_never_the_answer(tmp_path: Path) -> None:
    points, labels = uneven((20, 60))
    fitted = fit_balanced(points, rows_of(labels * 2), setup_of(3, tmp_path))
    assert fitted.adapter
    assert set(fitted.head.logits(fitted.adapter.apply(points)).argmax(axis=1)) == {0, 2}


def test_sentence_transformers_gives_the_embeddings_of_the_average(tmp_path: Path) -> None:
    setup = setup_of(3, tmp_path)
    embeddings = setup.embed(TEXTS)
    fitted = fit_balanced(embeddings, rows_of(np.repeat(np.arange(3), 10)), setup)
    assert fitted.adapter
    expected = fitted.adapter.apply(embeddings)
    np.testing.assert_allclose(adapted(setup.encoder.model, fitted.adapter).encode(TEXTS), expected, atol=1e-5)


def test_pairs_have_the_linear_head_alone(tmp_path: Path) -> None:
    points, labels = uneven((20, 60))
    setup = replace(setup_of(2, tmp_path), pairs=PairSetup())
    fitted = fit_balanced(points, rows_of(labels), setup)
    assert fitted.adapter is None
    assert (fitted.head.weights == fit_adjusted(points, rows_of(labels), setup, silent).weights).all()


def test_the_same_seed_gives_the_same_numbers_and_leaves_torchs_own_alone(tmp_path: Path) -> None:
    points, labels = uneven((20, 60))
    state = torch.get_rng_state()
    one, other = (fit_balanced(points, rows_of(labels), setup_of(2, tmp_path)) for _ in range(2))
    assert (torch.get_rng_state() == state).all()
    assert (one.head.weights == other.head.weights).all()


def test_the_fit_tells_how_far_it_is_and_stops_when_asked_to(tmp_path: Path) -> None:
    points, labels = uneven((20, 60))
    told: list[float] = []

    def stop_in_the_network(done: float, message: str) -> None:
        told.append(done)
        if "step 3 of" in message:
            raise Cancelled

    with pytest.raises(Cancelled):
        fit_balanced(points, rows_of(labels), setup_of(2, tmp_path, stop_in_the_network))
    assert told == sorted(told)
    assert 0.5 < told[-1] < 0.51
