"""The one fold of training rows that methods are compared on, and which methods can be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classwright_tools.errors import NotEnoughData
from classwright_tools.learning.matching.fit import LEAST_ROWS
from classwright_tools.learning.methods.method import Method
from classwright_tools.learning.rows import Rows, query_numbers
from classwright_tools.learning.setup import Setup
from classwright_tools.learning.splits import Folds
from classwright_tools.learning.training_data import ENOUGH_REAL


def hold_out(methods: Sequence[Method], rows: Rows, folds: Folds, setup: Setup) -> tuple[Sequence[Method], Folds]:
    """Return the methods that can be measured, and the one fold to measure them on.

    What learns from mismatches needs them on both sides of it. Where they are of so few queries that no fold has them,
    a choice is left without such methods.

    Raises:
        NotEnoughData: nothing else is asked for.
    """
    others = [method for method in methods if not method.needs_mismatches]
    if len(others) == len(methods):
        return methods, folds[:1]
    mismatch = rows.labels == setup.mismatch
    for train_places, held_places in folds:
        trained_on = int(mismatch[train_places].sum())
        if min(trained_on, len(train_places) - trained_on) >= LEAST_ROWS and mismatch[held_places].any():
            return methods, [(train_places, held_places)]
    if not others:
        queries = len(np.unique(query_numbers(rows.texts)[mismatch]))
        raise NotEnoughData(
            f"the {int(mismatch.sum())} mismatches of the training rows",
            f"are of {queries} {'query' if queries == 1 else 'queries'}, too few to hold one out and train on "
            f"{LEAST_ROWS} mismatches of others",
            f"Add mismatches of other queries, or {ENOUGH_REAL} real validation rows, or use 'probe'.",
        )
    return others, folds[:1]
