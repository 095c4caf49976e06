"""The measures of answers: those of rows with one label each, and the same of rows that may have several."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.figures import ClassFigures, Confusion, Coverage, Figures, ReliabilityBin
from classwright_tools.measurement.held_out import Answers
from classwright_tools.statistics import metrics, multi_label
from classwright_tools.statistics.coverage import coverage

MOST_CONFUSIONS = 50


class Measures(NamedTuple):
    """All figures of answers; the confusion matrix is (k, k), true label by row, and the classes are in its order."""

    figures: Figures
    classes: tuple[ClassFigures, ...]
    confusion_matrix: npt.NDArray[np.int64]
    confusions: tuple[Confusion, ...]
    reliability: tuple[ReliabilityBin, ...]
    coverage: tuple[Coverage, ...]


def measures_of(found: Answers, threshold: float, seed: int, mismatch: str | None) -> Measures:
    """Return the measures of the answers `found`; the table of coverage has the model's own `threshold` too.

    `mismatch` is a pair task's label of that name.
    """
    if found.several:
        return _of_several(found, threshold, seed)
    true, proba, predicted, labels, queries = found.true, found.proba, found.predicted, found.labels, found.queries
    ranked = labels.index(mismatch) if mismatch else None
    return Measures(
        figures=metrics.compute_figures(true, proba, labels, seed=seed, mismatch=ranked, groups=queries),
        classes=metrics.class_figures(true, predicted, labels, queries),
        confusion_matrix=metrics.confusion_matrix(true, predicted, len(labels)),
        confusions=metrics.confusions(true, predicted, labels, MOST_CONFUSIONS),
        reliability=metrics.reliability(true, proba, queries),
        coverage=coverage(found.confidence, predicted == true, threshold, queries),
    )


def _of_several(found: Answers, threshold: float, seed: int) -> Measures:
    true, proba, decided, labels = found.true, found.proba, found.predicted, found.labels
    return Measures(
        figures=multi_label.compute_figures(true, decided, proba, labels, seed=seed),
        classes=multi_label.class_figures(true, decided, labels),
        confusion_matrix=multi_label.confusion_matrix(true, decided),
        confusions=multi_label.confusions(true, decided, labels, MOST_CONFUSIONS),
        reliability=multi_label.reliability(true, proba),
        coverage=coverage(found.confidence, (true == decided).all(axis=1), threshold),
    )
