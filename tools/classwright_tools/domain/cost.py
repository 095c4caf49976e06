"""The cost of a call before it is made: time, memory, a language model's calls and tokens, and money."""

from __future__ import annotations

from pydantic import Field

from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.noun import Noun

_MINUTE, _HOUR = 90, 5_400
"""From so many seconds on, a duration is told in minutes and in hours."""


class CostEstimate(Noun):
    """What a call should take, and what that is known from. None is what cannot be told."""

    seconds: float | None = Field(default=None, ge=0)
    seconds_low: float | None = Field(default=None, ge=0, description="Four of five calls should lie between the two.")
    seconds_high: float | None = Field(default=None, ge=0)
    memory_mb: int | None = Field(default=None, ge=0, description="The most that its process holds, in megabytes.")
    texts: int = Field(default=0, ge=0, description="To be written or labelled.")
    texts_most: int = Field(default=0, ge=0, description="That may be written, with those that are refused.")
    model_calls: int = Field(default=0, ge=0, description="Requests to the writer.")
    tokens_in: int = Field(default=0, ge=0)
    tokens_out: int = Field(default=0, ge=0)
    dollars: float | None = Field(default=None, ge=0, description="None where the server was started without prices.")
    rests_on: str

    @property
    def in_words(self) -> str:
        """The estimate in a sentence."""
        return f"{self.amounts}; this rests on {self.rests_on}"

    @property
    def amounts(self) -> str:
        """What the call should take, in words."""
        parts = [self._duration, *filter(None, [self._texts])]
        if self.memory_mb:
            parts.append(f"{self.memory_mb:,} MB of memory")
        if self.model_calls:
            parts.append(f"{counted(self.model_calls, 'model call')}")
        if self.tokens_in or self.tokens_out:
            parts.append(f"{self.tokens_in + self.tokens_out:,} tokens")
            parts.append("no prices are set" if self.dollars is None else money(self.dollars))
        return ", ".join(parts)

    @property
    def _texts(self) -> str:
        most = f" (at most {self.texts_most:,} with those that are refused)" if self.texts_most > self.texts else ""
        return f"{counted(self.texts, 'text')}{most}" if self.texts else ""

    @property
    def _duration(self) -> str:
        if self.seconds is None:
            return "an unknown time"
        if self.seconds_low is None or self.seconds_high is None:
            return f"about {spoken(self.seconds)}"
        return f"about {spoken(self.seconds)} ({spoken(self.seconds_low)} to {spoken(self.seconds_high)})"


def money(dollars: float) -> str:
    """Return an amount as a person says it: "$12.40", "$0.0031"."""
    return f"${dollars:.2f}" if dollars >= 0.1 or not dollars else f"${dollars:.2g}"


def spoken(seconds: float) -> str:
    """Return a duration as a person says it: "3 s", "40 s", "12 min", "2.5 h"."""
    if seconds < _MINUTE:
        return f"{max(1, round(seconds))} s" if seconds < 10 else f"{5 * round(seconds / 5)} s"
    return f"{round(seconds / 60)} min" if seconds < _HOUR else f"{seconds / 3600:.1f} h"
