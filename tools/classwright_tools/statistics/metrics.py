"""Metrics of one-label classification, with 95% intervals.

Labels are numbers: the place of a label's name in the model's `labels`, which is also its column of probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from classwright_tools.domain.figures import LEAST_ROWS, ClassFigures, Confusion, Estimate, Figures, ReliabilityBin
from classwright_tools.statistics.intervals import Statistic, bootstrap, of_several
from classwright_tools.statistics.ranking import average_precision
from classwright_tools.statistics.share_interval import mean_of_labels, wider, wilson

Labels = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float64]
CALIBRATION_BINS = 15
_SMALLEST = 1e-15  # probabilities are kept this far from 0, so that one sure error does not make the log-loss infinite


def compute_figures(
    true: Labels,
    proba: npt.NDArray[np.floating],
    labels: Sequence[str],
    *,
    seed: int = 0,
    mismatch: int | None = None,
    groups: Labels | None = None,
) -> Figures:
    """Return all figures of the probabilities `proba` (n, k) of rows whose labels are `true` (n,).

    `labels` are the names of the k labels. Accuracy has Wilson's interval. The others have bootstrap intervals; those
    that average over labels keep each label's number of rows, have the limits of `mean_of_labels` where these are wider
    apart, and are of the labels in `true` alone: what a label without rows is given wrongly counts already, as rows of
    others that were not found. The average precision is that
    of the label `mismatch`; None without one, or where no row has it.
    With `groups` (n,), the queries of a pair task, all intervals are of the bootstrap that draws whole groups.
    """
    predicted = proba.argmax(axis=1)
    k = proba.shape[1]
    counts = np.bincount(true, minlength=k)
    ranked = mismatch is not None and bool(counts[mismatch])
    accuracy = share(true == predicted, groups, seed=seed)
    own = [one for one in class_figures(true, predicted, labels, groups) if one.support]
    recalls, f1s = (mean_of_labels([getattr(one, name) for one in own]) for name in ("recall", "f1"))

    def interval(statistic: Statistic, *, by_class: bool, least: float = 0.0) -> Estimate:
        strata = true if by_class else None
        found = bootstrap(statistic, true, predicted, strata=strata, groups=groups, least=least, seed=seed)
        return never_certain(found, accuracy)

    return Figures(
        rows=len(true),
        accuracy=accuracy,
        balanced_accuracy=wider(interval(balanced_accuracy, by_class=True), recalls),
        macro_f1=wider(interval(macro_f1(true, k), by_class=True), f1s),
        weighted_f1=interval(weighted_f1, by_class=False),
        mcc=interval(matthews, by_class=False, least=-1.0),
        log_loss=log_loss(true, proba),
        calibration_error=calibration_error(true, proba),
        average_precision=average_precision(true == mismatch, proba[:, mismatch], groups, seed=seed)
        if ranked
        else None,
        not_covered=tuple(label for label, rows in zip(labels, counts, strict=True) if not rows),
        guessing=float(counts.max() / len(true)),
        guessing_alike=1 / len(there) if len(there := counts[counts > 0]) and there.min() >= LEAST_ROWS else None,
        guessing_ranked=float(counts[mismatch] / len(true)) if ranked else None,
    )


def share(hits: npt.NDArray[np.bool_], groups: Labels | None = None, *, seed: int = 0) -> Estimate:
    """Return the share of rows whose `hits` (n,) is true, with Wilson's interval, or the bootstrap's over `groups`.

    Resamples of groups cannot show what none of them had: at 0% and 100% each group counts as one of Wilson's trials.
    """
    groups = of_several(groups)
    found = wilson(int(hits.sum()), len(hits))
    if groups is None:
        return found
    if 0 < found.value < 1:
        return bootstrap(accuracy_of, hits, groups=groups, seed=seed)
    trials = len(np.unique(groups))
    return wilson(trials if found.value else 0, trials)


def never_certain(found: Estimate, accuracy: Estimate) -> Estimate:
    """Widen the interval `found` if it is empty because every row was right, or every row wrong.

    Resamples cannot show errors that none of the rows had; the bound on the `accuracy` of these rows can.
    """
    if accuracy.value == 1:
        return found.model_copy(update={"low": min(found.low, accuracy.low)})
    if accuracy.value == 0:
        return found.model_copy(update={"high": max(found.high, accuracy.high)})
    return found


# --- statistics for `bootstrap`: weights (b, m) of the distinct rows (true, predicted) to b values


def _sums(weights: Floats, true: Labels, predicted: Labels, k: int) -> tuple[Floats, Floats, Floats]:
    """Return, for each resample and class (b, k): rows that are right, rows of the class, rows given the class."""
    of_class = np.eye(k)[true]
    given_class = np.eye(k)[predicted]
    return weights @ (of_class * given_class), weights @ of_class, weights @ given_class


def _size(true: Labels, predicted: Labels) -> int:
    return int(max(true.max(), predicted.max())) + 1


def ratio(part: Floats, whole: Floats) -> Floats:
    """Return part / whole, 0 where there is nothing to divide by."""
    quotient: Floats = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return quotient


def accuracy_of(weights: Floats, right: npt.NDArray[np.bool_]) -> Floats:
    """Return the share of rows that are right."""
    return ratio(weights @ right.astype(float), weights.sum(axis=1))


def balanced_accuracy(weights: Floats, true: Labels, predicted: Labels) -> Floats:
    """Return the mean recall over the classes of the rows."""
    right, rows, _ = _sums(weights, true, predicted, _size(true, predicted))
    return ratio(ratio(right, rows).sum(axis=1), (rows > 0).sum(axis=1).astype(float))


def macro_f1(true: Labels, k: int) -> Statistic:
    """Return the statistic "mean F1 over the classes of these rows": the same in each resample, and for each model."""
    present = np.unique(true)

    def statistic(weights: Floats, true: Labels, predicted: Labels) -> Floats:
        right, rows, given = _sums(weights, true, predicted, k)
        means: Floats = ratio(2 * right, rows + given)[:, present].mean(axis=1)
        return means

    return statistic


def weighted_f1(weights: Floats, true: Labels, predicted: Labels) -> Floats:
    """Return the mean F1 over classes, each weighted by its rows."""
    right, rows, given = _sums(weights, true, predicted, _size(true, predicted))
    return ratio((ratio(2 * right, rows + given) * rows).sum(axis=1), weights.sum(axis=1))


def matthews(weights: Floats, true: Labels, predicted: Labels) -> Floats:
    """Return the Matthews correlation coefficient for k classes (Gorodkin 2004, eq. 8), 0 where undefined."""
    right, rows, given = _sums(weights, true, predicted, _size(true, predicted))
    total = weights.sum(axis=1)
    covariance = right.sum(axis=1) * total - (rows * given).sum(axis=1)
    spread = (total**2 - (given**2).sum(axis=1)) * (total**2 - (rows**2).sum(axis=1))
    return ratio(covariance, np.sqrt(np.maximum(spread, 0)))


# --- probabilities


def log_loss(true: Labels, proba: npt.NDArray[np.floating]) -> float:
    """Return the mean negative log-likelihood of the true labels, in nats."""
    likelihood = np.sort(proba[np.arange(len(true)), true].astype(np.float64))  # sorted: a sum in one order
    return float(np.abs(np.log(np.clip(likelihood, _SMALLEST, 1)).mean()))


def reliability(
    true: Labels, proba: npt.NDArray[np.floating], groups: Labels | None = None
) -> tuple[ReliabilityBin, ...]:
    """Return the rows in up to 15 groups of about equal size by the probability of the predicted label, lowest first.

    Rows of one probability stay together, so that the rows' order never matters. `groups` (n,) are the queries of a
    pair task.
    """
    return reliability_of(proba.max(axis=1).astype(np.float64), proba.argmax(axis=1) == true, groups)


def reliability_of(
    confidence: Floats, right: npt.NDArray[np.bool_], groups: Labels | None = None
) -> tuple[ReliabilityBin, ...]:
    """Return answers in groups of about equal size by their `confidence` (n,), lowest first; some are `right` (n,)."""
    bins = min(CALIBRATION_BINS, len(right))
    group_of = np.floor((rankdata(confidence) - 0.5) * bins / len(right)).astype(int)
    return tuple(
        ReliabilityBin(
            rows=int(inside.sum()),
            confidence=float(np.sort(confidence[inside]).mean()),  # sorted: a sum in one order
            accuracy=share(right[inside], None if groups is None else groups[inside]),
        )
        for inside in (group_of == group for group in np.unique(group_of))
    )


def calibration_error(true: Labels, proba: npt.NDArray[np.floating]) -> float:
    """Return the expected calibration error over 15 equal-mass bins (Nguyen and O'Connor 2015; Guo et al. 2017)."""
    return mean_gap(reliability(true, proba))


def mean_gap(bins: Sequence[ReliabilityBin]) -> float:
    """Return the mean gap between confidence and accuracy of `bins`, by their rows."""
    rows = sum(group.rows for group in bins)
    return sum(group.rows / rows * abs(group.accuracy.value - group.confidence) for group in bins)


# --- classes


def confusion_matrix(true: Labels, predicted: Labels, k: int) -> npt.NDArray[np.int64]:
    """Return the counts (k, k): rows of the label in the row that were given the label in the column."""
    matrix = np.zeros((k, k), np.int64)
    np.add.at(matrix, (true, predicted), 1)
    return matrix


def class_figures(
    true: Labels, predicted: Labels, labels: Sequence[str], groups: Labels | None = None
) -> tuple[ClassFigures, ...]:
    """Return precision, recall and F1 of every label, in the order of `labels`.

    `groups` (n,) are the queries of a pair task.
    """
    return tuple(
        figures_of_label(label, true == place, predicted == place, groups) for place, label in enumerate(labels)
    )


def figures_of_label(
    label: str, of_label: npt.NDArray[np.bool_], given: npt.NDArray[np.bool_], groups: Labels | None = None
) -> ClassFigures:
    """Return precision, recall and F1 of a label by which rows are `of_label` (n,), and which were `given` it (n,).

    All three are shares of rows: F1 is that of the Jaccard index, the share of the rows that are of the label or were
    given it which are both.
    """
    right = of_label & given
    precision, recall, jaccard = (
        share(right[rows], None if groups is None else groups[rows]) for rows in (given, of_label, of_label | given)
    )
    f1, support = f1_of_jaccard(jaccard), int(of_label.sum())
    return ClassFigures(label=label, precision=precision, recall=recall, f1=f1, support=support)


def f1_of_jaccard(jaccard: Estimate) -> Estimate:
    """Return F1, which is 2j / (1 + j) of the Jaccard index j; the function only rises, so it carries the interval."""
    value, low, high = (2 * j / (1 + j) for j in (jaccard.value, jaccard.low, jaccard.high))
    return Estimate(value=value, low=low, high=high)


def confusions(true: Labels, predicted: Labels, labels: Sequence[str], limit: int) -> tuple[Confusion, ...]:
    """Return up to `limit` of the most frequent confusions, most rows first, then the largest share of the label's."""
    matrix = confusion_matrix(true, predicted, len(labels))
    return confusions_of(matrix, matrix.sum(axis=1), labels, limit)


def confusions_of(
    matrix: npt.NDArray[np.int64], rows: npt.NDArray[np.integer], labels: Sequence[str], limit: int
) -> tuple[Confusion, ...]:
    """Return the most frequent confusions of a `matrix` (k, k) of labels that have so many `rows` (k,)."""
    wrong = [(int(i), int(j)) for i, j in zip(*np.nonzero(matrix), strict=True) if i != j]
    wrong.sort(key=lambda pair: (-matrix[pair], -matrix[pair] / rows[pair[0]], pair))
    return tuple(
        Confusion(label=labels[i], predicted=labels[j], count=int(matrix[i, j]), share=float(matrix[i, j] / rows[i]))
        for i, j in wrong[:limit]
    )
