"""The usage of a writer: requests, tokens and money, and the prices that they are counted by."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import Field

from classwright_tools.domain.noun import Noun


class Caps(Noun):
    """The operator's caps on the writer's spending in one call; None is no cap."""

    max_tokens: int | None = Field(default=None, ge=1, description="Of tokens read and written together.")
    max_cost: float | None = Field(default=None, gt=0, description="In US dollars.")


UNCAPPED = Caps()


class TokenCount(NamedTuple):
    """Tokens read and tokens written by a language model."""

    tokens_in: int
    tokens_out: int


NO_TOKENS = TokenCount(0, 0)


class Prices(Noun):
    """Prices of a language model, in US dollars a million tokens."""

    tokens_in: float = Field(default=0, ge=0)
    tokens_out: float = Field(default=0, ge=0)

    def cost(self, tokens: TokenCount) -> float:
        """Return the price of `tokens`, in US dollars."""
        return (tokens.tokens_in * self.tokens_in + tokens.tokens_out * self.tokens_out) / 1e6


FREE = Prices()


class WriterUsage(Noun):
    """What the language model was asked for."""

    writer: str
    requests: int = Field(default=0, ge=0, description="Completions that were needed, stored ones included.")
    completions_reused: int = Field(
        default=0, ge=0, description="Of these, answered from the store: asked and paid before."
    )
    tokens_in: int = Field(default=0, ge=0)
    tokens_out: int = Field(default=0, ge=0)
    cost: float = Field(
        default=0, ge=0, description="In US dollars, by the prices that the server was started with; 0 without any."
    )
    estimated_tokens: int = Field(default=0, ge=0, description="What was estimated before writing, as an upper bound.")
