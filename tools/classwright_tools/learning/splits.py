"""Splits of the training rows that keep a group's rows on one side, and samples of them that keep every label."""

from __future__ import annotations

import numpy as np

from classwright_tools.errors import NotEnoughData
from classwright_tools.learning.rows import Rows
from classwright_tools.statistics.grouped_folds import FOLDS, fold_of_each

Folds = list[tuple[np.ndarray, np.ndarray]]
"""Pairs of places: of the rows trained on, and of those held out."""


def sampled_places(labels: np.ndarray, most: int, least: int, seed: int) -> np.ndarray:
    """Return the places, in order, of `most` rows drawn at random, and of more of the labels with few among them.

    `labels` (n,) are the rows'. Of each label there are `least` rows, or all that it has.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    few = [order[labels[order] == label][:least] for label in np.unique(labels)]
    return np.unique(np.concatenate([order[:most], *few]))


def grouped_folds(rows: Rows, seed: int, folds: int = FOLDS, beside: Rows | None = None) -> Folds:
    """Return up to `folds` pairs of places (training, held out), no row held out twice; fewer where groups are few.

    The folds keep the labels' shares as well as whole groups allow. The first pair serves as a single hold-out. A row
    with one label is held out only where others of its label are trained on, in its folds or among those `beside`: else
    it could not be answered rightly. So there may be no fold at all.
    """
    groups = len(np.unique(rows.groups))
    if groups < 2:
        return []
    labels = rows.strata
    most = int(np.bincount(labels).max())  # with more folds one would have no row of the label
    count = max(2, min(folds, groups, most))
    fold = fold_of_each(labels, rows.groups, count, seed)
    pairs = [(np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in range(count)]
    known = beside.strata if beside else labels[:0]
    learnt = [np.union1d(labels[train], known) for train, _ in pairs]
    answerable = [
        (train, held if rows.several else held[np.isin(labels[held], own)])
        for (train, held), own in zip(pairs, learnt, strict=True)
        if len(own) > 1
    ]
    return [(train, held) for train, held in answerable if len(held)]


def needed_folds(rows: Rows, seed: int, folds: int = FOLDS, beside: Rows | None = None) -> Folds:
    """Return the grouped folds of `rows`, of which there is at least one.

    Raises:
        NotEnoughData: no row can be held out.
    """
    return _some(grouped_folds(rows, seed, folds, beside))


def answerable_folds(rows: Rows, seed: int) -> Folds:
    """Return `needed_folds`, without the rows of which one of several labels has none among those trained on.

    Raises:
        NotEnoughData: no row can be held out.
    """
    found = needed_folds(rows, seed)
    if rows.several:
        found = [
            (train, held[~(rows.labels[held] & ~rows.labels[train].any(axis=0)).any(axis=1)]) for train, held in found
        ]
    return _some([fold for fold in found if len(fold[1])])


def _some(found: Folds) -> Folds:
    if not found:
        raise NotEnoughData(
            "the training rows",
            "resemble each other within each label, so none can be held out",
            "Add rows of other topics, or real validation rows.",
        )
    return found
