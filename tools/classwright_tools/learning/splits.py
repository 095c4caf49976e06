"""Splits of the training rows that keep a group's rows on one side, and samples of them that keep every label."""

from __future__ import annotations

import numpy as np

from classwright_tools.errors import NotEnoughData
from classwright_tools.learning.rows import Rows

FOLDS = 5


Folds = list[tuple[np.ndarray, np.ndarray]]
"""Pairs of places: of the rows trained on, and of those held out."""


def sampled_places(labels: np.ndarray, most: int, least: int, seed: int) -> np.ndarray:
    """Return the places, in order, of `most` rows drawn at random, and of more of the labels with few among them.

    `labels` (n,) are the rows'. Of each label there are `least` rows, or all that it has.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    few = [order[labels[order] == label][:least] for label in np.unique(labels)]
    return np.unique(np.concatenate([order[:most], *few]))


def grouped_folds(rows: Rows, seed: int, folds: int = FOLDS) -> Folds:
    """Return up to `folds` pairs of places (training, held out), no row held out twice; fewer where groups are few.

    The folds keep the labels' shares as well as whole groups allow. The first pair serves as a single hold-out. A row
    with one label is held out only where others of its label are trained on: else it could not be answered rightly. So
    there may be no fold at all.
    """
    groups = len(np.unique(rows.groups))
    if groups < 2:
        return []
    labels = rows.strata
    most = int(np.bincount(labels).max())  # with more folds one would have no row of the label
    count = max(2, min(folds, groups, most))
    fold = fold_of_each(labels, rows.groups, count, seed)
    pairs = [(np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in range(count)]
    answerable = [
        (train, held if rows.several else held[np.isin(labels[held], labels[train])]) for train, held in pairs
    ]
    return [(train, held) for train, held in answerable if len(held) and len(np.unique(labels[train])) > 1]


def fold_of_each(labels: np.ndarray, groups: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Return the fold (n,) of each row with one of `labels` (n,) in one of `groups` (n,), whole groups in one fold.

    One group after the other, the most uneven first, goes where the folds' shares of the labels then differ least. That
    is scikit-learn's `StratifiedGroupKFold`, shuffled by `seed`, to the row: only the labels of the group are computed.
    """
    from sklearn.utils import check_random_state

    _, label, rows = np.unique(labels, return_inverse=True, return_counts=True)
    numbers, group = np.unique(groups, return_inverse=True)
    wanted = np.zeros((len(numbers), len(rows)))
    np.add.at(wanted, (group, label), 1)
    order = np.arange(len(numbers))
    check_random_state(seed).shuffle(order)
    order = order[np.argsort(-np.std(wanted[order], axis=1), kind="stable")]
    held, spread, each = np.zeros((folds, len(rows))), np.zeros(len(rows)), np.arange(folds)
    fold_of = np.zeros(len(numbers), np.int64)
    for number in order:
        own = np.flatnonzero(wanted[number])
        tried = np.repeat(held[None, :, own], folds, axis=0)  # (tried fold, fold, label of the group)
        tried[each, each] += wanted[number, own]
        spreads = np.repeat(spread[None], folds, axis=0)
        spreads[:, own] = np.std(tried / rows[own], axis=1)
        best = _first_of_least(spreads.mean(axis=1).tolist(), held.sum(axis=1).tolist())
        held[best] += wanted[number]
        spread = spreads[best]
        fold_of[number] = best
    return fold_of[group]


def _first_of_least(values: list[float], sizes: list[float]) -> int:
    """Return the place of the least value; of nearly equal ones, compared in turn, that of the least size."""
    best = 0
    for place, (value, size) in enumerate(zip(values, sizes, strict=True)):
        nearly = abs(value - values[best]) <= 1e-8 + 1e-5 * values[best]  # numpy's isclose
        if value < values[best] or (nearly and size < sizes[best]):
            best = place
    return best


def needed_folds(rows: Rows, seed: int, folds: int = FOLDS) -> Folds:
    """Return the grouped folds of `rows`, of which there is at least one.

    Raises:
        NotEnoughData: no row can be held out.
    """
    found = grouped_folds(rows, seed, folds)
    if not found:
        raise NotEnoughData(
            "the training rows",
            "resemble each other within each label, so none can be held out",
            "Add rows of other topics, or real validation rows.",
        )
    return found
