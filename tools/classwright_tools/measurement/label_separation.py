"""Separation of labels by an encoder: where the first rows of each lie together, further rows help little."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from classwright_tools.context import AUTO_ENCODER
from classwright_tools.domain.figures import Estimate
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.setup import Setup

FIRST_ROWS = 16  # of each label: with eight the warning was right in 23 of 32 cases, with these in 20 of 23
LEAST_SEPARATION = 0.25
TOGETHER, TRY = "Labels lie together", "; try "
GOOD_ENOUGH = 0.5  # of a trained model: it has found what the frozen embeddings hide


def separation_remark(setup: Setup, rows: Rows, balanced_accuracy: Estimate, tried: Collection[str]) -> str:
    """Return the sentence on labels that the frozen encoder of `setup` hardly parts; nothing where it does.

    Nothing is said either where a label has too few rows, or the model that was trained answers well all the same, as
    its `balanced_accuracy` shows. What was `tried` on such rows, of `AUTO_ENCODER` and methods, is not advised.
    `docs/decisions/label-separation.md` says how often the warning is right.
    """
    if above_guessing(balanced_accuracy.value, setup.k) >= GOOD_ENOUGH:
        return ""
    order = np.random.default_rng(setup.seed).permutation(len(rows))
    first = [order[rows.labels[order] == label][:FIRST_ROWS] for label in range(setup.k)]
    if min(map(len, first)) < FIRST_ROWS:
        return ""
    sample = rows.take(np.concatenate(first))
    right = placed_rightly(setup.embed(sample.texts), sample.labels)
    if above_guessing(right, setup.k) >= LEAST_SEPARATION:
        return ""
    advised = {AUTO_ENCODER: f"encoder={AUTO_ENCODER!r}", "contrastive": "method='contrastive'"}
    left = [words for one, words in advised.items() if one not in tried and not (setup.pairs and one == "contrastive")]
    return (
        f"{TOGETHER} in the encoder {Path(setup.encoder.ref.name).name!r}: of {FIRST_ROWS} rows of each, "
        f"{right:.0%} lie nearest to their own label, and {1 / setup.k:.0%} would by chance. Expect little of more "
        f"rows{TRY if left else ''}{' or '.join(left)}."
    )


def placed_rightly(embeddings: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of rows, each label counted alike, that lie nearest to the mean of their own label's others.

    `embeddings` (n, d) are of unit length, `labels` (n,) are numbers from 0 on, each with two rows or more; near is
    the cosine. A row does not count in the mean that it is compared with.
    """
    sums = np.zeros((int(labels.max()) + 1, embeddings.shape[1]))
    np.add.at(sums, labels, embeddings)
    cosines = embeddings @ (sums / np.linalg.norm(sums, axis=1, keepdims=True)).T
    others = sums[labels] - embeddings
    places = np.arange(len(labels))
    cosines[places, labels] = (embeddings * others).sum(axis=1) / np.linalg.norm(others, axis=1)
    right = cosines.argmax(axis=1) == labels
    return float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def above_guessing(share: float, k: int) -> float:
    """Return how far a `share` of right answers lies on the way from guessing one of `k` labels (0) to all (1)."""
    return (share - 1 / k) / (1 - 1 / k)
