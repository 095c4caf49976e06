"""The figures that a model is chosen and calibrated by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classwright_tools.domain.cards import Validation
from classwright_tools.domain.example import Origin
from classwright_tools.domain.figures import Scores


def validation_of(
    true: np.ndarray,
    proba: np.ndarray,
    labels: Sequence[str],
    data: Origin,
    measured_on: str,
    mismatch: int | None,
    queries: np.ndarray | None,
) -> Validation:
    """Return the figures of the probabilities `proba` (n, k) on rows whose label numbers are `true` (n,).

    `labels` are the names of the k labels, `data` is the rows' origin, and `measured_on` says which rows they are. Of a
    pair task, `mismatch` is the number of the mismatch label, if it names one, and `queries` (n,) are numbers of the
    pairs' queries.
    """
    from classwright_tools.statistics.metrics import compute_figures

    figures = compute_figures(true, proba, labels, mismatch=mismatch, groups=queries)
    scores = {name: getattr(figures, name) for name in Scores.model_fields}
    return Validation(data=data, measured_on=measured_on, **scores)
