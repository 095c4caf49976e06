"""Answers to rows that a model was not trained on: what methods are measured, compared and calibrated by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from classwright_tools.domain.cards import Candidate, Validation
from classwright_tools.domain.example import Origin
from classwright_tools.domain.figures import ClassFigures, FiguresAtShares
from classwright_tools.domain.shares import TaskShares
from classwright_tools.learning.calibration import softmax
from classwright_tools.learning.figures import validation_of
from classwright_tools.learning.rows import Rows, query_numbers
from classwright_tools.learning.setup import Setup
from classwright_tools.statistics.at_shares import figures_at_shares, own_shares
from classwright_tools.statistics.metrics import class_figures
from classwright_tools.statistics.paired import compare, likeliest
from classwright_tools.statistics.paired_rare import balanced_gain


@dataclass(frozen=True)
class HeldOut:
    """Rows that a model was not trained on: their label numbers (n,), and the logits (n, k) that it gave them.

    `likeness` (n,) is how like the rows that it learnt each is, None where it cannot tell. `measured_on` says in words
    which rows they are. `queries` (n,) are numbers of the pairs' queries, None for single texts.
    """

    data: Origin
    measured_on: str
    labels: np.ndarray
    logits: np.ndarray
    likeness: np.ndarray | None
    queries: np.ndarray | None
    setup: Setup

    @cached_property
    def validation(self) -> Validation:
        """The figures on these rows, of the likeliest labels by the logits alone."""
        return self.figures_of(softmax(self.logits))

    def figures_of(self, proba: np.ndarray) -> Validation:
        """Return the figures on these rows of the probabilities `proba` (n, k), as a model that gives them decides."""
        about = self.setup
        return validation_of(
            self.labels, proba, about.labels, self.data, self.measured_on, about.mismatch, self.queries
        )

    def classes_of(self, proba: np.ndarray) -> tuple[ClassFigures, ...]:
        """Return the figures of each label, of what `figures_of` is of."""
        return class_figures(self.labels, proba.argmax(axis=1), self.setup.labels, self.queries)

    def at_shares(self, proba: np.ndarray, shares: TaskShares | None) -> FiguresAtShares | None:
        """Return the figures of the probabilities `proba` (n, k) at the `shares`, without any at those of the rows."""
        about = self.setup
        values = shares.values if shares else own_shares(self.labels, about.k)
        return figures_at_shares(self.labels, proba, values, about.labels, self.queries, mismatch=about.mismatch)

    @property
    def alike(self) -> bool:
        """Whether labels count alike, however many rows they have."""
        return self.setup.imbalance != "none"

    @property
    def merit(self) -> float:
        """What methods are chosen by: the average precision of mismatches, which are rare, else the accuracy."""
        accuracy = self.validation.balanced_accuracy if self.alike else self.validation.accuracy
        return (self.validation.average_precision or accuracy).value

    def against(self, method: str, other: HeldOut) -> Candidate:
        """Return what the `other` answers to the same rows, those of a model by `method`, are beside these.

        The lead is tested in what methods are chosen by, as `merit` says.
        """
        proba = softmax(self.logits), softmax(other.logits)
        found = compare(self.labels, *proba, against=method, mismatch=self.setup.mismatch, groups=self.queries)
        tested_in, gain = found.measure
        if self.alike and tested_in == "accuracy":
            tested_in, gain = "balanced accuracy", balanced_gain(self.labels, likeliest(*proba), self.queries)
            found = found.model_copy(update={"balanced_accuracy_gain": gain})
        is_more = found.sign_of(gain) > 0
        return Candidate(
            method=method, validation=other.validation, comparison=found, tested_in=tested_in, may_be_chance=not is_more
        )


def held_out(words: str, rows: Rows, logits: np.ndarray, likeness: np.ndarray | None, setup: Setup) -> HeldOut:
    """Return what was answered to `rows` that were held out, with what the setup says of them."""
    queries = query_numbers(rows.texts) if setup.pairs else None
    return HeldOut(rows.origin, words, rows.labels, logits, likeness, queries, setup)
