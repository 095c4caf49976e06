"""The limits of a build: target, rounds and budget, which hold whoever decides."""

from __future__ import annotations

from dataclasses import dataclass

from classwright_agents.figures import Round, Spent, chosen_by, kept_round
from classwright_agents.moves import Stop
from classwright_agents.task_file import METRIC_NAMES, Budget, Target, TaskFile
from classwright_tools.contract import counted

AUTO = "auto"  # of a task's encoder or method: the best of those at hand


@dataclass(frozen=True)
class Goal:
    """How far to go."""

    target: Target
    max_rounds: int
    budget: Budget
    encoders_compared: bool = False


def goal_of(task: TaskFile) -> Goal:
    """Return how far `task` says to go."""
    return Goal(task.target, task.max_rounds, task.budget, encoders_compared=task.encoder == AUTO)


def limit(goal: Goal, rounds: tuple[Round, ...], spent: Spent) -> Stop | None:
    """Return the stop that target, number of rounds or budget demand after the last of `rounds`, or None."""
    if stop := target_reached(goal.target, rounds):
        return stop
    if len(rounds) >= goal.max_rounds:
        done = counted(goal.max_rounds, "round that the task allows is", "rounds that the task allows are")
        return Stop(cause="max_rounds", reason=f"{done} done.")
    return over_budget(goal.budget, rounds, spent)


def target_reached(target: Target, rounds: tuple[Round, ...]) -> Stop | None:
    """Return the stop that the target demands of the round that is kept, or None.

    A figure on rows that lack labels reaches no target: it may hide that these are never found.
    """
    kept = kept_round(rounds, target.metric)
    reached, wanted = kept.figure(target.metric).value, target.value
    if reached < wanted or kept.scores.not_covered:
        return None
    measured = f"{chosen_by(kept.data).capitalize()} {METRIC_NAMES[target.metric]}"
    return Stop(cause="target", reason=f"{measured} {reached:.3f} reaches the target of {wanted:.3f}.")


def over_budget(budget: Budget, rounds: tuple[Round, ...], spent: Spent) -> Stop | None:
    """Return the stop that the budget demands, or None when another round may fit into it.

    Whether what is left pays for a request of texts, the server knows: it refuses to write if not.
    """
    if budget.tokens is not None and spent.tokens >= budget.tokens:
        return Stop(cause="tokens", reason=f"{spent.tokens:,} of {budget.tokens:,} tokens are used.")
    if budget.dollars is not None and spent.dollars >= budget.dollars:
        return Stop(cause="dollars", reason=f"${spent.dollars:.2f} of ${budget.dollars:.2f} are spent.")
    if budget.minutes is not None:
        another = rounds[-1].seconds / 60
        used = spent.seconds / 60
        if used + another > budget.minutes:
            return Stop(
                cause="minutes",
                reason=f"{used:.1f} of {budget.minutes:g} min are used, and another round takes about {another:.1f}.",
            )
    return None
