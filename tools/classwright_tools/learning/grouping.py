"""Grouping: texts whose kinds nobody knows, in groups by meaning, and how many groups there are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score

COMPONENTS = 32  # benchmarks/README.md, "Kinds of texts"
MOST_GROUPS, ROWS_A_GROUP = 240, 4  # that are tried: fewer rows show nothing in common
STEP = 1.2  # between two numbers that are tried
MOST_SCORED = 2_000  # of more rows a sample is: the score looks at the distances between all


def grouped(vectors: npt.NDArray[np.floating], count: int | None, seed: int) -> list[npt.NDArray[np.intp]]:
    """Return the members of each group of unit-length `vectors` (n, d) as ascending places, the largest group first.

    There are `count` groups, or fewer where fewer vectors differ. Without a count it is the one of `counts_tried` with
    the best silhouette (Rousseeuw 1987). Groups are made by Ward's method among the `components`.
    """
    places = components(vectors, seed)
    tree = linkage(places, "ward")
    groups = fcluster(tree, count or _likely_count(places, tree, seed), "maxclust")
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    return sorted(members, key=lambda member: (-len(member), int(member[0])))


def components(vectors: npt.NDArray[np.floating], seed: int) -> npt.NDArray[np.float64]:
    """Return the first principal components of `vectors` (n, d), of unit length again (n, `COMPONENTS` at most)."""
    found = PCA(min(COMPONENTS, *vectors.shape), random_state=seed).fit_transform(vectors.astype(np.float64))
    unit: npt.NDArray[np.float64] = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
    return unit


def counts_tried(rows: int) -> list[int]:
    """Return the numbers of groups that are tried for so many rows, each a fifth more than the one before."""
    most = min(MOST_GROUPS, rows // ROWS_A_GROUP)
    return sorted({count for step in range(30) if (count := round(2 * STEP**step)) <= most})


def _likely_count(places: npt.NDArray[np.float64], tree: npt.NDArray[np.float64], seed: int) -> int:
    """Return the number of groups of the `tree` with the best silhouette."""
    scored = np.sort(np.random.default_rng(seed).permutation(len(places))[:MOST_SCORED])
    best, best_score = 1, -1.0
    for count in counts_tried(len(places)):
        groups = fcluster(tree, count, "maxclust")[scored]
        if 1 < len(np.unique(groups)) < len(scored):
            score = float(silhouette_score(places[scored], groups, metric="cosine"))
            if score > best_score:
                best, best_score = count, score
    return best
