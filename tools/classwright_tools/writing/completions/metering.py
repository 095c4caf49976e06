"""The metering of a language model: what a run asked of a writer, for the estimate of the next run with it."""

from __future__ import annotations

from typing import Literal

from classwright_tools.domain.usage import WriterUsage
from classwright_tools.meter import Measured

CALLS, TOKENS_IN, TOKENS_OUT = "model_calls", "tokens_in", "tokens_out"
Asked = Literal["writing", "labelling"]


def asking(what: Asked, writer: str) -> str:
    """Return the kind of work, for a meter, that asking a writer is."""
    return f"{what} by {writer}"


def count_usage(piece: Measured, usage: WriterUsage, *, whole: bool) -> None:
    """Count what a writer was asked for as part of a measured piece; only a `whole` run tells of the next one.

    One that found answers in the store does not: they cost nothing again.
    """
    piece.counts.update({CALLS: usage.requests, TOKENS_IN: usage.tokens_in, TOKENS_OUT: usage.tokens_out})
    piece.typical = whole and not usage.completions_reused
