"""Errors that resemble each other, grouped by meaning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import silhouette_score

from classwright_tools.domain.analysis import ErrorCluster
from classwright_tools.domain.excerpt import shortened
from classwright_tools.measurement.held_out import Answers
from classwright_tools.measurement.naming import ENGLISH, group_names

MOST_ERRORS = 2_000  # clustered; of more a sample is
MOST_CLUSTERS = 10
ERRORS_A_CLUSTER = 3  # fewer show nothing in common
BACKGROUND_TEXTS = 2_000
NAME_CHARS = 60  # of the text that stands for a cluster which has no words of its own


def error_clusters(
    found: Answers,
    embed: Callable[[Sequence[str]], npt.NDArray[np.floating]],
    seed: int,
    languages: tuple[str, ...] = ENGLISH,
) -> tuple[ErrorCluster, ...]:
    """Return the wrong answers in clusters, largest first; `embed` gives unit-length vectors (n, d) of texts
    in `languages`.

    Clusters are made by Ward's method; their number is the one with the best silhouette (Rousseeuw 1987).
    """
    wrong = found.wrong
    if len(wrong) > MOST_ERRORS:
        wrong = np.sort(np.random.default_rng(seed).choice(wrong, MOST_ERRORS, replace=False))
    if not len(wrong):
        return ()
    vectors = embed([found.rows[place].content for place in wrong])
    members = _partition(vectors)
    wrong_places = set(found.wrong.tolist())
    right = [row.shown for place, row in enumerate(found.rows) if place not in wrong_places][:BACKGROUND_TEXTS]
    texts = [[found.rows[wrong[i]].shown for i in member] for member in members]
    clusters = []
    for name, member in zip(group_names(texts, right, languages), members, strict=True):
        examples = tuple(found.rows[wrong[i]].shown for i in _central(vectors, member))
        clusters.append(
            ErrorCluster(
                name=name or f"such as {shortened(examples[0], NAME_CHARS)!r}",
                errors=len(member),
                labels=dict(Counter(name for i in member for name in _concerned(found, wrong[i])).most_common()),
                examples=examples,
            )
        )
    return tuple(sorted(clusters, key=lambda cluster: (-cluster.errors, cluster.name)))


def _concerned(found: Answers, place: int) -> list[str]:
    """Return the label of the row at `place`; of a row that may have several those that were missed or added."""
    if not found.several:
        return [found.labels[found.true[place]]]
    return [found.labels[label] for label in np.flatnonzero(found.true[place] != found.predicted[place])]


def _partition(vectors: npt.NDArray[np.floating]) -> list[npt.NDArray[np.intp]]:
    """Return the clusters' members as places in `vectors`."""
    most = min(MOST_CLUSTERS, len(vectors) // ERRORS_A_CLUSTER)
    best, best_score = np.zeros(len(vectors), int), -1.0
    for count in range(2, most + 1):
        labels = AgglomerativeClustering(n_clusters=count).fit_predict(vectors)
        score = silhouette_score(vectors, labels, metric="cosine")
        if score > best_score:
            best, best_score = labels, score
    return [np.flatnonzero(best == label) for label in np.unique(best)]


def _central(vectors: npt.NDArray[np.floating], member: npt.NDArray[np.intp]) -> list[int]:
    """Return up to five members, the nearest to the cluster's centre first."""
    nearness = vectors[member] @ vectors[member].mean(axis=0)
    return [int(member[i]) for i in np.argsort(-nearness, kind="stable")[:5]]
