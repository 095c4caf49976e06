"""The coach: from figures to the next action, by rules, each with its reason in a sentence.

Pure functions of what was measured and spent: a resumed run takes every decision again and comes to the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from classwright_agents.figures import Round, Spent, is_gain, kept_round, named
from classwright_agents.task_file import METRIC_NAMES, Budget, Target

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
    """Analyse the errors of the latest model, and write on from its dataset."""

    reason: str


@dataclass(frozen=True)
class Goal:
    """How far to go."""

    target: Target
    max_rounds: int
    budget: Budget


def better_of(best: Round, final: Round, target: Target) -> tuple[Round, str]:
    """Return the model with the higher figure, of the best round's and the final method's of its rows, and why.

    Called better only where the gain is more than chance.
    """
    metric = METRIC_NAMES[target.metric]
    old, new = best.figure(target.metric).value, final.figure(target.metric).value
    compared = f"validation {metric} {new:.3f} against {old:.3f} of {best.method}"
    if new <= old:
        return best, f"The final method, {final.method}, is not better: {compared}."
    if is_gain(final, target.metric):
        return final, f"The final method, {final.method}, is better: {compared}."
    p = (
        f" (p {final.compared.p:.2f})" if final.compared and target.metric == "accuracy" else ""
    )  # McNemar's is of accuracies
    chance = f"has the higher figure, which may be chance{p}; it is kept"
    return final, f"The final method, {final.method}, {chance}: {compared}."


def next_action(goal: Goal, rounds: tuple[Round, ...], spent: Spent) -> Improve | Stop:
    """Return what to do after the last of `rounds`, of which there is at least one.

    A figure on rows that lack labels reaches no target: it may hide that these are never found.
    """
    latest, kept = rounds[-1], kept_round(rounds, goal.target.metric)
    metric = METRIC_NAMES[goal.target.metric]
    reached, wanted = kept.figure(goal.target.metric).value, goal.target.value
    if len(rounds) > 1 and not is_gain(latest, goal.target.metric):
        return Stop("no_gain", _no_gain(latest, kept, metric))
    if reached >= wanted and not kept.scores.not_covered:
        return Stop("target", f"Validation {metric} {reached:.3f} reaches the target of {wanted:.3f}.")
    if len(rounds) >= goal.max_rounds:
        return Stop("max_rounds", f"All {goal.max_rounds} rounds that the task allows are done.")
    missing = f"is below the target of {wanted:.3f}"
    if reached >= wanted:
        missing = (
            f"does not reach the target of {wanted:.3f}, as no row that it was measured on is "
            f"{named(kept.scores.not_covered)}"
        )
    return over_budget(goal.budget, rounds, spent) or Improve(
        f"Validation {metric} {reached:.3f} {missing}: write against the errors of round {latest.round}."
    )


def _no_gain(latest: Round, kept: Round, metric: str) -> str:
    """Return why there is no further round, and whether the latest one's rows are kept.

    Another plan against the same errors would ask for the like.
    """
    compared = latest.compared
    found = (
        compared.advice(latest.model, latest.scores.rows)
        if compared
        else f"No gain: keep {kept.model}. The interval of {metric} of {latest.model} reaches below its figure."
    )
    return (
        f"{found} The {latest.written:,} texts of round {latest.round} are {'kept' if latest is kept else 'left out'}. "
        "Real training rows, "
        "annotated ones too, another encoder, or clearer descriptions of labels that are confused may help more."
    )


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
