"""The helper classifier: logistic regression on real rows only, which the generator has to agree with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from classwright_tools.learning.head import fit_head

PENALTY = 1.0  # scikit-learn's C; with 10 to 100 rows a class it is up to 1.6 points better than 10
MOST_ROWS = 20_000  # more make it no better and only slower


@dataclass(frozen=True)
class HelperClassifier:
    """Weights (K, r) and biases (K,) over codes."""

    weights: Tensor
    biases: Tensor

    def on(self, device: torch.device) -> HelperClassifier:
        """Return it on `device`."""
        return HelperClassifier(self.weights.to(device), self.biases.to(device))

    def disagreement(self, codes: Tensor, labels: Tensor) -> Tensor:
        """Return the mean cross-entropy, in nats, of `labels` (n, K) under the classifier's view of `codes` (n, r)."""
        return -(labels * log_softmax(codes @ self.weights.T + self.biases, dim=1)).sum(dim=1).mean()

    def labels_of(self, codes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the one-hot labels (n, K) that the classifier gives to `codes` (n, r)."""
        logits = codes @ self.weights.numpy().T + self.biases.numpy()
        return np.asarray(np.eye(len(self.biases))[logits.argmax(axis=1)], np.float32)


def fit_helper(
    codes: npt.NDArray[np.float32], labels: npt.NDArray[np.float32], row_weights: npt.NDArray[np.floating] | None = None
) -> HelperClassifier:
    """Return the classifier of `codes` (n, r) with one-hot `labels` (n, K).

    `row_weights` (n,) say how much each row counts; all alike by default.
    """
    places = np.random.default_rng(0).permutation(len(codes))[:MOST_ROWS]
    weights = None if row_weights is None else row_weights[places]
    head = fit_head(codes[places], labels[places].argmax(axis=1), labels.shape[1], c=PENALTY, row_weights=weights)
    return HelperClassifier(torch.from_numpy(head.weights), torch.from_numpy(head.biases))
