"""Linear classifiers that count each class alike, however many rows it has, and a blend of the best of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from classwright_tools.learning.head import ABSENT, Head, fit_head
from classwright_tools.learning.method import Setup
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.splits import grouped_folds

BLENDED = 3  # one alone is chosen half by chance where a class has few rows; an average of three is not
CHOOSING_ROWS = 3_000  # rows enough to choose by
LEAST_CHOOSING_ROWS = 50  # of each label that has so many

FitHead = Callable[[np.ndarray, np.ndarray, int], Head]
"""From embeddings (n, d), their labels (n,) and the number of labels."""


def adjusted(head: Head, labels: np.ndarray) -> Head:
    """Return `head` with the logarithms of the labels' shares of the rows taken from its biases.

    `labels` (n,) are the rows' that it was fitted on. The answer is then the label that would be likeliest if all were
    equally frequent (Menon et al. 2021, "Long-tail learning via logit adjustment", eq. 9 with tau = 1).
    """
    counts = np.bincount(labels, minlength=len(head.biases))
    biases = head.biases.copy()
    biases[counts > 0] -= np.log(counts[counts > 0] / len(labels)).astype(np.float32)
    return Head(weights=head.weights, biases=biases)


def _weighted(c: float, embeddings: np.ndarray, labels: np.ndarray, k: int) -> Head:
    return fit_head(embeddings, labels, k, c=c, balanced=True)


def _adjusted(c: float, embeddings: np.ndarray, labels: np.ndarray, k: int) -> Head:
    return adjusted(fit_head(embeddings, labels, k, c=c), labels)


def discriminant(embeddings: np.ndarray, labels: np.ndarray, k: int) -> Head:
    """Return the linear discriminant analysis with equal priors and a shrunk covariance (Ledoit and Wolf 2004)."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from threadpoolctl import threadpool_limits

    present = np.unique(labels)
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=np.full(len(present), 1 / len(present)))
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Only one sample")  # a class with one row in a fold is no mistake here
        model.fit(embeddings.astype(np.float64), labels)
    weights, biases = np.zeros((k, embeddings.shape[1]), np.float32), np.full(k, ABSENT, np.float32)
    if len(present) == 2:  # scikit-learn keeps one score for two classes
        weights[present] = np.outer([-0.5, 0.5], model.coef_[0])
        biases[present] = np.array([-0.5, 0.5]) * model.intercept_[0]
    else:
        weights[present], biases[present] = model.coef_, model.intercept_
    return Head(weights=weights, biases=biases)


CANDIDATES: dict[str, FitHead] = {
    **{f"class weights, C={c:g}": partial(_weighted, c) for c in (1.0, 3.0, 10.0, 30.0)},
    **{f"logit adjustment, C={c:g}": partial(_adjusted, c) for c in (3.0, 10.0, 30.0)},
    "discriminant analysis": discriminant,
}


@dataclass(frozen=True)
class Blend:
    """A head, and the names of the candidates that it is the average of."""

    head: Head
    names: tuple[str, ...]


def fit_blend(embeddings: np.ndarray, rows: Rows, setup: Setup) -> Blend:
    """Return the average of the `BLENDED` candidates with the least balanced error over grouped folds of the rows.

    Each is scaled so that its logits of the rows have the same spread. A blend of linear classifiers is one itself.
    """
    names = _best(embeddings, rows, setup)
    heads = [CANDIDATES[name](embeddings, rows.labels, setup.k) for name in names]
    spreads = [_spread(head, embeddings, rows.labels) for head in heads]
    head = Head(
        weights=np.mean([one.weights / spread for one, spread in zip(heads, spreads, strict=True)], axis=0),
        biases=np.mean([one.biases / spread for one, spread in zip(heads, spreads, strict=True)], axis=0),
    )
    return Blend(head=head, names=names)


def balanced_error(labels: np.ndarray, predicted: np.ndarray) -> float:
    """Return the mean over the classes in `labels` (n,) of the share of their rows that `predicted` (n,) gets wrong."""
    rows = np.bincount(labels)
    wrong = np.bincount(labels[labels != predicted], minlength=len(rows))
    return float((wrong[rows > 0] / rows[rows > 0]).mean())


def _best(embeddings: np.ndarray, rows: Rows, setup: Setup) -> tuple[str, ...]:
    """Return the names of the best candidates, the best first; of equals the first."""
    places = _choosing_places(rows.labels, setup.seed)
    sample, vectors = rows.take(places), embeddings[places]
    folds = grouped_folds(sample, setup.seed)
    held = np.concatenate([held_out for _, held_out in folds])
    errors: dict[str, float] = {}
    for number, (name, fit) in enumerate(CANDIDATES.items()):
        predicted = []
        for fold, (train, held_out) in enumerate(folds):
            done = (number + fold / len(folds)) / len(CANDIDATES)
            setup.progress(done, "choosing what helps against the imbalance, by the penalty and by folds")
            head = fit(vectors[train], sample.labels[train], setup.k)
            predicted.append(head.logits(vectors[held_out]).argmax(axis=1))
        errors[name] = balanced_error(sample.labels[held], np.concatenate(predicted))
    return tuple(sorted(errors, key=lambda name: errors[name])[:BLENDED])


def _choosing_places(labels: np.ndarray, seed: int) -> np.ndarray:
    """Return the places of `CHOOSING_ROWS` rows drawn at random, and of more of the labels with few among them."""
    order = np.random.default_rng(seed).permutation(len(labels))
    few = [order[labels[order] == label][:LEAST_CHOOSING_ROWS] for label in np.unique(labels)]
    return np.unique(np.concatenate([order[:CHOOSING_ROWS], *few]))


def _spread(head: Head, embeddings: np.ndarray, labels: np.ndarray) -> float:
    """Return the standard deviation of the logits around their mean a row, over the labels that have rows."""
    logits = head.logits(embeddings)[:, np.unique(labels)]
    return float(np.std(logits - logits.mean(axis=1, keepdims=True)))
