"""Concurrency limits of endpoints, by additive increase and multiplicative decrease (AIMD).

An endpoint starts with a few requests. Each answer makes room for one more until the first fault, and for one more a
round trip from then on; an overloaded or unreachable endpoint gets half as many, and none for a while: as long as
its Retry-After says, else for a time that doubles with every round of faults. A slow answer is an answer.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from classwright_tools.domain.writer import WriterUnavailable
from classwright_tools.errors import WriterFailed
from classwright_tools.writing.backends.http_errors import Fault, FaultKind

T = TypeVar("T")

FIRST_LIMIT = 4.0
MOST_LIMIT = 128.0

# The first pause after a fault, in seconds; it doubles with every further round, up to the longest. Together the
# rounds last about 15 s for an endpoint that is down (a restart of a server), 60 s for one that limits by the minute.
FIRST_PAUSE: dict[FaultKind, float] = {"overloaded": 2.0, "unreachable": 0.5, "broken": 0.5, "silent": 0.5}
LONGEST_PAUSE = 60.0
# Rounds of faults, with no answer between them, after which an endpoint counts as down.
ROUNDS_UNTIL_DOWN = 6
# Broken answers in a row, from an endpoint that takes requests, that make it pause like one that is not there.
BROKEN_IN_A_ROW = 3
# How often one request is tried. A silent endpoint has cost a long timeout each time.
MOST_TRIES: dict[FaultKind, int] = {"overloaded": 10, "unreachable": 10, "broken": 5, "silent": 2}


@dataclass(frozen=True)
class Clock:
    """The source of time."""

    now: Callable[[], float] = time.monotonic
    utc: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass
class Gate:
    """The way to one endpoint, known by its `key`: how many requests may pass at once, and from when on."""

    key: str
    name: str
    limit: float = FIRST_LIMIT
    in_flight: int = 0
    closed_until: float = 0.0
    rounds: int = 0
    broken: int = 0
    reason: str = ""
    repair: str = ""
    _threshold: float = field(default=MOST_LIMIT, repr=False)
    _closed_at: float = field(default=float("-inf"), repr=False)

    @property
    def is_down(self) -> bool:
        """Whether the endpoint has failed so often that nothing should wait for it."""
        return self.rounds >= ROUNDS_UNTIL_DOWN

    def has_room(self, now: float) -> bool:
        """Whether one more request may pass now."""
        return now >= self.closed_until and self.in_flight < max(1, int(self.limit))

    def succeed(self) -> None:
        """Count an answer."""
        self.rounds = self.broken = 0
        if 2 * self.in_flight >= self.limit:  # a limit that nobody reaches says nothing about the endpoint
            growth = 1.0 if self.limit < self._threshold else 1.0 / self.limit
            self.limit = min(MOST_LIMIT, self.limit + growth)

    def fail(self, fault: Fault, *, started: float, now: float, jitter: float) -> None:
        """Count the fault of a request that was sent at `started`; `jitter` (0 to 1) is the pause's."""
        self.reason, self.repair = fault.reason, fault.repair
        if fault.kind == "rejected":
            self.rounds = ROUNDS_UNTIL_DOWN
            self.closed_until = now + LONGEST_PAUSE
            return
        if fault.retry_after is not None:
            self.closed_until = max(self.closed_until, now + fault.retry_after)
        if started <= self._closed_at:
            return  # sent before the endpoint was last closed: the same trouble, not a further round of it
        self.broken += 1
        if fault.kind in ("broken", "silent") and self.broken < BROKEN_IN_A_ROW:
            return
        self.rounds += 1
        self.limit = self._threshold = max(1.0, self.limit / 2)
        self._closed_at = now
        self.closed_until = max(self.closed_until, now + backoff(fault.kind, self.rounds, jitter))


