"""The classifier on top of the embeddings: multinomial logistic regression, kept as plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import load_file

from classwright_tools.learning.arrays import save_arrays

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import ThreadpoolController

REGULARISATION = 10.0  # scikit-learn's C where there are too few rows to choose one
CANDIDATES = (1.0, 3.0, 10.0, 30.0)  # of it, where it is chosen
CHOOSING_ROWS = 3_000  # rows enough to choose one number by; it keeps the choice to seconds with many rows
ITERATIONS = 1000
# A class without training rows, which happens only in a fold, gets a bias that makes it all but impossible.
ABSENT = -30.0


@dataclass(frozen=True)
class Head:
    """Weights (k, d) and biases (k,) of k labels over embeddings of d dimensions; float32."""

    weights: np.ndarray
    biases: np.ndarray

    def logits(self, embeddings: np.ndarray) -> np.ndarray:
        """Return the logits (n, k), float64, of embeddings (n, d)."""
        scores: np.ndarray = embeddings.astype(np.float64) @ self.weights.T.astype(np.float64) + self.biases
        return scores

    def calibrated(self, temperature: float, offsets: Sequence[float]) -> Head:
        """Return the head whose logits are these divided by `temperature`, plus the `offsets` (k,) if there are any."""
        biases = self.biases / temperature
        return Head(
            weights=(self.weights / temperature).astype(np.float32),
            biases=(biases + np.asarray(offsets) if offsets else biases).astype(np.float32),
        )

    def save(self, path: Path) -> None:
        """Write the head as safetensors."""
        save_arrays({"weights": self.weights, "biases": self.biases}, path)

    @staticmethod
    def load(path: Path) -> Head:
        """Read the head that `save` wrote; raises what safetensors raises for a file that is none."""
        tensors = load_file(path)
        return Head(weights=tensors["weights"], biases=tensors["biases"])


def fit_head(
    embeddings: np.ndarray,
    labels: np.ndarray,
    k: int,
    *,
    c: float = REGULARISATION,
    balanced: bool = False,
    row_weights: np.ndarray | None = None,
) -> Head:
    """Return the logistic regression of `labels` (n,), numbers under k, on `embeddings` (n, d).

    `c` is the inverse strength of the L2 penalty; `balanced` weighs each class by the inverse of its rows;
    `row_weights` (n,) say how many rows each row counts for, one by default.
    """
    model = logistic_regression(c, balanced=balanced)
    with _threads().limit(limits=1):  # on matrices this small, threads wait for each other thirty times longer
        model.fit(embeddings.astype(np.float64), labels, row_weights)
    return head_of(model, k)


def logistic_regression(c: float, *, balanced: bool) -> LogisticRegression:
    """Return scikit-learn's multinomial logistic regression, not yet fitted."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=c, max_iter=ITERATIONS, class_weight="balanced" if balanced else None)


def fit_one_vs_rest(
    embeddings: np.ndarray, labels: np.ndarray, *, c: float = REGULARISATION, balanced: bool = False
) -> Head:
    """Return a logistic regression a label of `labels` (n, k), bool, each for itself, on `embeddings` (n, d).

    `c` and `balanced` are those of `fit_head`. A label that all rows have, or none, is given always, or never.
    """
    rows = embeddings.astype(np.float64)
    weights = np.zeros((labels.shape[1], rows.shape[1]), np.float32)
    biases = np.where(labels.all(axis=0), -ABSENT, ABSENT).astype(np.float32)
    with _threads().limit(limits=1):
        for place in np.flatnonzero(labels.any(axis=0) & ~labels.all(axis=0)):
            model = logistic_regression(c, balanced=balanced).fit(rows, labels[:, place])
            weights[place], biases[place] = model.coef_[0], model.intercept_[0]
    return Head(weights=weights, biases=biases)


@cache
def _threads() -> ThreadpoolController:
    """Return what limits the threads of the libraries that fit: to look for these takes half as long as a small fit."""
    import sklearn.linear_model  # noqa: F401  # which loads them
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def head_of(model: LogisticRegression, k: int) -> Head:
    """Return the numbers of a fitted logistic regression whose classes are numbers under k."""
    weights = np.zeros((k, model.coef_.shape[1]), np.float32)
    biases = np.full(k, ABSENT, np.float32)
    if len(model.classes_) == 2:  # scikit-learn keeps one score z for two classes; a softmax over -z/2 and z/2 is its
        first, second = model.classes_
        weights[first], weights[second] = -model.coef_[0] / 2, model.coef_[0] / 2
        biases[first], biases[second] = -model.intercept_[0] / 2, model.intercept_[0] / 2
    else:
        weights[model.classes_] = model.coef_
        biases[model.classes_] = model.intercept_
    return Head(weights=weights, biases=biases)
