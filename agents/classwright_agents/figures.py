"""The figures that decisions and the report are made from, as read from the tools' results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from classwright_agents.task_file import Metric

MOST_NAMED = 5


def named(labels: Sequence[str]) -> str:
    """Return the first of `labels` in quotes, and how many more there are."""
    more = f" and {len(labels) - MOST_NAMED} more" if len(labels) > MOST_NAMED else ""
    return ", ".join(map(repr, labels[:MOST_NAMED])) + more


def labels_not_covered(figures: dict[str, Any]) -> tuple[str, ...]:
    """Return the labels of which no row was there, by a tool's `figures`; none where it does not tell."""
    return tuple(figures.get("not_covered", ()))


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95% interval."""

    value: float
    low: float
    high: float

    @classmethod
    def read(cls, data: dict[str, Any]) -> Estimate:
        """Return the estimate in a tool's result."""
        return cls(data["value"], data["low"], data["high"])


@dataclass(frozen=True)
class Gain:
    """A model against the best before it, on the same rows: gains by the paired bootstrap, and a paired test."""

    against: str
    accuracy: Estimate
    macro_f1: Estimate
    p: float
    """That the accuracies differ so much by chance."""
    significant: bool
    """The test's verdict on the accuracies."""

    @classmethod
    def read(cls, data: dict[str, Any]) -> Gain:
        """Return the gain in an evaluation's `comparison`."""
        return cls(
            data["against"],
            Estimate.read(data["accuracy_gain"]),
            Estimate.read(data["macro_f1_gain"]),
            data["p"],
            data["significant"],
        )

    def figure(self, metric: Metric) -> Estimate:
        """Return the gain in `metric`."""
        return self.accuracy if metric == "accuracy" else self.macro_f1

    def is_better(self, metric: Metric) -> bool:
        """Whether the model is better in `metric` by more than chance."""
        return self.significant and self.accuracy.value > 0 if metric == "accuracy" else self.macro_f1.low > 0

    def is_worse(self, metric: Metric) -> bool:
        """Whether the model is worse in `metric` by more than chance."""
        return self.significant and self.accuracy.value < 0 if metric == "accuracy" else self.macro_f1.high < 0


@dataclass(frozen=True)
class Spent:
    """What a run has cost so far."""

    tokens: int = 0
    dollars: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True)
class Round:
    """One round: what was written, trained and measured on validation rows."""

    round: int
    rows: int
    written: int
    method: str
    model: str
    dataset: str
    data: str
    accuracy: Estimate
    macro_f1: Estimate
    seconds: float
    not_covered: tuple[str, ...] = ()
    """Labels that none of the rows measured on has."""
    gain: Gain | None = None
    best_before: float | None = None
    """The target's figure of the best round before."""

    def figure(self, metric: Metric) -> Estimate:
        """Return the validation figure of `metric`."""
        return self.accuracy if metric == "accuracy" else self.macro_f1
