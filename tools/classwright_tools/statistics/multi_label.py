"""Metrics of rows that may have several labels, with 95% intervals.

What rows have and what they were given are matrices (n, k), true where a label applies, in the order of the model's
`labels`. The names are scikit-learn's: accuracy is subset accuracy, all labels of a row right and no other given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.comparison import Comparison
from classwright_tools.domain.figures import ClassFigures, Confusion, Estimate, Figures, ReliabilityBin, SetSizeFigures
from classwright_tools.domain.gains import TestedGain
from classwright_tools.statistics.exact_tests import SIGNIFICANCE
from classwright_tools.statistics.intervals import Statistic, bootstrap
from classwright_tools.statistics.metrics import (
    confusions_of,
    figures_of_label,
    log_loss,
    mean_gap,
    never_certain,
    ratio,
    reliability_of,
    share,
)
from classwright_tools.statistics.paired import gain_in_accuracy, paired_p
from classwright_tools.statistics.share_interval import mean_of_labels, wider
from classwright_tools.statistics.swapped_answers import gain_by_swaps

Sets = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Mean = Callable[[Floats, Sets, Sets], Floats]
"""Of weights (b, m) of m rows, what they have and what they were given (m, k): b values."""


def compute_figures(true: Sets, decided: Sets, proba: Floats, labels: Sequence[str], *, seed: int = 0) -> Figures:
    """Return all figures of rows whose labels are `true` (n, k), which were `decided` to be (n, k) at `proba` (n, k).

    Averages over labels are over those that the rows have. Log-loss and calibration error are of single decisions, of
    each label of each row. Accuracy has Wilson's interval, the others the bootstrap's over rows; of averages over
    labels, each limit is that of `mean_of_labels` where this is the wider one.
    """
    concerned = (true | decided).any(axis=1)  # the rows that all F1 but samples-F1 are of
    right = (true == decided).all(axis=1)
    accuracy = share(right)

    def interval(statistic: Mean, accuracy: Estimate) -> Estimate:
        of_numbers, columns = _of_numbers(statistic, true, decided)
        return never_certain(bootstrap(of_numbers, *columns, seed=seed), accuracy)

    every, applies = _decisions(proba), true.ravel()
    own = [one for one in class_figures(true, decided, labels) if one.support]
    return Figures(
        rows=len(true),
        accuracy=accuracy,
        balanced_accuracy=wider(interval(macro_recall, accuracy), mean_of_labels([one.recall for one in own])),
        macro_f1=wider(interval(macro_f1, accuracy), mean_of_labels([one.f1 for one in own])),
        micro_f1=interval(micro_f1, share(right[concerned])),
        samples_f1=interval(samples_f1, accuracy),
        weighted_f1=interval(weighted_f1, share(right[concerned])),
        mcc=None,
        log_loss=log_loss(applies.astype(np.int64), every),
        calibration_error=mean_gap(reliability(true, proba)),
        not_covered=tuple(label for label, rows in zip(labels, true.sum(axis=0), strict=True) if not rows),
        guessing=_guessing(true),
        guessing_sets=float(np.unique(true, axis=0, return_counts=True)[1].max() / len(true)),
        by_size=tuple(_by_size(true, decided)),
    )


def _by_size(true: Sets, decided: Sets) -> Iterator[SetSizeFigures]:
    """Yield how many rows got all their labels and no other, by how many a row has."""
    sizes, right = true.sum(axis=1), (true == decided).all(axis=1)
    for size, rows in zip(*np.unique(sizes, return_counts=True), strict=True):
        yield SetSizeFigures(labels=int(size), rows=int(rows), right=share(right[sizes == size]))


def _decisions(proba: Floats) -> Floats:
    """Return the probabilities (n * k, 2) that a label does not apply, and that it does, of each label of each row."""
    applies = proba.reshape(-1)
    return np.stack([1 - applies, applies], axis=1)


def _guessing(true: Sets) -> float:
    """Return the micro-F1 of giving the label that most rows have to every row."""
    most, given = float(true.sum(axis=0).max()), float(true.sum())
    return 2 * most / (len(true) + given)


def _of_numbers(statistic: Mean, *sets: Sets) -> tuple[Statistic, list[npt.NDArray[np.int64]]]:
    """Return the `statistic` as one of columns of numbers (n,), one for each distinct set, and `sets` as such."""
    distinct, numbers = np.unique(np.concatenate(sets), axis=0, return_inverse=True)

    def of_numbers(weights: Floats, *columns: npt.NDArray[np.int64]) -> Floats:
        return statistic(weights, *(distinct[column] for column in columns))

    return of_numbers, np.split(numbers.reshape(-1), len(sets))


# --- means: of weights (b, m), and matrices (m, k), to b values


def macro_f1(weights: Floats, true: Sets, given: Sets) -> Floats:
    """Return the mean F1 of the labels that any of the rows has: of one that a resample does not draw it is 0."""
    there = true.any(axis=0)
    mean: Floats = _f1_of_labels(weights, true, given)[:, there].sum(axis=1) / max(1, there.sum())
    return mean


def macro_recall(weights: Floats, true: Sets, given: Sets) -> Floats:
    """Return the mean share found of the labels that any of the rows has: of one that is not drawn it is 0."""
    there = true.any(axis=0)
    found = ratio(weights @ (true & given).astype(float), weights @ true.astype(float))
    mean: Floats = found[:, there].sum(axis=1) / max(1, there.sum())
    return mean


def weighted_f1(weights: Floats, true: Sets, given: Sets) -> Floats:
    """Return the mean F1 of the labels, each weighted by its rows."""
    rows = weights @ true.astype(float)
    return ratio((_f1_of_labels(weights, true, given) * rows).sum(axis=1), rows.sum(axis=1))


def _f1_of_labels(weights: Floats, true: Sets, given: Sets) -> Floats:
    """Return the F1 of each label (b, k)."""
    both = weights @ (true & given).astype(float)
    return ratio(2 * both, weights @ true.astype(float) + weights @ given.astype(float))


def micro_f1(weights: Floats, true: Sets, given: Sets) -> Floats:
    """Return the F1 of all labels of all rows together."""
    both = weights @ (true & given).sum(axis=1).astype(float)
    return ratio(2 * both, weights @ (true.sum(axis=1) + given.sum(axis=1)).astype(float))


def samples_f1(weights: Floats, true: Sets, given: Sets) -> Floats:
    """Return the mean over rows of the F1 of a row's labels; a row without labels that is given none has 1."""
    either = (true.sum(axis=1) + given.sum(axis=1)).astype(float)
    own = np.where(either > 0, ratio(2.0 * (true & given).sum(axis=1), either), 1.0)
    return ratio(weights @ own, weights.sum(axis=1))


