"""Splits of the training rows that keep a group's rows on one side."""

from __future__ import annotations

import warnings

import numpy as np

from classwright_tools.errors import NotEnoughData
from classwright_tools.learning.rows import Rows

FOLDS = 5


def grouped_folds(rows: Rows, seed: int, folds: int = FOLDS) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return up to `folds` pairs of places (training, held out), each row held out once; fewer where groups are few.

    The folds keep the labels' shares as well as whole groups allow. The first pair serves as a single hold-out.

    Raises:
        NotEnoughData: all rows are one group.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    groups = len(np.unique(rows.groups))
    if groups < 2:
        raise NotEnoughData(
            "the training rows",
            "all resemble each other, so none can be held out",
            "Add rows of other cells, or real validation rows.",
        )
    most = int(np.bincount(rows.labels).max())  # scikit-learn wants a label with as many rows as there are folds
    splitter = StratifiedGroupKFold(n_splits=max(2, min(folds, groups, most)), shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")  # a label with few rows is no mistake here
        pairs = list(splitter.split(np.zeros((len(rows), 1)), rows.labels, rows.groups))
    return [(train, held_out) for train, held_out in pairs if len(held_out) and len(np.unique(rows.labels[train])) > 1]
