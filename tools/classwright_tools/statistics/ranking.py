"""Ranking of a rare label's rows before the others: average precision, the area under the precision-recall curve."""

from __future__ import annotations

from math import ceil

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from classwright_tools.domain.figures import LEAST_ROWS, Estimate
from classwright_tools.statistics.intervals import bootstrap
from classwright_tools.statistics.platt import platt
from classwright_tools.statistics.share_interval import wider, wilson
from classwright_tools.statistics.told_thresholds import last_of_equal, told_from

Floats = npt.NDArray[np.float64]
FALSE_ALARMS = 0.05  # of the rows that are not of the label
_ROUNDING = 1e-9
_SMALLEST = 1e-6  # of a score whose odds are taken: what `as_told` tells from 0


def average_precision(
    positive: npt.NDArray[np.bool_],
    scores: npt.NDArray[np.floating],
    groups: npt.NDArray[np.integer] | None = None,
    *,
    seed: int = 0,
) -> Estimate:
    """Return the area under the precision-recall curve of `scores` (n,), with its interval.

    It is the sum of the precisions at each score, each times the recall gained there (as in scikit-learn: no
    interpolation); rows of one score count together. A resample keeps the number of `positive` rows (n,), of which
    there must be some, or draws whole `groups` (n,) where these are given.
    """
    found = bootstrap(average_precision_of, positive, scores, strata=positive, groups=groups, seed=seed)
    return _of_few(found, positive, groups)


def average_precision_of(weights: Floats, positive: npt.NDArray[np.bool_], scores: Floats) -> Floats:
    """Return the average precision (b,) of m distinct rows that occur `weights` (b, m) times."""
    found, given = _from_each_score(weights, positive, scores)
    gained = np.diff(found, axis=1, prepend=0)
    precision = np.divide(found, given, out=np.zeros_like(found), where=given > 0)
    area: Floats = (gained * precision).sum(axis=1) / found[:, -1]
    return area


def recall_at_false_alarms(
    positive: npt.NDArray[np.bool_],
    scores: npt.NDArray[np.floating],
    groups: npt.NDArray[np.integer] | None = None,
    *,
    seed: int = 0,
) -> Estimate:
    """Return the share of the `positive` rows (n,) that the `scores` (n,) find where `FALSE_ALARMS` of the others are.

    It is the most that a threshold finds which lets no more of the others through. A resample keeps the number of
    positive rows, or draws whole `groups` (n,) where these are given; there must be rows of both kinds.
    """
    found = bootstrap(_recall_at_false_alarms, positive, scores, strata=positive, groups=groups, seed=seed)
    return _of_few(found, positive, groups)


def _of_few(found: Estimate, positive: npt.NDArray[np.bool_], groups: npt.NDArray[np.integer] | None) -> Estimate:
    """Widen `found` to Wilson's interval of as many rows as are `positive`, or groups with one, if these are few.

    A resample draws these few again, and shows no error where none was made. So it is widened too where all rows were
    found at once, or none.
    """
    trials = positive.sum() if groups is None else len(np.unique(groups[positive]))
    if trials >= LEAST_ROWS and 0 < found.value < 1:
        return found
    return wider(found, wilson(float(trials * found.value), float(trials)))


def threshold_at_false_alarms(positive: npt.NDArray[np.bool_], scores: npt.NDArray[np.floating]) -> float | None:
    """Return the score from which on `FALSE_ALARMS` of the rows that are not `positive` (n,) are found, or fewer.

    It is the shortest decimal number between the lowest of the `scores` (n,) that is found and the next lower one; the
    scores are `as_told`. None where no score is reached by so few.
    """
    others = np.sort(scores[~positive])[::-1]
    allowed = int(FALSE_ALARMS * len(others) + _ROUNDING)
    limit = float(others[allowed])  # of the others, the first that is one too many
    found = scores[scores > limit]
    return told_from(float(found.min()), scores, halfway=True) if len(found) else None


def threshold_at_recall(positive: npt.NDArray[np.bool_], scores: npt.NDArray[np.floating], recall: float) -> float:
    """Return the score from which on the share `recall` of the `positive` rows (n,), or more, is found.

    It is the shortest decimal number between the lowest of the `scores` (n,) that is needed and the next lower one; the
    scores are `as_told`. There must be a positive row.
    """
    own = np.sort(scores[positive])[::-1]
    needed = max(1, ceil(recall * len(own) - _ROUNDING))
    return told_from(float(own[needed - 1]), scores, halfway=True)


def threshold_of_best_f1(
    positive: npt.NDArray[np.bool_], scores: npt.NDArray[np.floating], weights: Floats
) -> float | None:
    """Return the score from which on the F1 of the `positive` rows (n,) is highest; None where they score no higher.

    A row counts for its weight of the `weights` (n,). The F1 is the one to be expected, 2 sum(p of those given) /
    (number given + sum(p)): the labels of a few rows tell it less well than probabilities (plug-in rule: Ye et al.
    2012, "Optimizing F-measures: a tale of two approaches"). These are the `scores` (n,), by Platt: of a model that
    learnt labels as if they were equally frequent, the scores of a rare one are far too high. The threshold is the
    shortest decimal number between the lowest of the scores that is given the label and the next lower one; the scores
    are `as_told`.
    """
    odds = logit(np.clip(scores, _SMALLEST, 1 - _SMALLEST))
    slope, offset = platt(odds, positive, weights)
    if not slope:
        return None
    order = np.argsort(-scores, kind="stable")
    expected = np.cumsum((weights * expit(slope * odds + offset))[order])
    given = np.cumsum(weights[order])
    f1 = 2 * expected / (given + expected[-1])
    ends = last_of_equal(scores[order])
    return told_from(float(scores[order][ends][np.argmax(f1[ends])]), scores, halfway=True)


def _from_each_score(weights: Floats, positive: npt.NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats]:
    """Return how many positive rows, and how many rows, have each different score or a higher one (b, e), falling.

    The m distinct rows occur `weights` (b, m) times.
    """
    order = np.argsort(-scores, kind="stable")
    ends, weights = last_of_equal(scores[order]), weights[:, order]
    return np.cumsum(weights * positive[order], axis=1)[:, ends], np.cumsum(weights, axis=1)[:, ends]


def _recall_at_false_alarms(weights: Floats, positive: npt.NDArray[np.bool_], scores: Floats) -> Floats:
    found, given = _from_each_score(weights, positive, scores)
    alarms = given - found
    allowed = alarms <= FALSE_ALARMS * alarms[:, -1:] + _ROUNDING
    most, all_found = (found * allowed).max(axis=1), found[:, -1]
    recall: Floats = np.divide(most, all_found, out=np.zeros_like(all_found), where=all_found > 0)
    return recall
