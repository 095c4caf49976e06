"""The cost that is expected of a build before its texts are written, and the caps that hold whatever comes."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from classwright_agents.errors import ServerError, ToolError
from classwright_agents.journal import Journal
from classwright_agents.steps import Steps
from classwright_agents.task_file import TaskFile
from classwright_tools.contract import CostEstimate

_CAP_WORDS = {
    "round": "{} round",
    "rounds": "{} rounds",
    "tokens": "{:,} tokens",
    "dollars": "${:,.10g}",
    "minutes": "{:,.10g} min",
}


class ExpectedCost(BaseModel):
    """The estimates of the first writing and of the writing of a further round, of which there are so many at most."""

    first_round: CostEstimate
    further_round: CostEstimate | None
    further_rounds: int

    @property
    def in_words(self) -> str:
        """The estimates in sentences."""
        first, further = self.first_round, self.further_round
        words = f"Estimate: writing takes {first.amounts}"
        if further and self.further_rounds:
            many = self.further_rounds > 1
            which = f"each of up to {self.further_rounds} further rounds" if many else "a further round"
            words += f", and so does {which}" if further.amounts == first.amounts else f"; {which} {further.amounts}"
        return f"{words}. This rests on {first.rests_on}."


async def expected_cost(
    task: TaskFile, arguments: dict[str, Any], steps: Steps, journal: Journal
) -> ExpectedCost | None:
    """Return what the writing of `task` should cost, the first by `arguments`; None where the server does not tell.

    A resumed run is told what was told first.
    """
    known = journal.find("estimate")
    if known:
        return ExpectedCost.model_validate(known["estimate"])
    more = {**arguments, "rows": task.rows_per_round}
    try:
        first, further = [await steps.estimate("synthesize_examples", asked) for asked in (arguments, more)]
    except (ToolError, ServerError):  # the writing itself tells what is wrong; a late estimate is done without
        return None
    if first is None:
        return None
    expected = ExpectedCost(first_round=first, further_round=further, further_rounds=task.max_rounds - 1)
    journal.append("estimate", estimate=expected.model_dump())
    return expected


def caps_in_words(task: TaskFile) -> str:
    """Return the caps of a build that are set, in a sentence."""
    caps = {"round" if task.max_rounds == 1 else "rounds": task.max_rounds, **task.budget.model_dump(exclude_none=True)}
    return f"Caps: {', '.join(_CAP_WORDS[name].format(cap) for name, cap in caps.items())}."
