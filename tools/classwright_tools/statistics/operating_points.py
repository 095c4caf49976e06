"""Operating points of a rare label: thresholds for the recall or the false alarms that one wants, and what they cost.

A threshold is chosen on validation rows, and is applied as it is to test rows: chosen there, its figures would be too
good.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.figures import OperatingPoint, RareLabel
from classwright_tools.statistics.metrics import Floats, Labels, share
from classwright_tools.statistics.ranking import threshold_at_false_alarms, threshold_at_recall

WANTED = (0.8, 0.95)  # recalls

Rows = npt.NDArray[np.bool_]


def at_own_thresholds(
    rare: RareLabel, of_it: Rows, scores: npt.NDArray[np.floating], weights: Floats, groups: Labels | None
) -> RareLabel:
    """Return `rare` with thresholds that are chosen on its own rows.

    Rows of the label are `of_it` (n,), the `scores` (n,) are its probabilities `as_told`; a row counts for one of the
    `weights` (n,) among those to read, and `groups` (n,) are drawn whole.
    """
    threshold = threshold_at_false_alarms(of_it, scores)
    wanted = {recall: threshold_at_recall(of_it, scores, recall) for recall in WANTED}
    return _with_points(rare, threshold, wanted, of_it, scores, weights, groups)


def at_thresholds_of(
    chosen: RareLabel,
    rare: RareLabel,
    of_it: Rows,
    scores: npt.NDArray[np.floating],
    weights: Floats,
    groups: Labels | None,
) -> RareLabel:
    """Return `rare` with the thresholds of `chosen`, which other rows gave; the rest is as in `at_own_thresholds`."""
    wanted = {point.wanted: point.threshold for point in chosen.points}
    found = _with_points(rare, chosen.threshold, wanted, of_it, scores, weights, groups)
    if chosen.threshold is None:
        return found
    return found.model_copy(
        update={"recall_at_false_alarms": share((scores >= chosen.threshold)[of_it], _of(groups, of_it))}
    )


def _with_points(
    rare: RareLabel,
    threshold: float | None,
    wanted: dict[float, float],
    of_it: Rows,
    scores: npt.NDArray[np.floating],
    weights: Floats,
    groups: Labels | None,
) -> RareLabel:
    """Return `rare` at the `threshold` for few false alarms, and at those for the recalls that are `wanted`."""
    points = tuple(
        OperatingPoint(
            wanted=recall,
            threshold=limit,
            recall=share((scores >= limit)[of_it], _of(groups, of_it)),
            read=float(np.average(scores >= limit, weights=weights)),
        )
        for recall, limit in wanted.items()
    )
    alarms = None if threshold is None else float((scores[~of_it] >= threshold).mean())
    return rare.model_copy(update={"threshold": threshold, "false_alarms": alarms, "points": points})


def _of(groups: Labels | None, rows: Rows) -> Labels | None:
    return None if groups is None else groups[rows]
