"""Medoids: the vectors that lie in the middle of clusters, one each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans


def medoids(
    vectors: npt.NDArray[np.floating], count: int, seed: int, weights: npt.NDArray[np.floating] | None = None
) -> list[int]:
    """Return the places of the unit-length `vectors` (n, d) nearest to the centres of `count` k-means clusters.

    That of the largest cluster comes first. A vector counts by its weight (n,), which is above 0. There are fewer than
    `count` where fewer vectors differ.
    """
    count = min(count, len(np.unique(vectors, axis=0)))
    clusters = KMeans(count, n_init=3, random_state=seed).fit(vectors, sample_weight=weights)
    sizes = np.bincount(clusters.labels_, weights=weights, minlength=count)
    nearness = vectors @ clusters.cluster_centers_.T
    return [
        int(max(np.flatnonzero(clusters.labels_ == cluster), key=lambda place: nearness[place, cluster]))
        for cluster in np.argsort(-sizes, kind="stable").tolist()
        if sizes[cluster]
    ]
