"""Operating points of a rare label: thresholds for what one wants of it, and what they cost.

A threshold is chosen on validation rows, and is applied as it is to test rows: chosen there, its figures would be too
good.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.figures import BestF1, OperatingPoint, RareLabel
from classwright_tools.statistics.ranking import threshold_at_false_alarms, threshold_at_recall, threshold_of_best_f1
from classwright_tools.statistics.weighted_rows import Rows, WeightedRows

WANTED = (0.8, 0.95)  # recalls

Scores = npt.NDArray[np.floating]


def at_own_thresholds(rare: RareLabel, of_it: Rows, scores: Scores, rows: WeightedRows) -> RareLabel:
    """Return `rare` with thresholds that are chosen on its own `rows`.

    Those of the label are `of_it` (n,), the `scores` (n,) are its probabilities `as_told`. Of a threshold for F1 that
    has no higher one here than the model has without, nothing is told.
    """
    wanted = {recall: threshold_at_recall(of_it, scores, recall) for recall in WANTED}
    best = threshold_of_best_f1(of_it, scores, rows.weight)
    found = _with_points(rare, threshold_at_false_alarms(of_it, scores), wanted, best, of_it, scores, rows)
    is_better = found.best_f1 and rare.f1 and found.best_f1.f1.value > rare.f1.value
    return found if is_better else found.model_copy(update={"best_f1": None})


def at_thresholds_of(chosen: RareLabel, rare: RareLabel, of_it: Rows, scores: Scores, rows: WeightedRows) -> RareLabel:
    """Return `rare` with the thresholds of `chosen`, which other rows gave; the rest is as in `at_own_thresholds`."""
    wanted = {point.wanted: point.threshold for point in chosen.points}
    best = chosen.best_f1.threshold if chosen.best_f1 else None
    found = _with_points(rare, chosen.threshold, wanted, best, of_it, scores, rows)
    if chosen.threshold is None:
        return found
    return found.model_copy(update={"recall_at_false_alarms": rows.recall(of_it, scores >= chosen.threshold)})


def _with_points(
    rare: RareLabel,
    threshold: float | None,
    wanted: dict[float, float],
    best: float | None,
    of_it: Rows,
    scores: Scores,
    rows: WeightedRows,
) -> RareLabel:
    """Return `rare` at the `threshold` for few false alarms, at those for the recalls that are `wanted`, and for F1."""
    points = tuple(
        OperatingPoint(
            wanted=recall,
            threshold=limit,
            recall=rows.recall(of_it, scores >= limit),
            read=rows.mean(scores >= limit),
        )
        for recall, limit in wanted.items()
    )
    alarms = None if threshold is None else float((scores[~of_it] >= threshold).mean())
    best_f1 = None if best is None else _best_f1(best, of_it, scores >= best, rows)
    return rare.model_copy(
        update={"threshold": threshold, "false_alarms": alarms, "points": points, "best_f1": best_f1}
    )


def _best_f1(threshold: float, of_it: Rows, given: Rows, rows: WeightedRows) -> BestF1:
    return BestF1(
        threshold=threshold,
        f1=rows.f1(of_it, given),
        precision=rows.precision(of_it, given),
        recall=rows.recall(of_it, given),
    )
