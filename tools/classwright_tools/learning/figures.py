"""The figures that a model is chosen and calibrated by."""

from __future__ import annotations

import numpy as np

from classwright_tools.domain.cards import Validation
from classwright_tools.domain.example import Origin
from classwright_tools.learning.calibration import softmax


def validation_of(
    labels: np.ndarray,
    logits: np.ndarray,
    data: Origin,
    mismatch: int | None = None,
    queries: np.ndarray | None = None,
) -> Validation:
    """Return the figures of `logits` (n, k) on rows of origin `data` whose label numbers are `labels` (n,).

    Of a pair task, `mismatch` is the number of the mismatch label, if it names one, and `queries` (n,) are numbers of
    the pairs' queries.
    """
    from classwright_tools.measurement.metrics import compute_figures

    figures = compute_figures(labels, softmax(logits), mismatch=mismatch, groups=queries)
    return Validation(
        data=data,
        rows=figures.rows,
        accuracy=figures.accuracy,
        balanced_accuracy=figures.balanced_accuracy,
        macro_f1=figures.macro_f1,
        average_precision=figures.average_precision,
    )
