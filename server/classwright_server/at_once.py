"""Calls that are answered while the caller waits: quick verbs, and small calls of tools that else make jobs.

Principals alternate: of each one no more calls stand in the common line than are under way at once, and of their small
calls one. So nobody's many calls hold up another's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import anyio
import anyio.from_thread
import anyio.to_thread

from classwright_server.jobs.messages import Order, Outcome, Progress

if TYPE_CHECKING:
    from classwright_server.jobs.pool import ProcessPool
    from classwright_tools.work import Lane

REPORT_EVERY_SECONDS = 2.0
QUICK_AT_ONCE = 4
"""Quick verbs that are under way at once; further calls wait for their turn. Each takes a process."""
SMALL_AT_ONCE = 2
"""Small calls, which compute, and so are as many as short jobs."""
TURN_SECONDS = 2.0
"""A small call whose turn does not come within this is better off as a job, which outlives its client's patience."""

GoOn = Callable[[], Awaitable[None]]


class AtOnce:
    """Runs orders in compute processes while their calls wait. `go_on` is called every two seconds until the outcome.

    When a call is cancelled, so is its order.
    """

    def __init__(self) -> None:
        self._quick = anyio.CapacityLimiter(QUICK_AT_ONCE)  # apart from the threads that look after jobs
        self._small = anyio.CapacityLimiter(SMALL_AT_ONCE)
        self._small_threads = anyio.CapacityLimiter(SMALL_AT_ONCE)
        self._shares: WeakValueDictionary[str | None, anyio.CapacityLimiter] = WeakValueDictionary()
        self._turns: WeakValueDictionary[str | None, anyio.Lock] = WeakValueDictionary()

    async def quick(self, pool: ProcessPool, order: Order, go_on: GoOn, lane: Lane = "short") -> Outcome:
        """Run a quick verb in a process of `lane`: one that is to ask the writer needs one that has its key."""
        share = self._shares.setdefault(order.owner, anyio.CapacityLimiter(QUICK_AT_ONCE))
        async with share:
            return await _run(pool, order, go_on, lane, self._quick)

    async def small(self, pool: ProcessPool, order: Order, uses: str, go_on: GoOn) -> Outcome | None:
        """Run a small call, best in a process that has in memory what it `uses`; None if its turn does not come."""
        turn = self._turns.setdefault(order.owner, anyio.Lock())
        async with AsyncExitStack() as held:
            has_turn = False
            with anyio.move_on_after(TURN_SECONDS):
                await held.enter_async_context(turn)
                await held.enter_async_context(self._small)
                has_turn = True
            return await _run(pool, order, go_on, "short", self._small_threads, uses) if has_turn else None


async def _run(
    pool: ProcessPool, order: Order, go_on: GoOn, lane: Lane, threads: anyio.CapacityLimiter, uses: str = ""
) -> Outcome:
    def run() -> Outcome:
        return pool.run(order, _ignored, _unless_cancelled, lane, uses)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_every_two_seconds, go_on)
        outcome = await anyio.to_thread.run_sync(run, limiter=threads)
        tasks.cancel_scope.cancel()
    return outcome


async def _every_two_seconds(go_on: GoOn) -> None:
    while True:
        await anyio.sleep(REPORT_EVERY_SECONDS)
        await go_on()


def _ignored(_progress: Progress) -> None:
    """Report no progress: the call is over before anyone could read it."""


def _unless_cancelled() -> bool:
    """Return that an order is not over; raise if the call that waits for it was cancelled."""
    anyio.from_thread.check_cancelled()
    return False
