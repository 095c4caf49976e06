"""Probabilities that mean what they say: temperature scaling, and a threshold for abstaining."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from classwright_tools.statistics.told_thresholds import as_told, last_of_equal, told_from

KEPT_ACCURACY = 0.95  # of the answers that are kept
# A model that is nearly always right on rows of its labels would else be sure of whatever it is asked, such as texts
# that fit none: see `docs/decisions/least-sure.md`.
LEAST_SURE = 0.7
# Fewer kept answers than this tell nothing about a threshold.
LEAST_KEPT = 20
TEMPERATURES = (0.05, 20.0)
_LEAST = 1e-9  # of a share: rows of a label that has none count for next to nothing


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the probabilities (n, k), float64, of logits (n, k)."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: np.ndarray = shifted / shifted.sum(axis=1, keepdims=True)
    return probabilities


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature, between 0.05 and 20, whose softmax gives the `labels` (n,) the greatest likelihood.

    The logits (n, k) are divided by it (Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2);
    the order of the labels, and so the accuracy, stays as it is. The targets are Platt's (1999, section 2.2): 1/(n+2)
    of each row goes to its other labels, so that a few rows that are all right do not make the model certain.
    """
    n, k = logits.shape
    targets = np.full((n, k), 1 / (n + 2) / (k - 1))
    targets[np.arange(n), labels] = (n + 1) / (n + 2)
    return temperature_towards(logits, targets)


def temperature_towards(logits: np.ndarray, targets: np.ndarray) -> float:
    """Return the temperature, as `fit_temperature` does, that brings the softmax nearest to the `targets` (n, k)."""
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        peak = scaled.max(axis=1, keepdims=True)
        log_sums = peak + np.log(np.exp(scaled - peak).sum(axis=1, keepdims=True))
        return float((targets * (log_sums - scaled)).sum() / len(logits))

    found = minimize_scalar(loss, bounds=tuple(np.log(TEMPERATURES)), method="bounded")
    return float(np.exp(found.x))


@dataclass(frozen=True)
class Sureness:
    """From which `threshold` on a model calls an answer sure; of the rows that set it, the share that it is `sure` of.

    `right` is how many of those are right, a share too; None where it is sure of none. They count as so many `rows`:
    where some weigh more, fewer than they are, (sum w)^2 / sum w^2 (Kish 1965, "Survey Sampling"). `by_label` has of
    each label the sure answers and the right ones among them, each row counted once; empty where rows have several.
    """

    threshold: float
    sure: float
    right: float | None
    rows: float
    by_label: tuple[tuple[int, int], ...] = ()


def sureness(probabilities: np.ndarray, labels: np.ndarray, shares: Sequence[float] | None = None) -> Sureness:
    """Return what `sureness_of` does of the likeliest labels at the probabilities (n, k) of rows with `labels` (n,).

    With `shares` (k,) the rows of each label count for the label's share, else each row counts alike.
    """
    weights = np.ones(len(labels))
    if shares is not None:
        weights = (np.maximum(shares, _LEAST) / np.maximum(np.bincount(labels, minlength=len(shares)), 1))[labels]
    confidence, given = probabilities.max(axis=1), probabilities.argmax(axis=1)
    found = sureness_of(confidence, given == labels, weights)
    sure = confidence >= found.threshold
    counts = (np.bincount(given[rows], minlength=probabilities.shape[1]) for rows in (sure, sure & (given == labels)))
    return replace(found, by_label=tuple(zip(*(each.tolist() for each in counts), strict=True)))


def sureness_of(confidence: np.ndarray, right: np.ndarray, weights: np.ndarray | None = None) -> Sureness:
    """Return when answers of that calibrated `confidence` (n,), of which some are `right` (n,), are to be called sure.

    The threshold is the lowest probability at which at least 95% of the answers at or above it are right, and
    `LEAST_SURE` at least, lowered by what `told_from` wants, which keeps the same answers. Where none that keeps
    `LEAST_KEPT` answers reaches 95%, it is the one with the most accurate kept answers among those that keep so many.
    Each answer counts for its weight (n,).
    """
    weights = np.ones(len(right)) if weights is None else weights
    threshold = max(LEAST_SURE, _kept_right(confidence, right, weights))
    kept = confidence >= threshold
    sure = float(weights[kept].sum() / weights.sum())
    if not kept.any():
        return Sureness(threshold, sure, None, 0.0)
    own = weights[kept]
    rows = float(own.sum() ** 2 / (own**2).sum())
    return Sureness(threshold, sure, float(np.average(right[kept], weights=own)), rows)


def _kept_right(confidence: np.ndarray, right: np.ndarray, weights: np.ndarray) -> float:
    """Return the lowest threshold that keeps 95% right, as a short decimal number; 0 where all answers are."""
    falling, kept, accuracy = right_from(confidence, right, weights)
    if accuracy[-1] >= KEPT_ACCURACY:
        return 0.0
    enough = np.flatnonzero(kept >= min(LEAST_KEPT, len(right)))
    good = enough[accuracy[enough] >= KEPT_ACCURACY]
    best = good[-1] if len(good) else enough[accuracy[enough].argmax()]
    return told_from(float(falling[best]), falling)


def right_from(
    confidence: np.ndarray, right: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each different `confidence` of (n,), `as_told` and falling, with how many reach it and the share `right`.

    All three are (m,); in the share each counts for its weight of the `weights` (n,), by default all alike.
    """
    order = np.argsort(-confidence, kind="stable")
    falling, weights = as_told(confidence[order]), np.ones(len(order)) if weights is None else weights[order]
    accuracy = np.cumsum(weights * right[order]) / np.cumsum(weights)
    last = np.flatnonzero(last_of_equal(falling))
    return falling[last], last + 1, accuracy[last]
