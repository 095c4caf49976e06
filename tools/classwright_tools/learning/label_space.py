"""The space of a task's labels: one label a row, or several, each with a probability from which on it applies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from classwright.predict import given_labels, own_thresholds, reaches, trusted
from classwright_tools.domain.excerpt import listed
from classwright_tools.errors import InvalidInput, did_you_mean
from classwright_tools.learning.calibration import softmax

Answer = str | tuple[str, ...]
"""A label, or where a row may have several all that apply."""


class Judged(NamedTuple):
    """Answers to n texts: how probable each is to be right (n,), which reach their threshold, and which are sure."""

    answers: list[Answer]
    right: np.ndarray
    reached: np.ndarray
    sure: np.ndarray

    @property
    def below(self) -> int:
        """Answers below their threshold: the others that are not sure are out of scope alone."""
        return int((~self.reached).sum())


@dataclass(frozen=True)
class LabelSpace:
    """The k `labels`; with `thresholds` (k,) a row may have several, else it has one.

    Labels in `own` have a threshold of their own. Where a row has one label they are given from it on, and only then,
    as `classwright.predict.given_labels` says.
    """

    labels: tuple[str, ...]
    thresholds: tuple[float, ...] = ()
    own: Mapping[str, float] = field(default_factory=dict)

    def under(self, own: Mapping[str, float]) -> LabelSpace:
        """Return the space where labels have thresholds of their `own`.

        Raises:
            InvalidInput: one is none of the labels.
        """
        if unknown := [label for label in own if label not in self.labels]:
            known = listed(map(repr, self.labels), 10)
            repair = did_you_mean(unknown[0], self.labels) or f"It knows {known}."
            raise InvalidInput(f"`thresholds` of {unknown[0][:100]!r}", "is of no label of the model", repair)
        usual = zip(self.labels, self.thresholds, strict=False)  # none where a row has one label
        return replace(self, thresholds=tuple(own.get(label, one) for label, one in usual), own=own)

    @property
    def several(self) -> bool:
        """Whether a row may have several labels."""
        return bool(self.thresholds)

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return the probabilities (n, k) of logits (n, k): they are 1 in all, or each is a label's own."""
        return sigmoid(logits) if self.several else softmax(logits)

    def decide(self, proba: np.ndarray) -> np.ndarray:
        """Return which labels apply (n, k) at the probabilities (n, k): those at or above their thresholds."""
        decided: np.ndarray = proba >= np.asarray(self.thresholds)
        return decided

    def answers(self, proba: np.ndarray) -> tuple[list[Answer], np.ndarray]:
        """Return the answers at the probabilities (n, k), and how probable it is that each is right (n,).

        An answer is the likeliest label, but for labels with thresholds of their own, or where a row may have several
        all that apply.
        """
        if not self.several:
            places = given_labels(proba, own_thresholds(self.labels, self.own))
            return [self.labels[place] for place in places], proba[np.arange(len(places)), places]
        decided = self.decide(proba)
        return [self.named(row) for row in decided], certainty(proba, decided)

    def gives(self, proba: np.ndarray, label: str) -> np.ndarray:
        """Return whether each row gets the `label` (n,) at the probabilities (n, k)."""
        place = self.labels.index(label)
        if self.several:
            return self.decide(proba)[:, place]
        given: np.ndarray = given_labels(proba, own_thresholds(self.labels, self.own)) == place
        return given

    def judge(self, proba: np.ndarray, foreign: np.ndarray, threshold: float) -> Judged:
        """Return the answers at the probabilities (n, k) to texts, of which some are `foreign` (n,), out of scope.

        An answer is sure that reaches its label's own threshold, or else `threshold`, to a text that is in scope, or
        whose label takes all that is of no other one.
        """
        answers, right = self.answers(proba)
        reached = reaches(answers, right, threshold, self.own)
        return Judged(answers, right, reached, trusted(answers, reached, foreign))

    def named(self, decided: np.ndarray) -> tuple[str, ...]:
        """Return the labels that apply to a row, of which `decided` (k,) says it."""
        return tuple(self.labels[place] for place in np.flatnonzero(decided))


def encode(labels: Iterable[Sequence[str]], names: Sequence[str]) -> np.ndarray:
    """Return which of `names` each row has (n, k), bool.

    Raises:
        KeyError: a label is none of `names`.
    """
    places = {name: place for place, name in enumerate(names)}
    rows = [[places[label] for label in own] for own in labels]
    encoded = np.zeros((len(rows), len(names)), bool)
    for row, own in enumerate(rows):
        encoded[row, own] = True
    return encoded


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Return the probability of each of the logits by itself."""
    from scipy.special import expit

    found: np.ndarray = expit(logits)
    return found


def certainty(proba: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """Return how probable it is (n,) that all labels of a row are as `decided` (n, k), each by itself."""
    found: np.ndarray = np.where(decided, proba, 1 - proba).prod(axis=1)
    return found
