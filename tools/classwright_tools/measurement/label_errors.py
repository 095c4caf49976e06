"""Errors label by label where rows may have several: what was missed, what was added, and what was given together."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.analysis import LabelErrorRows, LabelsTogether, RowInError
from classwright_tools.measurement.held_out import Answers
from classwright_tools.statistics.exact_tests import SIGNIFICANCE, mcnemar

SHOWN = 5


def label_errors(found: Answers) -> tuple[LabelErrorRows, ...]:
    """Return the labels that were missed or added in some row, those in most rows first."""
    missed, added = found.true & ~found.predicted, found.predicted & ~found.true
    errors = [
        LabelErrorRows(
            label=label,
            rows=int(found.true[:, place].sum()),
            missed=int(missed[:, place].sum()),
            added=int(added[:, place].sum()),
            missed_rows=_surest(found, missed[:, place], place, found.proba[:, place]),
            added_rows=_surest(found, added[:, place], place, -found.proba[:, place]),
        )
        for place, label in enumerate(found.labels)
    ]
    wrong = [one for one in errors if one.missed or one.added]
    return tuple(sorted(wrong, key=lambda one: (-one.missed - one.added, one.label)))


def _surest(
    found: Answers, chosen: npt.NDArray[np.bool_], label: int, doubt: npt.NDArray[np.float64]
) -> tuple[RowInError, ...]:
    """Return the `chosen` rows (n,) of the least `doubt` (n,), with the probability of `label`, a place, in each."""
    rows = sorted(np.flatnonzero(chosen).tolist(), key=lambda place: (doubt[place], found.rows[place].id))[:SHOWN]
    return tuple(
        RowInError(
            example=found.rows[place].id, text=found.rows[place].shown, probability=float(found.proba[place, label])
        )
        for place in rows
    )


def given_together(found: Answers) -> tuple[LabelsTogether, ...]:
    """Return the pairs of labels that are given together too often, those by most rows first.

    More rows were given both without having both than the other way round, by the exact McNemar test at 5% over all
    pairs that were given to some row (Bonferroni).
    """
    true, given = found.true.astype(np.int64), found.predicted.astype(np.int64)
    both = (found.true & found.predicted).astype(np.int64)
    has, got, right = true.T @ true, given.T @ given, both.T @ both
    pairs = [pair for pair in combinations(range(len(found.labels)), 2) if got[pair]]
    excess = {pair: int(got[pair] - has[pair]) for pair in pairs}
    often = [
        pair
        for pair in pairs
        if excess[pair] > 0
        and mcnemar(int(got[pair] - right[pair]), int(has[pair] - right[pair])) < SIGNIFICANCE / len(pairs)
    ]
    return tuple(_together(found, pair, got, has, right) for pair in sorted(often, key=lambda p: (-excess[p], p)))


def _together(found: Answers, pair: tuple[int, int], *counts: npt.NDArray[np.int64]) -> LabelsTogether:
    wrongly = found.predicted[:, pair].all(axis=1) & ~found.true[:, pair].all(axis=1)
    sure = found.proba[:, pair].prod(axis=1)
    rows = sorted(np.flatnonzero(wrongly).tolist(), key=lambda place: (-sure[place], found.rows[place].id))
    given, has, right = (int(count[pair]) for count in counts)
    return LabelsTogether(
        label=found.labels[pair[0]],
        other=found.labels[pair[1]],
        given=given,
        rows=has,
        right=right,
        examples=tuple(found.rows[place].shown for place in rows[:SHOWN]),
    )
