"""The figures that decisions and the report are made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from classwright_agents.task_file import Metric
from classwright_tools.contract import Comparison, Estimate, Scores

MOST_NAMED = 5


def named(labels: Sequence[str]) -> str:
    """Return the first of `labels` in quotes, and how many more there are."""
    more = f" and {len(labels) - MOST_NAMED} more" if len(labels) > MOST_NAMED else ""
    return ", ".join(map(repr, labels[:MOST_NAMED])) + more


def figure(scores: Scores, metric: Metric) -> Estimate:
    """Return the figure of `metric` in `scores`."""
    return scores.accuracy if metric == "accuracy" else scores.macro_f1


def gain_in(compared: Comparison, metric: Metric) -> Estimate:
    """Return the gain in `metric` over the other model, by the paired bootstrap."""
    return compared.accuracy_gain if metric == "accuracy" else compared.macro_f1_gain


def is_better(compared: Comparison, metric: Metric) -> bool:
    """Whether the model is better in `metric` by more than chance: by the test of accuracies, or by the interval."""
    gain = gain_in(compared, metric)
    return compared.significant and gain.value > 0 if metric == "accuracy" else gain.low > 0


def is_worse(compared: Comparison, metric: Metric) -> bool:
    """Whether the model is worse in `metric` by more than chance."""
    gain = gain_in(compared, metric)
    return compared.significant and gain.value < 0 if metric == "accuracy" else gain.high < 0


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
    scores: Scores
    seconds: float
    compared: Comparison | None = None
    """The model against the best before it, on the same rows."""
    best_before: float | None = None
    """The target's figure of the best round before."""

    def figure(self, metric: Metric) -> Estimate:
        """Return the validation figure of `metric`."""
        return figure(self.scores, metric)
