"""The figures that decisions and the report are made from, as read from the tools' results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from classwright_agents.task_file import Metric


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
    """What a paired test says of a model against the best before it, on the same rows."""

    against: str
    accuracy: Estimate
    p: float
    significant: bool

    @classmethod
    def read(cls, data: dict[str, Any]) -> Gain:
        """Return the gain in an evaluation's `comparison`."""
        return cls(data["against"], Estimate.read(data["accuracy_gain"]), data["mcnemar_p"], data["significant"])


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
    gain: Gain | None = None
    best_before: float | None = None

    def figure(self, metric: Metric) -> Estimate:
        """Return the validation figure of `metric`."""
        return self.accuracy if metric == "accuracy" else self.macro_f1
