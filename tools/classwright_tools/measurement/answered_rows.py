"""Answers to the rows of a dataset, and the doubts that follow from them: of rows with one label, and with several."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classwright_tools.domain.example import Example
from classwright_tools.learning.label_space import certainty, encode
from classwright_tools.measurement.doubts import MOST_GUESSES, NO_ANSWER, NOTHING, Doubts

CLOSE = 0.2
"""A row is unsure where its two likeliest labels are this close,"""
RARELY_RIGHT = 0.5
"""or where the answer, a label or a whole set, is right with less than this probability."""

Rows = Sequence[tuple[str, Example]]
"""Rows, each with its split."""


@dataclass(frozen=True)
class Answered:
    """Probabilities (n, k), NaN of rows without an answer; where several may apply, `decided` (n, k) says which."""

    proba: NDArray[np.float32]
    decided: NDArray[np.bool_]

    @staticmethod
    def none(rows: int, labels: int) -> Answered:
        """Return that no row has an answer; there is a column even where no label is known."""
        k = max(labels, 1)
        return Answered(np.full((rows, k), np.nan, np.float32), np.zeros((rows, k), bool))

    def take(
        self, places: Sequence[int] | NDArray[np.int64], proba: NDArray[np.floating], thresholds: tuple[float, ...]
    ) -> None:
        """Take the answers `proba` (m, k) to the rows at `places`."""
        self.proba[places] = proba
        if thresholds:
            self.decided[places] = proba >= np.asarray(thresholds)


def doubts_of_labels(
    rows: Rows,
    labels: tuple[str, ...],
    answered: Answered,
    suspect: NDArray[np.bool_],
    told: Collection[str] = (),
) -> Doubts:
    """Return the doubts about rows with one label each.

    A row that is given another label is worth a look by how improbable its own is, which finds more wrong labels than
    the lead of the other does; the others, and those without a label, the more the closer their two likeliest labels
    are, 0 at most.
    """
    known, filled = _filled(answered)
    best = np.argsort(-filled, axis=1, kind="stable")[:, :MOST_GUESSES]
    chances = np.take_along_axis(filled, best, axis=1).astype(np.float32)
    number = {label: place for place, label in enumerate(labels)}
    place = np.array([number.get(row.label or "", -1) for _, row in rows], np.int64)
    own = np.where((place >= 0) & known, filled[np.arange(len(rows)), place], np.nan).astype(np.float32)
    first, second = chances[:, 0], chances[:, 1] if chances.shape[1] > 1 else np.zeros_like(chances[:, 0])
    disagrees = ~np.isnan(own) & (own < first)
    doubt = np.where(disagrees, 1 - own, second - first)
    return Doubts(
        labels=np.array(labels, np.str_),
        guesses=np.where(known[:, None], best, NOTHING).astype(np.uint16),
        chances=chances,
        given=np.ones(len(rows), np.uint16),
        own=own,
        doubt=np.where(known, doubt, NO_ANSWER).astype(np.float32),
        disagrees=disagrees,
        unsure=(first - second < CLOSE) | (first < RARELY_RIGHT),
        suspect=suspect,
        places=np.empty((0, 2), np.float32),
        several=np.array(False),
        told=np.isin(labels, list(told)),
    )


def doubts_of_sets(
    rows: Rows,
    labels: tuple[str, ...],
    answered: Answered,
    suspect: NDArray[np.bool_],
    told: Collection[str] = (),
) -> Doubts:
    """Return the doubts about rows that may have several labels.

    A row whose set is another than the one given is worth a look by how probable it is that a label of it is wrong, or
    one is missing; the others, and those without labels, the less probable the whole set given is, 0 at most.
    """
    known, filled = _filled(answered)
    decided = answered.decided
    given = decided.sum(axis=1)
    most = max(MOST_GUESSES, int(given.max(initial=0)))
    best = np.argsort(-(decided + filled), axis=1, kind="stable")[:, :most]  # those that apply come first
    labelled = np.array([row.labels is not None for _, row in rows]) & known
    true = encode([row.labels or () for _, row in rows], labels)
    own = np.where(labelled, np.where(true, filled, 1 - filled).min(axis=1, initial=1), np.nan)
    disagrees = labelled & (true != decided).any(axis=1)
    certain = certainty(filled, decided)
    return Doubts(
        labels=np.array(labels, np.str_),
        guesses=np.where(known[:, None], best, NOTHING).astype(np.uint16),
        chances=np.take_along_axis(filled, best, axis=1).astype(np.float32),
        given=given.astype(np.uint16),
        own=own.astype(np.float32),
        doubt=np.where(known, np.where(disagrees, 1 - own, -certain), NO_ANSWER).astype(np.float32),
        disagrees=disagrees,
        unsure=certain < RARELY_RIGHT,
        suspect=suspect,
        places=np.empty((0, 2), np.float32),
        several=np.array(True),
        told=np.isin(labels, list(told)),
    )


def _filled(answered: Answered) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return which rows have an answer (n,), and the probabilities (n, k), 0 of the others."""
    known: NDArray[np.bool_] = ~np.isnan(answered.proba[:, 0])
    return known, np.where(known[:, None], answered.proba, 0)
