"""Scores of how like the rows that a model learnt a text is, the more the higher, of its embedding or its logits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp
from sklearn.cluster import KMeans
from sklearn.covariance import LedoitWolf

from classwright_tools.learning.calibration import softmax
from classwright_tools.learning.head import fit_head
from classwright_tools.learning.scope import evenly_drawn

KTH = 5
CENTROIDS, ROWS_A_CENTROID = 128, 4
KEPT = 512
"""Of the training rows, where not all are: of 384 dimensions, in half precision, they are 400 kB."""


@dataclass(frozen=True)
class Known:
    """What a model learnt: the unit-length embeddings (n, d) of rows, and their labels (n,), 0 to k - 1."""

    embeddings: np.ndarray
    labels: np.ndarray

    def take(self, places: np.ndarray) -> Known:
        """Return the rows at `places`."""
        return Known(self.embeddings[places], self.labels[places])


Score = Callable[[np.ndarray], np.ndarray]
"""Takes embeddings (m, d), returns how like the known rows each is (m,)."""


def probability(known: Known) -> Score:
    """The highest probability (Hendrycks and Gimpel 2017, "A Baseline for Detecting [...] Examples")."""
    head = fit_head(known.embeddings, known.labels, int(known.labels.max()) + 1)
    return lambda asked: softmax(head.logits(asked)).max(axis=1)


def energy(known: Known) -> Score:
    """The negative free energy of the logits (Liu et al. 2020, "Energy-based Out-of-distribution Detection", eq. 4)."""
    head = fit_head(known.embeddings, known.labels, int(known.labels.max()) + 1)
    return lambda asked: np.asarray(logsumexp(head.logits(asked), axis=1))


def mahalanobis(known: Known) -> Score:
    """The distance to the nearest label by one covariance for all (Lee et al. 2018, "A Simple Unified Framework").

    The covariance is shrunk (Ledoit and Wolf 2004), for there are fewer rows than dimensions.
    """
    distances = _distances(known)
    return lambda asked: -distances(asked).min(axis=1)


def relative_mahalanobis(known: Known) -> Score:
    """The same, less the distance to all rows as one (Ren et al. 2021, "A Simple Fix to Mahalanobis Distance")."""
    distances, background = _distances(known), _distances(Known(known.embeddings, np.zeros_like(known.labels)))
    return lambda asked: background(asked)[:, 0] - distances(asked).min(axis=1)


def _distances(known: Known) -> Callable[[np.ndarray], np.ndarray]:
    vectors = known.embeddings.astype(np.float64)
    means = np.stack([vectors[known.labels == label].mean(axis=0) for label in np.unique(known.labels)])
    own = np.searchsorted(np.unique(known.labels), known.labels)
    precision = LedoitWolf(assume_centered=True).fit(vectors - means[own]).precision_
    factor = np.linalg.cholesky(precision)
    centres = means @ factor

    def distances(asked: np.ndarray) -> np.ndarray:
        places = asked.astype(np.float64) @ factor
        squares = (places**2).sum(axis=1)[:, None] - 2 * places @ centres.T + (centres**2).sum(axis=1)
        return np.asarray(squares)

    return distances


def nearest_mean(known: Known) -> Score:
    """The cosine to the nearest mean of a label."""
    means = np.stack([known.embeddings[known.labels == label].mean(axis=0) for label in np.unique(known.labels)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    return lambda asked: (asked @ means.T).max(axis=1)


def nearest_row(known: Known, k: int = 1) -> Score:
    """The cosine to the k-th nearest row (Sun et al. 2022, "OOD Detection with Deep Nearest Neighbors")."""
    k = min(k, len(known.embeddings))
    return lambda asked: -np.partition(-(asked @ known.embeddings.T), k - 1, axis=1)[:, k - 1]


def kth_row(known: Known) -> Score:
    """The cosine to the `KTH` nearest row."""
    return nearest_row(known, KTH)


def nearest_kept_row(known: Known) -> Score:
    """The cosine to the nearest of `KEPT` rows, drawn at random, as many of each label as may be."""
    return nearest_row(known.take(evenly_drawn(known.labels, KEPT, seed=0)))


def nearest_centroid(known: Known) -> Score:
    """The cosine to the nearest centroid of k-means, one in `ROWS_A_CENTROID` rows, `CENTROIDS` at most."""
    count = max(1, min(CENTROIDS, len(known.labels) // ROWS_A_CENTROID))
    centres = KMeans(count, n_init=1, random_state=0).fit(known.embeddings).cluster_centers_
    centres = (centres / np.linalg.norm(centres, axis=1, keepdims=True)).astype(np.float32)
    return lambda asked: (asked @ centres.T).max(axis=1)


OF_LOGITS = ("probability", "energy")
SCORES: dict[str, Callable[[Known], Score]] = {
    "probability": probability,
    "energy": energy,
    "Mahalanobis": mahalanobis,
    "relative Mahalanobis": relative_mahalanobis,
    "nearest mean": nearest_mean,
    "nearest centroid": nearest_centroid,
    "nearest row": nearest_row,
    f"{KTH}th nearest row": kth_row,
    f"nearest of {KEPT} rows": nearest_kept_row,
}