# --- one model against another


def compare(true: Sets, ours: Sets, theirs: Sets, against: str, seed: int = 0) -> Comparison:
    """Return how much better the sets of labels `ours` (n, k) are than `theirs` on rows that have `true`.

    A resample draws rows, and with a row both models' answers. `significant` is the exact McNemar test's verdict at 5%
    on the rows where just one of the two has all labels right; F1 is tested by `swap_p`.
    """
    a_right, b_right = ((true == given).all(axis=1) for given in (ours, theirs))

    def gain(statistic: Mean) -> TestedGain:
        of_numbers, columns = _of_numbers(statistic, true, ours, theirs)
        return gain_by_swaps(of_numbers, *columns, seed=seed)

    p = paired_p(a_right, b_right, None)
    return Comparison(
        against=against,
        accuracy_gain=gain_in_accuracy(a_right, b_right, seed=seed),
        macro_f1_gain=gain(macro_f1),
        micro_f1_gain=gain(micro_f1),
        only_this_right=int((a_right & ~b_right).sum()),
        only_other_right=int((b_right & ~a_right).sum()),
        p=p,
        significant=p < SIGNIFICANCE,
    )


# --- labels


def class_figures(true: Sets, decided: Sets, labels: Sequence[str]) -> tuple[ClassFigures, ...]:
    """Return precision, recall and F1 of every label, in the order of `labels`."""
    return tuple(figures_of_label(label, true[:, place], decided[:, place]) for place, label in enumerate(labels))


def confusion_matrix(true: Sets, decided: Sets) -> npt.NDArray[np.int64]:
    """Return the counts (k, k): rows with the label in the row that were given the label in the column.

    Beside the diagonal only what is an error in both counts: the one was missed, and the other does not apply. Of rows
    with one label each it is the usual matrix.
    """
    missed, false = (true & ~decided).astype(np.int64), (decided & ~true).astype(np.int64)
    found: npt.NDArray[np.int64] = missed.T @ false
    np.fill_diagonal(found, (true & decided).sum(axis=0))
    return found


def confusions(true: Sets, decided: Sets, labels: Sequence[str], limit: int) -> tuple[Confusion, ...]:
    """Return the labels that are most often taken for another: the one was missed where the other was given wrongly."""
    return confusions_of(confusion_matrix(true, decided), true.sum(axis=0), labels, limit)


def reliability(true: Sets, proba: Floats) -> tuple[ReliabilityBin, ...]:
    """Return the decisions, each label of each row, in groups by the probability that the label applies."""
    return reliability_of(proba.reshape(-1), true.reshape(-1))
