"""Logistic regression that counts each class alike, however many rows it has, its penalty chosen so as well."""

from __future__ import annotations

from itertools import product

import numpy as np

from classwright_tools.learning.head import CANDIDATES, CHOOSING_ROWS, REGULARISATION, Head, fit_head
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.setup import Progress, Setup
from classwright_tools.learning.side_by_side import side_by_side
from classwright_tools.learning.splits import grouped_folds, sampled_places

LEAST_OF_LABEL = 50  # of the rows to choose by, where a label has so many
TEMPERATURES = np.geomspace(0.1, 30, 25)


def adjusted(head: Head, labels: np.ndarray) -> Head:
    """Return `head` with the logarithms of the labels' shares of the rows taken from its biases.

    `labels` (n,) are the rows' that it was fitted on. The answer is then the label that would be likeliest if all were
    equally frequent (Menon et al. 2021, "Long-tail learning via logit adjustment", eq. 9 with tau = 1).
    """
    counts = np.bincount(labels, minlength=len(head.biases))
    biases = head.biases.copy()
    biases[counts > 0] -= np.log(counts[counts > 0] / len(labels)).astype(np.float32)
    return Head(weights=head.weights, biases=biases)


def adjusted_as_asked(head: Head, rows: Rows, setup: Setup) -> Head:
    """Return `head`, which was fitted on `rows`: `adjusted` where the setup asks for logit adjustment."""
    return adjusted(head, rows.labels) if setup.imbalance == "logit_adjustment" else head


def fit_adjusted(embeddings: np.ndarray, rows: Rows, setup: Setup, progress: Progress) -> Head:
    """Return the logistic regression with logit adjustment, its penalty chosen over grouped folds of the rows.

    The choice is by the balanced log-loss of the rows held out: their balanced error jumps with every row of a label
    that has few, and a penalty chosen by it is half chance. Where none can be held out it is `REGULARISATION`.
    """
    places = sampled_places(rows.labels, CHOOSING_ROWS, LEAST_OF_LABEL, setup.seed)
    sample, vectors = rows.take(places), embeddings[places]
    folds = grouped_folds(sample, setup.seed)
    if not folds:
        return _fit(embeddings, rows.labels, setup.k, REGULARISATION)

    def answered(c: float, fold: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        train, held_out = fold
        return _fit(vectors[train], sample.labels[train], setup.k, c).logits(vectors[held_out])

    def tell(done: float) -> None:
        progress(done, "choosing the penalty of the logistic regression")

    held = np.concatenate([held_out for _, held_out in folds])
    logits = side_by_side(lambda one: answered(*one), list(product(CANDIDATES, folds)), tell)
    of_each = [logits[first : first + len(folds)] for first in range(0, len(logits), len(folds))]
    losses = [balanced_log_loss(sample.labels[held], np.concatenate(own)) for own in of_each]
    return _fit(embeddings, rows.labels, setup.k, CANDIDATES[int(np.argmin(losses))])


def balanced_log_loss(labels: np.ndarray, logits: np.ndarray) -> float:
    """Return the mean over the classes in `labels` (n,) of their rows' mean log-loss by `logits` (n, k).

    It is that at the temperature, of `TEMPERATURES`, at which it is least: how sure a model is can be mended later.
    """
    from scipy.special import log_softmax

    rows = np.bincount(labels)
    weights = 1 / (rows[labels] * (rows > 0).sum())
    own = (np.arange(len(labels)), labels)
    return min(float(-(weights * log_softmax(logits / one, axis=1)[own]).sum()) for one in TEMPERATURES)


def at_unit_spread(head: Head, embeddings: np.ndarray, labels: np.ndarray) -> Head:
    """Return `head` scaled so that its logits of the rows are 1 from their row's mean in the root of the mean square.

    Only the labels that have rows count. `labels` (n,) are those of the `embeddings` (n, d).
    """
    logits = head.logits(embeddings)[:, np.unique(labels)]
    spread = float(np.std(logits - logits.mean(axis=1, keepdims=True)))
    return Head(weights=head.weights / spread, biases=head.biases / spread)


def _fit(embeddings: np.ndarray, labels: np.ndarray, k: int, c: float) -> Head:
    return adjusted(fit_head(embeddings, labels, k, c=c), labels)
