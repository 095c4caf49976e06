"""Figures at label shares that are not those of the rows that a classifier is measured on.

Each label's rows count for the label's share. Texts of a label are taken to be alike here and there: recall is then the
same at any shares, accuracy and precision are not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.figures import LEAST_ROWS, Estimate, FiguresAtShares, RareLabel
from classwright_tools.statistics.intervals import bootstrap
from classwright_tools.statistics.metrics import Floats, Labels
from classwright_tools.statistics.operating_points import at_own_thresholds, at_thresholds_of
from classwright_tools.statistics.ranking import recall_at_false_alarms
from classwright_tools.statistics.told_thresholds import as_told
from classwright_tools.statistics.weighted_rows import WeightedRows

RARE = 0.5  # of the share that a label would have if all had the same


def figures_at_shares(
    true: Labels,
    proba: npt.NDArray[np.floating],
    shares: Sequence[float],
    names: Sequence[str],
    groups: Labels | None = None,
    *,
    mismatch: int | None = None,
    chooses: bool = True,
    chosen: RareLabel | None = None,
    seed: int = 0,
) -> FiguresAtShares | None:
    """Return the figures of the probabilities `proba` (n, k) of rows whose labels are `true` (n,), at the `shares` (k).

    Intervals are those of `WeightedRows`, of which `groups` (n,) are drawn whole. The shares are taken as they
    are, so what is not known of them is not in the intervals. Figures of the rare label, or of pairs of the label with
    the number `mismatch`, are of `LEAST_ROWS` rows or more. Its thresholds are chosen on these rows, or where nothing
    `chooses` are those of `chosen`. None where a label that has a share has no row.
    """
    counts = np.bincount(true, minlength=len(shares))
    if np.any((counts == 0) & (np.asarray(shares) > 0)):
        return None
    predicted = proba.argmax(axis=1)
    rows = WeightedRows(true, row_weights(true, shares)[true], groups, seed)
    right = true == predicted
    rare = rare_label(shares) if mismatch is None else mismatch
    found = None
    if rare is not None and LEAST_ROWS <= counts[rare] < len(true):
        scores, of_it, given = as_told(proba[:, rare]), true == rare, predicted == rare
        found = RareLabel(
            label=names[rare],
            share=shares[rare],
            of_rows=float(counts[rare] / len(true)),
            precision=rows.precision(of_it, given),
            recall=rows.recall(of_it, given),
            f1=rows.f1(of_it, given),
            recall_at_false_alarms=recall_at_false_alarms(of_it, scores, groups, seed=seed),
        )
        if chooses:
            found = at_own_thresholds(found, of_it, scores, rows)
        elif chosen and chosen.label == found.label:
            found = at_thresholds_of(chosen, found, of_it, scores, rows)
    return FiguresAtShares(accuracy=rows.share(right, np.ones(len(true), bool)), rare=found)


def gain_at_shares(
    true: Labels,
    right: npt.NDArray[np.bool_],
    other_right: npt.NDArray[np.bool_],
    shares: Sequence[float],
    groups: Labels | None,
    *,
    seed: int,
) -> Estimate:
    """Return by how much the accuracy is higher at the `shares` (k,) if the answers `right` (n,) are, not the other's.

    Both answer the rows whose labels are `true` (n,): a resample draws them with both answers.
    """
    weight = row_weights(true, shares)

    def statistic(weights: Floats, true: Labels, difference: npt.NDArray[np.integer]) -> Floats:
        counted = weights * weight[true]
        gain: Floats = counted @ difference / counted.sum(axis=1)
        return gain

    difference = right.astype(int) - other_right
    return bootstrap(statistic, true, difference, strata=true, groups=groups, least=-1.0, seed=seed)


def row_weights(true: Labels, shares: Sequence[float]) -> Floats:
    """Return what a row of each label (k,) counts for."""
    weights: Floats = np.asarray(shares) / np.maximum(np.bincount(true, minlength=len(shares)), 1)
    return weights


def own_shares(true: Labels, k: int) -> tuple[float, ...]:
    """Return the share of each of k labels among rows whose labels are `true` (n,)."""
    return tuple((np.bincount(true, minlength=k) / len(true)).tolist())


def rare_label(shares: Sequence[float]) -> int | None:
    """Return the place of the label with the smallest of the `shares` (k,) above 0, if it is a rare one."""
    rarest = int(np.argmin([share or 1.0 for share in shares]))
    return rarest if 0 < shares[rarest] < RARE / len(shares) else None
