"""Turns in a lane: principals alternate, and within a principal's jobs their tasks do.

This is fair queueing (Nagle 1985, RFC 970) in rounds: a principal has one job in each round of a lane, whoever called
first. DBOS takes the jobs of the lowest round first, which it knows as their priority, and of one round the oldest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Turn:
    """A job that waits in a lane, or runs."""

    job_id: str
    lane: str
    user: str
    tool: str
    task: str | None
    kind: str
    size: int
    runs: bool
    round: int
    created: int
    """Milliseconds since the epoch, as `began` is."""
    began: int | None = None
    fraction: float | None = None
    expected: float | None = None
    """Seconds in all, by the estimate that was told at its beginning."""
    executor: str | None = None
    """The process that runs it, or ran it last."""


@dataclass(frozen=True)
class Seat:
    """The round that a new job gets; where it `moves_others`, its principal's jobs from that round on get the next."""

    round: int
    moves_others: bool = False


def seat_of(lane: Sequence[Turn], user: str, task: str | None) -> Seat:
    """Return the seat of a new job among those of its lane, which are in the order of their turns.

    A principal who has none there comes in the round that is under way. Of one principal's jobs, the first of each
    task come before the second of any.
    """
    own = [turn for turn in lane if turn.user == user]
    before = Counter(turn.task for turn in own if turn.runs)
    rank = sum(turn.task == task for turn in own)
    for turn in (turn for turn in own if not turn.runs):
        if before[turn.task] > rank:
            return Seat(turn.round, moves_others=True)
        before[turn.task] += 1
    running = [turn.round for turn in lane if turn.runs]
    under_way = max(running) if running else min((turn.round for turn in lane), default=1)
    return Seat(max(1, under_way, *(turn.round + 1 for turn in own)))
