"""Folds of grouped rows that keep the labels' shares as well as whole groups allow."""

from __future__ import annotations

import numpy as np

FOLDS = 5


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
