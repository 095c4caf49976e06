"""Coverage against accuracy: the share of texts that a model answers, and how often it is then right."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.figures import Coverage
from classwright_tools.statistics.metrics import share

THRESHOLDS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


def coverage(
    confidence: npt.NDArray[np.floating],
    right: npt.NDArray[np.bool_],
    own: float,
    groups: npt.NDArray[np.integer] | None = None,
) -> tuple[Coverage, ...]:
    """Return the table for the usual thresholds and the model's `own`, lowest first.

    It is of answers of that `confidence` (n,), below 0 where the model is never sure, of which some are `right` (n,).
    `groups` (n,) are the queries of a pair task.
    """
    table = []
    for threshold in sorted({*THRESHOLDS, own}):
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
