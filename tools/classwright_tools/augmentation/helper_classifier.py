"""The helper classifier: logistic regression on real rows only, which the generator has to agree with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax

from classwright_tools.learning.head import fit_head, logistic_regression

PENALTY = 1.0  # scikit-learn's C; with 10 to 100 rows a class it is up to 1.6 points better than 10
MOST_ROWS = 20_000  # more make it no better and only slower


@dataclass(frozen=True)
class HelperClassifier:
    """Weights (K, r) and biases (K,) over codes; `exclusive` where a row has exactly one label."""

    weights: Tensor
    biases: Tensor
    exclusive: bool

    def on(self, device: torch.device) -> HelperClassifier:
        """Return it on `device`."""
        return HelperClassifier(self.weights.to(device), self.biases.to(device), self.exclusive)

    def disagreement(self, codes: Tensor, labels: Tensor) -> Tensor:
        """Return the mean cross-entropy, in nats, of `labels` (n, K) under the classifier's view of `codes` (n, r)."""
        logits = codes @ self.weights.T + self.biases
        if self.exclusive:
            return -(labels * log_softmax(logits, dim=1)).sum(dim=1).mean()
        return binary_cross_entropy_with_logits(logits, labels, reduction="none").sum(dim=1).mean()

    def labels_of(self, codes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the label vectors (n, K) that the classifier gives to `codes` (n, r)."""
        logits = codes @ self.weights.numpy().T + self.biases.numpy()
        if self.exclusive:
            return np.asarray(np.eye(len(self.biases))[logits.argmax(axis=1)], np.float32)
        return np.asarray(logits > 0, np.float32)


def fit_helper(
    codes: npt.NDArray[np.float32], labels: npt.NDArray[np.float32], row_weights: npt.NDArray[np.floating] | None = None
) -> HelperClassifier:
    """Return the classifier of `codes` (n, r) with label vectors (n, K): one softmax, or a sigmoid a label.

    `row_weights` (n,) say how much each row counts; all alike by default.
    """
    places = np.random.default_rng(0).permutation(len(codes))[:MOST_ROWS]
    codes, labels = codes[places], labels[places]
    row_weights = None if row_weights is None else row_weights[places]
    exclusive = is_exclusive(labels)
    if exclusive:
        head = fit_head(codes, labels.argmax(axis=1), labels.shape[1], c=PENALTY, row_weights=row_weights)
        weights, biases = head.weights, head.biases
    else:
        weights, biases = _one_against_rest(codes, labels, row_weights)
    return HelperClassifier(torch.from_numpy(weights), torch.from_numpy(biases), exclusive)


def is_exclusive(labels: npt.NDArray[np.float32]) -> bool:
    """Whether every label vector (n, K) names exactly one label."""
    return bool((labels.sum(axis=1) == 1).all())


def _one_against_rest(
    codes: npt.NDArray[np.float32],
    labels: npt.NDArray[np.float32],
    row_weights: npt.NDArray[np.floating] | None,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    weights = np.zeros((labels.shape[1], codes.shape[1]), np.float32)
    biases = np.zeros(labels.shape[1], np.float32)
    for place, column in enumerate(labels.T):
        if 0 < column.sum() < len(column):  # a label that all or no rows have cannot be told from the codes
            model = logistic_regression(PENALTY, balanced=False).fit(codes.astype(np.float64), column, row_weights)
            weights[place], biases[place] = model.coef_[0], model.intercept_[0]
    return weights, biases
