"""The coach: from figures to the next action, by rules, each with its reason in a sentence.

Pure functions of what was measured and spent: a resumed run takes every decision again and comes to the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from classwright_agents.figures import Round, Spent, is_better, is_worse, named
from classwright_agents.task_file import METRIC_NAMES, Budget, Metric, Target

# One round without a significant gain may be bad luck with few validation rows; two in a row are a plateau.
ROUNDS_WITHOUT_GAIN = 2
# Below this, what is left of a token budget does not pay for a useful batch of texts.
LEAST_TOKENS = 1_000

StopCause = Literal["target", "max_rounds", "tokens", "dollars", "minutes", "no_gain", "nothing_to_write"]


@dataclass(frozen=True)
class Stop:
    """Build no further."""

    cause: StopCause
    reason: str


@dataclass(frozen=True)
class Improve:
    """Analyse the errors of one round's model, and write on from its dataset."""

    base: Round
    reason: str


@dataclass(frozen=True)
class Goal:
    """How far to go."""

    target: Target
    max_rounds: int
    budget: Budget


def best_round(rounds: tuple[Round, ...], target: Target) -> Round:
    """Return the round with the best validation figure; of two alike the earlier, which needed fewer rows."""
    return max(rounds, key=lambda r: (r.figure(target.metric).value, -r.round))


def better_of(best: Round, final: Round, target: Target) -> tuple[Round, str]:
    """Return the model with the higher figure, of the best round's and the final method's of its rows, and why.

    Called better only where the gain is more than chance.
    """
    metric = METRIC_NAMES[target.metric]
    old, new = best.figure(target.metric).value, final.figure(target.metric).value
    compared = f"validation {metric} {new:.3f} against {old:.3f} of {best.method}"
    if new <= old:
        return best, f"The final method, {final.method}, is not better: {compared}."
    if is_significant_gain(final, target.metric):
        return final, f"The final method, {final.method}, is better: {compared}."
    p = (
        f" (p {final.compared.p:.2f})" if final.compared and target.metric == "accuracy" else ""
    )  # McNemar's is of accuracies
    chance = f"has the higher figure, which may be chance{p}; it is kept"
    return final, f"The final method, {final.method}, {chance}: {compared}."


def is_significant_gain(latest: Round, metric: Metric) -> bool:
    """Whether a round's model is better in `metric` than the best before it by more than chance.

    By the paired test where both were measured on the same rows. Without validation rows there is none: then the
    figures come from different rows, and only an interval that lies wholly above the older figure counts.
    """
    if latest.compared is not None:
        return is_better(latest.compared, metric)
    return latest.best_before is not None and latest.figure(metric).low > latest.best_before


def rounds_without_gain(rounds: tuple[Round, ...], metric: Metric) -> int:
    """How many of the latest rounds in a row brought no significant gain; the first round is not counted."""
    count = 0
    for latest in reversed(rounds[1:]):
        if is_significant_gain(latest, metric):
            break
        count += 1
    return count


def next_action(goal: Goal, rounds: tuple[Round, ...], spent: Spent) -> Improve | Stop:
    """Return what to do after the last of `rounds`, of which there is at least one.

    A figure on rows that lack labels reaches no target: it may hide that these are never found.
    """
    best = best_round(rounds, goal.target)
    metric = METRIC_NAMES[goal.target.metric]
    reached = best.figure(goal.target.metric).value
    if reached >= goal.target.value and not best.scores.not_covered:
        return Stop("target", f"Validation {metric} {reached:.3f} reaches the target of {goal.target.value:.3f}.")
    if len(rounds) >= goal.max_rounds:
        return Stop("max_rounds", f"All {goal.max_rounds} rounds that the task allows are done.")
    if rounds_without_gain(rounds, goal.target.metric) >= ROUNDS_WITHOUT_GAIN:
        test = " (paired test)" if rounds[-1].compared else ""
        return Stop("no_gain", f"The last {ROUNDS_WITHOUT_GAIN} rounds brought no gain that is more than chance{test}.")
    return over_budget(goal.budget, rounds, spent) or _improve(rounds[-1], best, metric, reached, goal)


def over_budget(budget: Budget, rounds: tuple[Round, ...], spent: Spent) -> Stop | None:
    """Return the stop that the budget demands, or None when another round fits into it."""
    if budget.tokens is not None and budget.tokens - spent.tokens < LEAST_TOKENS:
        return Stop("tokens", f"{spent.tokens:,} of {budget.tokens:,} tokens are used.")
    if budget.dollars is not None and spent.dollars >= budget.dollars:
        return Stop("dollars", f"${spent.dollars:.2f} of ${budget.dollars:.2f} are spent.")
    if budget.minutes is not None:
        another = rounds[-1].seconds / 60
        used = spent.seconds / 60
        if used + another > budget.minutes:
            return Stop(
                "minutes",
                f"{used:.1f} of {budget.minutes:g} minutes are used, and another round takes about {another:.1f}.",
            )
    return None


def _improve(latest: Round, best: Round, metric: str, reached: float, goal: Goal) -> Improve:
    """Return the next round's base: the latest rows, unless they made the model worse by more than chance."""
    missing = f"{metric} {reached:.3f} is below the target of {goal.target.value:.3f}"
    if reached >= goal.target.value:
        missing = (
            f"{metric} {reached:.3f} does not reach the target of {goal.target.value:.3f}, as no row that it was "
            f"measured on is {named(best.scores.not_covered)}"
        )
    if latest.compared is not None and is_worse(latest.compared, goal.target.metric):
        return Improve(
            best, f"Round {latest.round} made the model worse by more than chance: go on from round {best.round}."
        )
    if latest.round == best.round:
        return Improve(latest, f"Validation {missing}: write against the errors of round {latest.round}.")
    return Improve(
        latest, f"Round {latest.round} is no worse than chance explains, and {missing}: write against its errors."
    )


def after_plan(plan: str | None) -> Stop | None:
    """Return a stop when the error analysis planned nothing to write."""
    if plan is None:
        return Stop("nothing_to_write", "The error analysis found nothing to write against the errors that are left.")
    return None


def after_writing(accepted: int, wanted: int) -> Stop | None:
    """Return a stop when a plan was followed and no text came of it."""
    if accepted == 0:
        return Stop("nothing_to_write", f"None of the {wanted} texts planned could be written.")
    return None
