"""Moves: what a driver may decide after a round, each with its reason.

A move names no artifact, no file and no split: the build fills these in. So no move can open the test rows, keep a
worse model, or reach another task, whoever decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from classwright_agents.figures import Round, Spent
from classwright_tools.contract import EvaluateResult, MethodName, SynthesizeExamplesResult, WriterUsage

StopCause = Literal["target", "max_rounds", "tokens", "dollars", "minutes", "no_gain", "nothing_to_write", "decided"]


class Reasoned(BaseModel):
    """A decision with its reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str = Field(min_length=1, max_length=2_000, description="Why, in a sentence or two that name the figures.")


class Stop(Reasoned):
    """Build no further."""

    cause: StopCause


class _Writing(Reasoned):
    rows: int | None = Field(default=None, ge=1, description="Texts that may be written. Left out: the most.")
    guidance: tuple[Annotated[str, Field(min_length=1, max_length=300)], ...] = Field(
        default=(), max_length=5, description="What the writer is to heed, such as 'terse, with slips of the finger'."
    )

    @property
    def _wish(self) -> str:
        rows = f", {self.rows:,} at most" if self.rows else ""
        return f"{rows}, heeding {'; '.join(map(repr, self.guidance))}" if self.guidance else rows


class WriteAgainstErrors(_Writing):
    """Analyse the errors of the kept model, have texts written against them, train and measure.

    After a round without a gain the same call asks for the same texts again: change its guidance, or the move.
    """

    @property
    def in_words(self) -> str:
        """The move as the beginning of a sentence."""
        return f"Write against the errors{self._wish}"


class WriteMore(_Writing):
    """Have ordinary texts written over the topics of some labels, or of all, train and measure."""

    labels: tuple[str, ...] = Field(default=(), description="Labels to write for. Left out: all.")

    @property
    def in_words(self) -> str:
        """The move as the beginning of a sentence."""
        return f"Write more texts of {', '.join(self.labels) or 'all labels'}{self._wish}"


class TrainAgain(Reasoned):
    """Train on the kept rows by another method, and measure; nothing is written."""

    method: MethodName

    @property
    def in_words(self) -> str:
        """The move as the beginning of a sentence."""
        return f"Train by {self.method}"


Move = WriteAgainstErrors | WriteMore | TrainAgain | Stop


@dataclass(frozen=True)
class Failure:
    """A move that came to nothing, and why; the build stands where it stood before it."""

    move: WriteAgainstErrors | WriteMore | TrainAgain
    why: str
    cause: StopCause = "nothing_to_write"
    """What ends the rounds if the rules would have made the same move."""


@dataclass(frozen=True)
class Situation:
    """What is known when a move is to be decided: figures and what was spent, after at least one round."""

    rounds: tuple[Round, ...]
    spent: Spent
    measured: Mapping[str, EvaluateResult] = field(default_factory=dict)
    """Evaluations on the validation rows, by model."""
    written: SynthesizeExamplesResult | None = None
    """The last writing."""
    decisions: tuple[str, ...] = ()
    """What was decided so far, as it was told."""
    failed: tuple[Failure, ...] = ()
    """What was tried since the last round."""

    @property
    def key(self) -> str:
        """The name of the decision, the same in every attempt at a run."""
        tries = f", {len(self.failed)} failed" if self.failed else ""
        return f"after round {self.rounds[-1].round}{tries}"


@dataclass(frozen=True)
class Decision:
    """A move, how it is told, and what deciding took."""

    move: Move
    told: str
    usages: tuple[WriterUsage, ...] = ()
    seconds: float = 0.0


class Driver(Protocol):
    """Whoever decides the next move."""

    @property
    def name(self) -> str:
        """What the summary calls it."""
        ...

    def expected(self) -> str:
        """Return what deciding should cost, in a sentence; empty if nothing."""
        ...

    async def decide(self, situation: Situation) -> Decision:
        """Return the next move.

        Raises:
            AgentError: it cannot decide; the run can be resumed.
        """
        ...
