"""Asking a model again when nothing in its answer could be used, and adding up what that took."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from classwright_tools.domain.usage import TokenCount
from classwright_tools.domain.writer import Completion, UnusableAnswer, WriterUnavailable, WritingKind, WritingRequest
from classwright_tools.errors import WriterFailed
from classwright_tools.writing.completions.parsing.answer import parse_answer
from classwright_tools.writing.prompts import render
from classwright_tools.writing.prompts.rules import TEXT_KINDS

# How often a request is put to the model in all.
MOST_ASKS = 3

# The temperature of the first ask, high enough for variety at no loss of form with current models, and what every
# further attempt at a cell, and every re-ask, adds: the same prompt must not give the same answer again.
FIRST_TEMPERATURE = 0.8
LABEL_TEMPERATURE = 0.1  # judgements are not to vary; libraries that sample refuse 0
TEMPERATURE_STEP = 0.1
MOST_TEMPERATURE = 1.2


_THINK_LESS = (
    "Start the server with --writer-thinking-tokens N (4,000 suits most models): so many tokens may be thought beside "
    "the answer. Or switch the model's thinking off where it is served."
)
_SHORTER = (
    "Ask for shorter texts (`guidance`), or import real ones of this length (split='unlabelled'): the limit goes by "
    "them. Or use a model that follows instructions better."
)
_FOLLOW_BETTER = "Use a model that follows instructions better, or write these texts yourself."


class Reply(NamedTuple):
    """One answer of a model, as it came; it `thought` if thoughts came beside the content."""

    content: str
    finish_reason: str | None
    tokens: TokenCount
    thought: bool = False


async def ask_until_usable(subject: str, kind: WritingKind, ask: Callable[[int], Awaitable[Reply]]) -> Completion:
    """Return the first answer of `ask` (called with 0, 1, ...), to a request of `kind`, that can be used in part.

    The completion counts the tokens of all answers, and says what was lost in each.

    Raises:
        UnusableAnswer: nothing could be used in `MOST_ASKS` answers, or a re-ask failed.
        WriterUnavailable: no endpoint answers.
        WriterFailed: the first ask failed.
    """
    tokens = TokenCount(0, 0)
    lost: dict[str, None] = {}
    repair = _FOLLOW_BETTER
    for turn in range(MOST_ASKS):
        try:
            reply = await ask(turn)
        except (WriterUnavailable, UnusableAnswer) as error:
            error.tokens = tokens
            raise
        except WriterFailed as error:
            if turn == 0:
                raise
            raise UnusableAnswer(error.subject, error.reason, error.repair, tokens) from error
        tokens = TokenCount(tokens.tokens_in + reply.tokens.tokens_in, tokens.tokens_out + reply.tokens.tokens_out)
        parsed = parse_answer(reply.content, reply.finish_reason, thought=reply.thought)
        lost.update(dict.fromkeys(parsed.lost))
        if parsed.items:
            return Completion(
                items=parsed.items, tokens_in=tokens.tokens_in, tokens_out=tokens.tokens_out, lost=tuple(lost)
            )
        if reply.finish_reason == "length":
            # Some endpoints hide the thoughts: they leave an answer without a letter.
            hides = parsed.thought or not reply.content
            # Topics and labels are short whatever is asked for.
            repair = _THINK_LESS if hides else _SHORTER if kind in TEXT_KINDS else _FOLLOW_BETTER
    raise UnusableAnswer(
        subject,
        f"gave nothing usable in {MOST_ASKS} answers: {'; '.join(lost)}",
        repair,
        tokens,
    )


def most_tokens_of_asks(request: WritingRequest, thinking_tokens: int) -> TokenCount:
    """Return an upper bound of what answering `request` takes, all re-asks and the thoughts before each included."""
    prompt = render.most_tokens(request).tokens_in
    answers = (render.most_tokens_out(request, turn) + thinking_tokens for turn in range(MOST_ASKS))
    return TokenCount(MOST_ASKS * prompt, sum(answers))


def temperature(request: WritingRequest, turn: int) -> float:
    """Return the sampling temperature for the `turn`-th ask (from 0 on) of `request`."""
    first = LABEL_TEMPERATURE if request.kind == "labels" else FIRST_TEMPERATURE
    return min(MOST_TEMPERATURE, round(first + TEMPERATURE_STEP * (request.attempt + turn), 2))


def sampling_seed(request: WritingRequest, turn: int) -> int:
    """Return the sampling seed (31 bits) for the `turn`-th ask of `request`."""
    return int(request.key(f"seed {turn}")[:8], 16) & 0x7FFF_FFFF
