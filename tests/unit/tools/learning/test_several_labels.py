"""Training where rows have several labels: each is calibrated and has a threshold of its own."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from classwright_tools.learning.head import Head, fit_one_vs_rest
from classwright_tools.learning.label_space import LabelSpace, certainty, encode, sigmoid
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.several_labels.calibration import LEAST_POSITIVE, f1_thresholds, fit_scaling
from classwright_tools.learning.splits import grouped_folds


def drawn(n: int, shares: tuple[float, ...], slope: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return logits (n, k) that are `slope` times those by which the labels (n, k) were drawn."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(np.log(shares) - np.log1p(np.negative(shares)), 2.0, (n, len(shares)))
    return slope * logits, rng.random(logits.shape) < sigmoid(logits)


def test_scaling_undoes_what_makes_a_model_too_sure() -> None:
    logits, true = drawn(20_000, (0.3, 0.1), slope=3.0)

    scaling = fit_scaling(logits, true)

    assert scaling.slopes == pytest.approx([1 / 3, 1 / 3], rel=0.1)
    assert scaling.offsets == pytest.approx([0, 0], abs=0.1)
    head = Head(weights=np.eye(2, dtype=np.float32), biases=np.zeros(2, np.float32))
    assert scaling.scaled(head).logits(logits.astype(np.float32)) == pytest.approx(
        logits * scaling.slopes + scaling.offsets, abs=1e-3
    )


def test_a_label_with_few_rows_is_calibrated_like_all_together() -> None:
    logits, true = drawn(2_000, (0.3, 0.2, 0.2), slope=2.0)
    true[:, 2] = False
    true[: LEAST_POSITIVE - 1, 2] = True

    scaling = fit_scaling(logits, true)
    together = fit_scaling(logits.reshape(-1, 1), true.reshape(-1, 1))

    assert scaling.slopes[2] == pytest.approx(together.slopes[0])
    assert scaling.slopes[0] != scaling.slopes[2]


def test_a_label_that_logits_lean_against_is_as_probable_as_it_is_frequent() -> None:
    true = np.repeat([[True], [False]], (15, 285), axis=0)
    logits = np.where(true, -1.0, 0.0) + np.random.default_rng(0).normal(-3, 1, true.shape)

    proba = fit_scaling(logits, true).probabilities(logits)

    assert proba == pytest.approx(np.full(true.shape, 0.05), abs=0.005)


@pytest.mark.parametrize("share", [0.5, 0.1, 0.02])
def test_thresholds_reach_about_the_best_f1_there_is_on_other_rows(share: float) -> None:
    logits, _ = drawn(4_000, (share,), slope=1.0)
    others, true = drawn(40_000, (share,), slope=1.0, seed=1)
    proba = sigmoid(others)[:, 0]

    threshold = f1_thresholds(sigmoid(logits))[0]

    best = max(f1_score(true[:, 0], proba >= at) for at in np.linspace(0.02, 0.9, 45))
    assert f1_score(true[:, 0], proba >= threshold) > best - 0.01


def test_a_label_that_is_not_told_apart_is_given_to_no_more_rows_than_are_expected_to_have_it() -> None:
    """By expected F1 alone it would be given to every row."""
    alike = np.full((1_000, 1), 0.03)
    nearly = np.random.default_rng(0).normal(0.03, 0.001, (1_000, 1))

    assert (alike >= f1_thresholds(alike)).sum() == 0
    assert 0 < (nearly >= f1_thresholds(nearly)).sum() <= 30
    assert (np.float32(alike) >= np.float32(f1_thresholds(alike))).sum() == 0


def test_rows_may_have_all_labels_or_none() -> None:
    space = LabelSpace(("a", "b", "c"), (0.5, 0.2, 0.9))
    decided = space.decide(np.array([[0.6, 0.3, 0.95], [0.1, 0.1, 0.1], [0.5, 0.1, 0.8]]))

    assert [space.named(row) for row in decided] == [("a", "b", "c"), (), ("a",)]
    assert certainty(np.array([[0.6, 0.3]]), np.array([[True, False]])) == pytest.approx([0.42])
    assert (encode([("a",), (), ("c", "b")], space.labels) == [[1, 0, 0], [0, 0, 0], [0, 1, 1]]).all()


def test_a_label_that_no_row_has_is_never_given_and_one_that_all_have_always() -> None:
    embeddings = np.random.default_rng(0).normal(size=(12, 4))
    labels = np.stack([np.zeros(12, bool), np.ones(12, bool), np.arange(12) % 2 == 0], axis=1)

    proba = sigmoid(fit_one_vs_rest(embeddings, labels).logits(embeddings))

    assert proba[:, 0].max() < 1e-9
    assert proba[:, 1].min() > 1 - 1e-9


def test_folds_hold_out_each_row_once_and_groups_whole() -> None:
    rng = np.random.default_rng(0)
    labels, groups = rng.random((200, 4)) < (0.4, 0.3, 0.05, 0.02), np.arange(200) // 2
    rows = Rows(texts=tuple(map(str, range(200))), labels=labels, groups=groups, origin="real")

    folds = grouped_folds(rows, seed=0)

    assert sorted(np.concatenate([held for _, held in folds]).tolist()) == list(range(200))
    assert all(not set(groups[train]) & set(groups[held]) for train, held in folds)
