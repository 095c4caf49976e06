"""The space of a task's labels: one label a row, or several, each with a probability from which on it applies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from classwright_tools.learning.calibration import softmax

Answer = str | tuple[str, ...]
"""A label, or where a row may have several all that apply."""


@dataclass(frozen=True)
class LabelSpace:
    """The k `labels`; with `thresholds` (k,) a row may have several, else it has one."""

    labels: tuple[str, ...]
    thresholds: tuple[float, ...] = ()

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

        An answer is the likeliest label, or where a row may have several all that apply.
        """
        if not self.several:
            return [self.labels[place] for place in proba.argmax(axis=1)], proba.max(axis=1)
        decided = self.decide(proba)
        return [self.named(row) for row in decided], certainty(proba, decided)

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
