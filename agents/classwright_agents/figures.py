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
    """The model against the one kept before it, on the same rows."""
    best_before: float | None = None
    """The target's figure of the round kept before."""

    def figure(self, metric: Metric) -> Estimate:
        """Return the validation figure of `metric`."""
        return figure(self.scores, metric)


def chosen_by(data: str) -> str:
    """Return which rows a figure that models are chosen by is on, of those that are `data`: real ones, or written."""
    return "held-out training" if data == "written" else "validation"


def is_gain(latest: Round, metric: Metric) -> bool:
    """Whether a round's model is better than the one kept before it by more than chance.

    By the server's verdict where both were measured on the same rows. Without validation rows there is none: then the
    figures come from different rows, and only an interval that lies wholly above the older figure counts.
    """
    if latest.compared is not None:
        return latest.compared.verdict == "gain"
    return latest.best_before is not None and latest.figure(metric).low > latest.best_before


def kept_round(rounds: Sequence[Round], metric: Metric) -> Round:
    """Return the round whose rows and model are kept: the latest that was a gain, or led by what may be chance."""
    return next((latest for latest in reversed(rounds[1:]) if _is_kept(latest, metric)), rounds[0])


def _is_kept(latest: Round, metric: Metric) -> bool:
    return not latest.compared.keeps_earlier if latest.compared else is_gain(latest, metric)
