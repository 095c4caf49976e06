"""What abstaining buys: the share of texts that a model answers, and how often it is then right."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import Field

from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.noun import Noun
from classwright_tools.statistics.metrics import share

THRESHOLDS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


class Coverage(Noun):
    """Answers at or above one threshold."""

    threshold: float = Field(ge=0, le=1)
    kept: int = Field(ge=0, description="Rows that are answered.")
    share: float = Field(ge=0, le=1, description="Of all rows.")
    accuracy: Estimate = Field(description="Of the rows that are answered.")


def coverage(
    true: npt.NDArray[np.integer],
    proba: npt.NDArray[np.floating],
    own: float | None = None,
    groups: npt.NDArray[np.integer] | None = None,
) -> tuple[Coverage, ...]:
    """Return the table for the usual thresholds and the model's `own`, lowest first.

    `groups` (n,) are the queries of a pair task.
    """
    confidence, right = proba.max(axis=1), proba.argmax(axis=1) == true
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
