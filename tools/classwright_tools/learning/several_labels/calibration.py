"""Calibration of each label by itself, and the threshold from which on it applies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classwright.predict import SURE_LABEL
from classwright_tools.learning.calibration import LEAST_SURE, right_from
from classwright_tools.learning.head import Head
from classwright_tools.learning.label_space import sigmoid
from classwright_tools.statistics.platt import platt
from classwright_tools.statistics.told_thresholds import APART, told_from

LEAST_POSITIVE = 10
"""Rows of a label: with fewer it is calibrated like all labels together."""
LEAST_GIVEN = 10
"""Rows that a label is given to from its point on: fewer tell nothing about it."""
MOST_OF_EXPECTED = 5
"""A label that should be given to more than this many times the rows that are expected to have it is not told apart."""
ABOVE = 1 + APART
"""A probability times this is above it in single precision, too, in which a graph answers."""
LEAST_THRESHOLD = 1e-9
"""What is rounded as if it were this, if it is less: of a label that no row is expected to have the threshold is 0."""


@dataclass(frozen=True)
class Scaling:
    """A slope and an offset (k,) a label: `slopes` * logits + `offsets` are calibrated logits."""

    slopes: np.ndarray
    offsets: np.ndarray

    def of(self, logits: np.ndarray) -> np.ndarray:
        """Return the calibrated logits (n, k) of logits (n, k)."""
        scaled: np.ndarray = logits * self.slopes + self.offsets
        return scaled

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return the calibrated probabilities (n, k), each label's by itself, of logits (n, k)."""
        return sigmoid(self.of(logits))

    def scaled(self, head: Head) -> Head:
        """Return the head whose logits are scaled."""
        return Head(
            weights=(head.weights * self.slopes[:, None]).astype(np.float32),
            biases=(head.biases * self.slopes + self.offsets).astype(np.float32),
        )


def fit_scaling(logits: np.ndarray, true: np.ndarray) -> Scaling:
    """Return the scaling that makes the logits (n, k) probabilities of the labels that rows have, `true` (n, k).

    It is `platt`'s of each label; labels of fewer than `LEAST_POSITIVE` rows have that of all labels together.
    """
    together = platt(logits.ravel(), true.ravel())
    fitted = [
        platt(logits[:, place], true[:, place]) if true[:, place].sum() >= LEAST_POSITIVE else together
        for place in range(true.shape[1])
    ]
    return Scaling(np.array([slope for slope, _ in fitted]), np.array([offset for _, offset in fitted]))


def f1_thresholds(proba: np.ndarray) -> np.ndarray:
    """Return for each label the probability from which on giving it has the greatest expected F1; (k,) of (n, k).

    It is told by the calibrated probabilities themselves, not by the rows' labels: of a rare label these are few, and
    a threshold that suits them would suit no others. The greatest F1 is twice its threshold (Lipton, Elkan and
    Narayanaswamy 2014, "Optimal Thresholding of Classifiers to Maximize F1 Measure", theorem 1).

    By that, a label that is hardly told apart would be given to nearly every row (section 5 there). Where it should be
    given to more than `MOST_OF_EXPECTED` times the rows expected to have it, it is given to as many as these at most.
    """
    falling = -np.sort(-proba, axis=0)
    expected = falling.sum(axis=0)
    given = np.arange(1, len(proba) + 1)[:, None]
    f1 = 2 * falling.cumsum(axis=0) / (expected + given)
    thresholds = _short(f1.max(axis=0) / 2)
    blurred = (proba >= thresholds).sum(axis=0) > MOST_OF_EXPECTED * expected
    beyond = falling[np.minimum(np.ceil(expected).astype(int), len(proba) - 1), np.arange(proba.shape[1])]
    return np.where(blurred, np.minimum(_short(beyond * ABOVE), 1.0), thresholds)


def _short(thresholds: np.ndarray) -> np.ndarray:
    """Return `thresholds` rounded up to four significant digits, which are read and told more easily."""
    scale = 10.0 ** (3 - np.floor(np.log10(np.maximum(thresholds, LEAST_THRESHOLD))))
    short: np.ndarray = np.ceil(thresholds * scale) / scale
    return short


@dataclass(frozen=True)
class SureLabels:
    """From which probability on each label is sure by itself (k,); None: never, as far as the rows tell.

    `counts` are how often each is, on the rows that set it, and how often it is right then.
    """

    points: tuple[float | None, ...]
    counts: tuple[tuple[int, int], ...]


def sure_labels_of(proba: np.ndarray, decided: np.ndarray, true: np.ndarray) -> SureLabels:
    """Return from where on labels that are `decided` (n, k) at `proba` are sure; `true` (n, k) says which rows have.

    It is the lowest probability, and `LEAST_SURE` at least, from which on it is right in `SURE_LABEL` of the rows that
    are given it. Labels that fewer than `LEAST_GIVEN` rows are given at `LEAST_SURE` have the point of all together.
    """
    given = decided & (proba >= LEAST_SURE)
    together = _point(proba[given], true[given])
    places = [(given[:, place], place) for place in range(true.shape[1])]
    points = tuple(
        _point(proba[rows, place], true[rows, place]) if rows.sum() >= LEAST_GIVEN else together
        for rows, place in places
    )
    sure = given & (proba >= np.array([np.inf if point is None else point for point in points]))
    counts = zip(sure.sum(axis=0).tolist(), (sure & true).sum(axis=0).tolist(), strict=True)
    return SureLabels(points, tuple(counts))


def _point(proba: np.ndarray, right: np.ndarray) -> float | None:
    """Return the lowest probability, between two of these (m,), from which on `SURE_LABEL` are right.

    None: none keeps enough.
    """
    falling, kept, accuracy = right_from(proba, right)
    good = np.flatnonzero((kept >= LEAST_GIVEN) & (accuracy >= SURE_LABEL))
    return told_from(float(falling[good[-1]]), falling, least=LEAST_SURE) if len(good) else None
