"""Coverage against accuracy: the share of texts that a model answers, and how often it is then right."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.figures import Coverage
from classwright_tools.statistics.metrics import share

THRESHOLDS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


def coverage(
    true: npt.NDArray[np.integer],
    proba: npt.NDArray[np.floating],
    own: float | None = None,
    groups: npt.NDArray[np.integer] | None = None,
) -> tuple[Coverage, ...]:
    """Return the table for the usual thresholds and the model's `own`, lowest first.

    `groups` (n,) are the queries of a pair task.
    """
    return coverage_of(proba.max(axis=1), proba.argmax(axis=1) == true, own, groups)


def coverage_of(
    confidence: npt.NDArray[np.floating],
    right: npt.NDArray[np.bool_],
    own: float | None = None,
    groups: npt.NDArray[np.integer] | None = None,
) -> tuple[Coverage, ...]:
    """Return what `coverage` does, of answers of that `confidence` (n,), of which some are `right` (n,)."""
    thresholds = sorted({*THRESHOLDS, *([] if own is None else [own])})
    table = []
    for threshold in thresholds:
        kept = confidence >= threshold
        table.append(
            Coverage(
                threshold=threshold,
                kept=int(kept.sum()),
                share=float(kept.mean()),
                accuracy=share(right[kept], None if groups is None else groups[kept]),
            )
        )
    return tuple(table)
