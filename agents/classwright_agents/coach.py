"""The coach: from figures to the next move, by rules, each with its reason in a sentence.

Pure functions of what was measured and spent: a resumed run takes every decision again and comes to the same ones.
"""

from __future__ import annotations

from classwright_agents.figures import Round, chosen_by, is_gain, kept_round, named
from classwright_agents.limits import Goal, limit, target_reached
from classwright_agents.moves import Decision, Situation, Stop, WriteAgainstErrors
from classwright_agents.task_file import METRIC_NAMES, Target
from classwright_tools.contract import counted, told_below


class Coach:
    """The driver that follows rules; it costs nothing."""

    name = "coach"

    def __init__(self, goal: Goal) -> None:
        self._goal = goal

    def expected(self) -> str:
        """Return that nothing is to be told."""
        return ""

    async def decide(self, situation: Situation) -> Decision:
        """Return the next move by the rules."""
        move = next_move(self._goal, situation)
        return Decision(move, move.reason)


def next_move(goal: Goal, situation: Situation) -> WriteAgainstErrors | Stop:
    """Return what to do after the last round; what a driver tried in vain counts as far as the rules would do it."""
    failed = [failure for failure in situation.failed if isinstance(failure.move, WriteAgainstErrors)]
    if failed:
        return Stop(cause=failed[-1].cause, reason=failed[-1].why)
    rounds = situation.rounds
    latest, kept = rounds[-1], kept_round(rounds, goal.target.metric)
    metric = METRIC_NAMES[goal.target.metric]
    if stop := target_reached(goal.target, rounds):
        return stop
    if len(rounds) > 1 and not is_gain(latest, goal.target.metric):
        return Stop(cause="no_gain", reason=_no_gain(latest, kept, metric, goal))
    if stop := limit(goal, rounds, situation.spent):
        return stop
    reached, wanted = kept.figure(goal.target.metric).value, goal.target.value
    if reached < wanted:
        missing = f"{told_below(reached, wanted)} is below the target of {wanted:.3f}"
    else:
        missing = (
            f"{reached:.3f} does not reach the target of {wanted:.3f}, as no row that it was measured on is "
            f"{named(kept.scores.not_covered)}"
        )
    measured = f"{chosen_by(kept.data).capitalize()} {metric}"
    return WriteAgainstErrors(reason=f"{measured} {missing}: write against the errors of round {latest.round}.")


def _no_gain(latest: Round, kept: Round, metric: str, goal: Goal) -> str:
    """Return why there is no further round, and whether the latest one's rows are kept.

    Another plan against the same errors would ask for the like.
    """
    compared = latest.compared
    found = (
        compared.advice(latest.model, latest.scores.rows)
        if compared
        else f"No gain: keep {kept.model}. The interval of {metric} of {latest.model} reaches below its figure."
    )
    made = counted(latest.written, "text") if latest.written else f"The training by {latest.method}"
    encoder = "" if goal.encoders_compared else " another encoder,"
    return (
        f"{found} {made} of round {latest.round}: {'kept' if latest is kept else 'left out'}. Real training rows, "
        f"annotated ones too,{encoder} or clearer descriptions of labels that are confused may help more."
    )


def better_of(best: Round, final: Round, target: Target) -> tuple[Round, str]:
    """Return the model to keep, of the best round's and the final method's of its rows, and why.

    That is by the server's verdict, as for rounds; where there is none, the one with the higher figure. It is called
    better only where the gain is more than chance.
    """
    metric = METRIC_NAMES[target.metric]
    old, new = best.figure(target.metric).value, final.figure(target.metric).value
    compared = f"{chosen_by(final.data)} {metric} {new:.3f} against {old:.3f} of {best.method}"
    is_kept = not final.compared.keeps_earlier if final.compared else new > old
    if final.compared and is_kept != (new > old):  # the verdict is of more than this figure
        advice = final.compared.advice(final.model, final.scores.rows)
        found = f"The final method, {final.method}, is {'kept' if is_kept else 'not kept'}: {compared}. {advice}"
        return final if is_kept else best, found
    if not is_kept:
        return best, f"The final method, {final.method}, is not better: {compared}."
    if is_gain(final, target.metric):
        return final, f"The final method, {final.method}, is better: {compared}."
    p = (
        f" (p {final.compared.p:.2f})" if final.compared and target.metric == "accuracy" else ""
    )  # McNemar's is of accuracies
    chance = f"has the higher figure, which may be chance{p}; it is kept"
    return final, f"The final method, {final.method}, {chance}: {compared}."
