"""The pairs of labels that are mixed up, with the texts that show it."""

from __future__ import annotations

import numpy as np

from classwright_tools.domain.analysis import ConfusedPair
from classwright_tools.measurement.held_out import Answers
from classwright_tools.statistics.metrics import confusions

MOST_PAIRS = 50
EXAMPLES = 5


def confused_pairs(found: Answers) -> tuple[ConfusedPair, ...]:
    """Return the most frequent confusions, each with the errors that the model was surest of."""
    place = {label: i for i, label in enumerate(found.labels)}
    pairs = []
    for confusion in confusions(found.true, found.predicted, found.labels, MOST_PAIRS):
        i, j = place[confusion.label], place[confusion.predicted]
        rows = np.flatnonzero((found.true == i) & (found.predicted == j)).tolist()
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
