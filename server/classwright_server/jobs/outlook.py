"""The outlook of a waiting job: its place in the lane, what comes before it, and when it should begin.

Of other principals' jobs only the kind of work is shown.
"""

from __future__ import annotations

import heapq
import statistics
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from classwright_server.jobs.job_table import JobTable
from classwright_server.jobs.turns import Turn
from classwright_tools.domain.cost import spoken
from classwright_tools.estimates.remaining import seconds_left

MOST_NAMED = 3
"""Of one's own jobs ahead; more are counted."""
_ASKED = 40
_NEAREST = 5
_LOOK_EVERY_SECONDS = 5.0
_SMALL_BYTES = 20_000
"""Of less than so much, the start of the work takes longer than the text."""

_FEW_SECONDS = 5

Takes = Callable[[Turn], float | None]
"""Returns the seconds that a job should take; None if that is unknown."""


@dataclass(frozen=True)
class Outlook:
    """The outlook of a waiting job, in brief and in full."""

    brief: str
    full: str


class Durations:
    """Durations of jobs that finished here. Safe for several threads."""

    def __init__(self, table: JobTable) -> None:
        self._table = table
        self._seen: dict[str, tuple[float, list[tuple[int, float]]]] = {}

    def of(self, turn: Turn) -> float | None:
        """Return the seconds that a job should take, estimated from the latest of its kind; None if there are none.

        Of these the five whose size is nearest count; a job that is larger than they were takes longer in proportion.
        """
        nearest = sorted(self._finished(turn.kind), key=lambda one: abs(one[0] - turn.size))[:_NEAREST]
        if not nearest:
            return None
        return statistics.median(took * max(1.0, turn.size / max(size, _SMALL_BYTES)) for size, took in nearest)

    def _finished(self, kind: str) -> list[tuple[int, float]]:
        """Return the size and the seconds of the latest jobs of a kind, looked up anew every few seconds."""
        now = time.monotonic()
        until, found = self._seen.get(kind, (0.0, []))
        if now >= until:
            latest = self._table.latest(kind, _ASKED)
            found = [(int(one.get("size", 0)), float(one["seconds"])) for one in latest]
            self._seen[kind] = (now + _LOOK_EVERY_SECONDS, found)
        return found


def outlook_of(
    job_id: str, everything: Sequence[Turn], takes: Takes, now: float, lanes: Collection[str]
) -> Outlook | None:
    """Return the outlook of a job among the jobs that wait or run; None if it no longer waits.

    `now` is in seconds since the epoch; `lanes` are those whose jobs this process takes.
    """
    job = next((turn for turn in everything if turn.job_id == job_id and not turn.runs), None)
    if job is None:
        return None
    lane = [turn for turn in everything if turn.lane == job.lane]
    running = [turn for turn in lane if turn.runs]
    waiting = [turn for turn in lane if not turn.runs]
    ahead = waiting[: waiting.index(job)]
    place = f"place {len(ahead) + 1} in the {job.lane} lane"
    begins = _begins(running, ahead, takes, now)
    if not running and job.lane not in lanes:  # what other processes take is not known here
        begins = f"{begins} if a worker takes {job.lane} jobs, which this server does not"
    sentences = [
        f"{place}.",
        _sentence("Running now", running, job.user),
        _sentence("Before it", ahead, job.user),
        f"It {begins}.",
    ]
    return Outlook(brief=f"{place}; {begins}", full=" ".join(filter(None, sentences)))


def _sentence(what: str, turns: Sequence[Turn], user: str) -> str:
    """Return a sentence that names one's own jobs and counts those of others by their kind."""
    own = [turn for turn in turns if turn.user == user]
    named = [_named(turn) for turn in own[:MOST_NAMED]]
    if len(own) > MOST_NAMED:
        named.append(f"{len(own) - MOST_NAMED} more of yours")
    others = Counter(turn.kind for turn in turns if turn.user != user)
    named += [f"{count} {kind} of others" for kind, count in others.items()]
    return f"{what}: {', '.join(named)}." if named else ""


def _named(turn: Turn) -> str:
    words = f"your {turn.kind}" + (f" for {turn.task!r}" if turn.task else "")
    done = f", {turn.fraction:.0%} done" if turn.runs and turn.fraction else ""
    return f"{words} ({turn.job_id}{done})"


def _begins(running: Sequence[Turn], ahead: Sequence[Turn], takes: Takes, now: float) -> str:
    """Return when a job should begin: jobs run beside each other as many as do now."""
    if not running:
        return "begins at once" if not ahead else "begins when those are done"
    free: list[float] = []
    for turn in running:
        left = _left(turn, takes, now)
        if left is None:
            return _unknown(turn)
        free.append(left)
    heapq.heapify(free)
    for turn in ahead:
        seconds = takes(turn)
        if seconds is None:
            return _unknown(turn)
        heapq.heapreplace(free, free[0] + seconds)
    return f"should begin in {_spoken(free[0])}"


def _left(turn: Turn, takes: Takes, now: float) -> float | None:
    """Return the seconds that a running job should still take: by its own pace and estimate, or as others of its kind.

    None where nothing tells.
    """
    so_far = max(0.0, now - (turn.began or now * 1000) / 1000)
    return seconds_left(turn.fraction, so_far, turn.expected or takes(turn))


def _unknown(turn: Turn) -> str:
    return f"begins at an unknown time, because it is not known how long {turn.kind} takes here"


def _spoken(seconds: float) -> str:
    return "a few seconds" if seconds < _FEW_SECONDS else f"about {spoken(seconds)}"