def backoff(kind: FaultKind, turn: int, jitter: float) -> float:
    """Return the seconds to wait after the `turn`-th fault (from 1 on); `jitter` (0 to 1) takes away up to half."""
    longest = min(LONGEST_PAUSE, FIRST_PAUSE[kind] * 2 ** (turn - 1))
    return float(longest * (1 - jitter / 2))


class RateLimiter:
    """The ways to all endpoints of a writer: each request takes the one with the fewest under way.

    Belongs to one event loop.
    """

    def __init__(self, gates: Sequence[Gate], clock: Clock, seed: int) -> None:
        """Share requests among `gates`; `seed` is the pauses' jitter's."""
        self._gates = gates
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311 - jitter
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def send(self, send: Callable[[Gate], Awaitable[T | Fault]]) -> T:
        """Return what `send` got through one of the gates, after as many tries as it is worth.

        Raises:
            WriterUnavailable: no endpoint answers.
            WriterFailed: this request failed too often; other ones may not.
        """
        faults: Counter[FaultKind] = Counter()
        last: Gate | None = None
        while True:
            gate = await self._enter(last)
            started = self._clock.now()
            try:
                outcome = await send(gate)
                self._count(gate, outcome, started)
            finally:
                self._leave(gate)
            if not isinstance(outcome, Fault):
                return outcome
            faults[outcome.kind] += 1
            if outcome.kind != "rejected" and faults[outcome.kind] >= MOST_TRIES[outcome.kind]:
                raise _given_up(gate, outcome, faults[outcome.kind])
            last = gate
            if outcome.kind in ("broken", "silent") and not self._another_is_open(gate):
                await self._clock.sleep(backoff(outcome.kind, faults[outcome.kind], self._random.random()))

    def _count(self, gate: Gate, outcome: object, started: float) -> None:
        if isinstance(outcome, Fault):
            gate.fail(outcome, started=started, now=self._clock.now(), jitter=self._random.random())
        else:
            gate.succeed()

    async def _enter(self, last: Gate | None) -> Gate:
        """Wait for room and return the gate, with its request counted; rather not `last`, which has just failed."""
        while True:
            now = self._clock.now()
            open_ = [gate for gate in self._gates if gate.has_room(now)]
            if open_:
                gate = min(open_, key=lambda gate: (gate is last, gate.in_flight))
                gate.in_flight += 1
                self._wake()  # there may be room for the next one, too
                return gate
            if all(gate.is_down for gate in self._gates):
                self._wake()  # whoever else waits is to hear of it, too
                raise _unavailable(self._gates)
            await self._change(now)

    def _leave(self, gate: Gate) -> None:
        gate.in_flight -= 1
        self._wake()

    def _wake(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    async def _change(self, now: float) -> None:
        """Wait until a request is over, or until the next gate opens again."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        awaited: set[asyncio.Future[None]] = {waiter}
        opening = min((gate.closed_until for gate in self._gates if gate.closed_until > now), default=None)
        if opening is not None:
            awaited.add(asyncio.ensure_future(self._clock.sleep(opening - now)))
        try:
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if waiter.done():  # the room that this one was woken for goes to the next
                self._wake()
            raise
        finally:
            for future in awaited:
                future.cancel()

    def _another_is_open(self, gate: Gate) -> bool:
        now = self._clock.now()
        return any(other is not gate and now >= other.closed_until for other in self._gates)


def _given_up(gate: Gate, fault: Fault, tries: int) -> WriterFailed:
    return WriterFailed(
        f"writer endpoint {gate.name}",
        f"{fault.reason}, {tries} times for one request",
        "Look at the endpoint's log; what had arrived is kept, so call again.",
    )


def _unavailable(gates: Sequence[Gate]) -> WriterUnavailable:
    repair = " ".join(dict.fromkeys(gate.repair for gate in gates))
    return WriterUnavailable(
        "the writer",
        "no endpoint answers: " + "; ".join(f"{gate.name} {gate.reason}" for gate in gates),
        f"{repair} What had arrived is kept: call again.",
    )
