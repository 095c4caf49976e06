"""Rows whose given label is doubted, by confident learning (Northcutt et al. 2021, JAIR 70)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from cleanlab.filter import find_label_issues

from classwright_tools.domain.analysis import LabelIssue
from classwright_tools.domain.augmentation import LEAST_ROWS
from classwright_tools.domain.example import REAL_TEXTS
from classwright_tools.measurement.held_out import Answers

ONE_SIDED = 1.645
"""Standard errors above chance that a one-sided test at 5% asks for."""
LEAST_F1 = 0.5
"""Of a label that is doubted or suggested: of one that is hardly told apart most rows would be doubted."""

LEAST_ABOVE_CHANCE = 0.4
"""Of three labels the answers must be right in 60% of the rows: benchmarks/README.md, "Planted label errors"."""


def label_issues(found: Answers, validation: Collection[str] = ()) -> tuple[LabelIssue, ...]:
    """Return the rows whose label is the least probable of those that the answers contradict, real rows first.

    They are as many as cleanlab doubts of these: rows whose label is among the least likely of that label, and whose
    margin is among the lowest of its cell of the noise matrix (pruning by class and by noise rate, section 3.2). Which
    ones it doubts is not kept to: where labels have few rows, the probability of the row's label finds more of what is
    wrong (benchmarks/README.md, "Planted label errors").
    The answers must come from classifiers that were not trained on the rows: one that was has learnt their errors.
    Rows with an id in `validation` are said to be validation rows, the others training rows. Where rows may have
    several labels, each label is looked at by itself, as to whether a row has it, and a row is as doubtful as the label
    of it that is doubted most. No label is doubted, nor another one suggested, that is not `contradicting`.
    """
    if found.several:
        return _issues_of_sets(found, validation)
    present, true = np.unique(found.true, return_inverse=True)
    told = contradicting(found)
    if len(present) < 2 or not told.any():
        return ()
    proba = found.proba[:, present] + 1e-12  # cleanlab wants every class to occur
    proba /= proba.sum(axis=1, keepdims=True)
    # Else the answers may be what is wrong.
    contradicted = (found.predicted != found.true) & told[found.true] & told[found.predicted]
    most = int((find_label_issues(true, proba, filter_by="both", n_jobs=1) & contradicted).sum())
    own = np.where(contradicted, found.proba[np.arange(len(true)), found.true], np.inf)
    least = np.argsort(own, kind="stable")[:most].tolist()
    return tuple(
        LabelIssue(
            example=found.rows[place].id,
            split="validation" if found.rows[place].id in validation else "train",
            text=found.rows[place].shown,
            given=found.labels[found.true[place]],
            suggested=found.labels[found.predicted[place]],
            given_probability=float(min(1.0, found.proba[place, found.true[place]])),
            suggested_probability=float(min(1.0, found.proba[place, found.predicted[place]])),
        )
        for place in sorted(least, key=lambda place: found.rows[place].origin != "real")
    )


def told_apart(found: Answers) -> npt.NDArray[np.bool_]:
    """Return which labels (k,) the answers tell from the others: what contradicts rows of another one says little.

    These have an F1 of `LEAST_F1` or more. Of one label a row it is none where the answers are right by no more than
    chance, each label counted alike: the mean recall of k labels must lie above 1/k by a one-sided test at 5%, and a
    label's recall has a binomial variance.
    """
    if found.several:
        return _f1((found.true & found.predicted).sum(0), found.true.sum(0) + found.predicted.sum(0)) >= LEAST_F1
    rows, given, right = (
        np.bincount(places, minlength=len(found.labels))
        for places in (found.true, found.predicted, found.true[found.predicted == found.true])
    )
    there = rows > 0
    recall = right[there] / rows[there]
    error = float(np.sqrt((recall * (1 - recall) / rows[there]).sum())) / len(recall)
    by_chance = recall.mean() - ONE_SIDED * error <= 1 / len(recall)
    return (_f1(right, rows + given) >= LEAST_F1) & (not by_chance)


def contradicting(found: Answers) -> npt.NDArray[np.bool_]:
    """Return which labels (k,) rows may be doubted for: those `told_apart`, where the answers are mostly right.

    They have `LEAST_ROWS` rows or more: of three rows one answered rightly makes an F1 of `LEAST_F1`.

    Of one label a row they must be right by `LEAST_ABOVE_CHANCE` of what lies between chance, 1/k, and all: of answers
    that are wrong more often, those that contradict a label hardly name wrong ones, and many of the rows.
    """
    there = found.true.sum(axis=0) if found.several else np.bincount(found.true, minlength=len(found.labels))
    told = told_apart(found) & (there >= LEAST_ROWS)
    if found.several:
        return told
    chance, right = 1 / len(found.labels), float((found.predicted == found.true).mean())
    return told & (right - chance >= LEAST_ABOVE_CHANCE * (1 - chance))


def told_apart_in_real(found: Answers) -> frozenset[str]:
    """Return the labels that the answers to real texts alone tell from the others; none where there are no such."""
    real = [place for place, row in enumerate(found.rows) if row.origin in REAL_TEXTS]
    if not real:
        return frozenset()
    rows = tuple(found.rows[place] for place in real)
    told = told_apart(replace(found, rows=rows, true=found.true[real], proba=found.proba[real]))
    return frozenset(label for label, is_told in zip(found.labels, told.tolist(), strict=True) if is_told)


def _f1(right: npt.NDArray[np.int64], either: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the F1 (k,) of labels by how many rows are `right`, and how many have it and were given it together."""
    return 2 * right / np.maximum(1, either)


def _issues_of_sets(found: Answers, validation: Collection[str]) -> tuple[LabelIssue, ...]:
    doubted = np.zeros(found.true.shape, bool)
    for place in np.flatnonzero(contradicting(found)).tolist():
        doubted[:, place] = _doubted_of_label(found.true[:, place], found.proba[:, place])
    doubted &= (found.true != found.predicted) & (found.true != (found.proba > 0.5))  # a rare one is given at less
    suggested = found.true ^ doubted
    as_given = np.where(found.true, found.proba, 1 - found.proba)
    least = np.where(doubted, as_given, 1).min(axis=1)  # not all together: that would be low of any row with many
    rows = np.flatnonzero(doubted.any(axis=1)).tolist()
    return tuple(
        LabelIssue(
            example=found.rows[place].id,
            split="validation" if found.rows[place].id in validation else "train",
            text=found.rows[place].shown,
            given=found.in_words(found.true[place]),
            suggested=found.in_words(suggested[place]),
            given_probability=float(least[place]),
            suggested_probability=float(1 - least[place]),
            doubted={
                found.labels[label]: float(as_given[place, label])
                for label in sorted(np.flatnonzero(doubted[place]).tolist(), key=lambda label: as_given[place, label])
            },
        )
        for place in sorted(rows, key=lambda place: (found.rows[place].origin != "real", least[place]))
    )


def _doubted_of_label(has: npt.NDArray[np.bool_], proba: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return of which rows (n,) cleanlab doubts whether they have a label, which is so at `proba` (n,)."""
    if not 0 < has.sum() < len(has):
        return np.zeros(len(has), bool)
    answers = np.stack([1 - proba, proba], axis=1)
    doubted: npt.NDArray[np.bool_] = find_label_issues(has.astype(int), answers, filter_by="both", n_jobs=1)
    return doubted
