"""The figures that a model is chosen and calibrated by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classwright_tools.domain.cards import Validation
from classwright_tools.domain.example import Origin
from classwright_tools.domain.figures import Scores
from classwright_tools.learning.calibration import softmax


def validation_of(
    true: np.ndarray,
    logits: np.ndarray,
    labels: Sequence[str],
    data: Origin,
    measured_on: str,
    mismatch: int | None = None,
    queries: np.ndarray | None = None,
) -> Validation:
    """Return the figures of `logits` (n, k) on rows of origin `data` whose label numbers are `true` (n,).

    `labels` are the names of the k labels, and `measured_on` says which rows they are. Of a pair task, `mismatch` is
    the number of the mismatch label, if it names one, and `queries` (n,) are numbers of the pairs' queries.
    """
    from classwright_tools.statistics.metrics import compute_figures

    figures = compute_figures(true, softmax(logits), labels, mismatch=mismatch, groups=queries)
    scores = {name: getattr(figures, name) for name in Scores.model_fields}
    return Validation(data=data, measured_on=measured_on, **scores)
