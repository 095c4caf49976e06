"""The pairs of labels that are mixed up, with the texts that show it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.analysis import ConfusedPair
from classwright_tools.measurement.held_out import Answers
from classwright_tools.statistics import metrics, multi_label

MOST_PAIRS = 50
EXAMPLES = 5


def confused_pairs(found: Answers) -> tuple[ConfusedPair, ...]:
    """Return the most frequent confusions, each with the errors that the model was surest of.

    Where rows may have several labels, a label is confused with one that was given where it was missed.
    """
    of = multi_label.confusions if found.several else metrics.confusions
    place = {label: i for i, label in enumerate(found.labels)}
    pairs = []
    for confusion in of(found.true, found.predicted, found.labels, MOST_PAIRS):
        i, j = place[confusion.label], place[confusion.predicted]
        rows = np.flatnonzero(_confused(found, i, j)).tolist()
        rows.sort(key=lambda row: (-found.proba[row, j], found.rows[row].id))
        pairs.append(
            ConfusedPair(
                label=confusion.label,
                predicted=confusion.predicted,
                count=confusion.count,
                examples=tuple(found.rows[row].shown for row in rows[:EXAMPLES]),
            )
        )
    return tuple(pairs)


def _confused(found: Answers, i: int, j: int) -> npt.NDArray[np.bool_]:
    """Return which rows (n,) have label i and were given j instead."""
    confused: npt.NDArray[np.bool_] = (found.true == i) & (found.predicted == j)
    if found.several:
        missed, added = found.true & ~found.predicted, found.predicted & ~found.true
        confused = missed[:, i] & added[:, j]
    return confused
