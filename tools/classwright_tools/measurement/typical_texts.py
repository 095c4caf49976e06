"""Typical real texts of a label: what shows a writer how they sound. Errors and doubtful rows show something else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans

from classwright_tools.measurement.held_out import Answers

MOST_TEXTS = 5
ROWS_A_CLUSTER = 3  # fewer have no middle
MOST_ROWS = 500  # of a label, clustered

Embed = Callable[[Sequence[str]], npt.NDArray[np.floating]]


def typical_texts(found: Answers, doubted: Collection[str], embed: Embed, seed: int) -> dict[int, tuple[str, ...]]:
    """Return up to `MOST_TEXTS` real texts for each label (its place), those of the largest cluster first.

    The rightly answered rows of a label are clustered by k-means, and of each cluster the text nearest to its centre is
    taken; `embed` gives unit-length vectors (n, d). Rows whose id is in `doubted` may have a wrong label and show
    nothing, nor do rows that were written.
    """
    usable = np.array([row.origin == "real" and row.id not in doubted for row in found.rows])
    usable &= found.predicted == found.true
    texts = {}
    for label in range(len(found.labels)):
        own = sorted(np.flatnonzero(usable & (found.true == label)).tolist(), key=lambda p: found.rows[p].id)
        if own:
            own = own[:MOST_ROWS]
            vectors = np.asarray(embed([found.rows[place].content for place in own]))
            texts[label] = tuple(found.rows[own[place]].text for place in _medoids(vectors, seed))
    return texts


def _medoids(vectors: npt.NDArray[np.floating], seed: int) -> list[int]:
    """Return the places of the vectors (n, d) that lie nearest to the centres of their clusters."""
    count = max(1, min(MOST_TEXTS, len(vectors) // ROWS_A_CLUSTER, len(np.unique(vectors, axis=0))))
    clusters = KMeans(count, n_init=3, random_state=seed).fit(vectors)
    sizes = np.bincount(clusters.labels_, minlength=count)
    nearness = vectors @ clusters.cluster_centers_.T
    return [
        int(max(np.flatnonzero(clusters.labels_ == cluster), key=lambda place: nearness[place, cluster]))
        for cluster in np.argsort(-sizes, kind="stable").tolist()
    ]
