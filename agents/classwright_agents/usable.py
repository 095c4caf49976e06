"""Results and refusals that end a build: the server has no writer, a cap cannot be kept, or nothing was accepted."""

from __future__ import annotations

from classwright_agents.answers import TopicsResult
from classwright_agents.errors import ToolError
from classwright_agents.moves import StopCause
from classwright_tools.contract import SynthesizeExamplesResult, writer_limit

SERVER_WITHOUT_WRITER = (
    "has no language model to write with",
    "Start it with --writer-url and --writer-model: in the task file's `server: command:`, or as "
    "CLASSWRIGHT_WRITER_URL and CLASSWRIGHT_WRITER_MODEL.",
)


def check_tree(proposed: TopicsResult) -> None:
    """Raise a `ToolError` if the topics are left to the caller."""
    if proposed.wanted:
        raise ToolError("The server", *SERVER_WITHOUT_WRITER)


def check_writer(written: SynthesizeExamplesResult) -> None:
    """Raise a `ToolError` if the texts are left to the caller."""
    if written.assignment:
        raise ToolError("The server", *SERVER_WITHOUT_WRITER)


def check_first_texts(written: SynthesizeExamplesResult) -> None:
    """Raise a `ToolError` if there is nothing to train on: the first round has no dataset to fall back to."""
    check_writer(written)
    if not written.accepted:
        why = writer_limit([written]).rstrip(".") or next((short.reason for short in written.missing), "")
        raise ToolError("Tool 'synthesize_examples'", f"no text was written{': ' * bool(why)}{why}", written.next_step)


def used_up(refusal: ToolError) -> StopCause | None:
    """Return the budget, if it is what a refusal of texts (by `as_budget`) is about: no request fits into the rest."""
    budgets: tuple[StopCause, ...] = ("tokens", "dollars")
    return next((name for name in budgets if refusal.reason.startswith(f"budget.{name}:")), None)


def as_budget(refusal: ToolError) -> ToolError:
    """Return a refusal of texts with the caps called as in the task file, which is where a person sets them."""
    reason = refusal.reason.replace("max_cost", "budget.dollars").replace("max_tokens", "budget.tokens")
    return ToolError(refusal.subject, reason, refusal.repair)
