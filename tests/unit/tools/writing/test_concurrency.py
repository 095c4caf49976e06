"""How many requests an endpoint gets, how long it is left alone, and when it counts as down."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classwright_tools.domain.writer import WriterUnavailable
from classwright_tools.errors import WriterFailed
from classwright_tools.writing.backends.http_errors import MOST_RETRY_AFTER_SECONDS, Fault, fault_of_status, retry_after
from classwright_tools.writing.backends.rate_limit import (
    FIRST_LIMIT,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    MOST_LIMIT,
    ROUNDS_UNTIL_DOWN,
    Gate,
    RateLimiter,
    backoff,
)
from support.writing import PaperClock

OVERLOADED = Fault("overloaded", "is rate-limiting (HTTP 429)")
BROKEN = Fault("broken", "answered with HTTP 500")
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def fail(gate: Gate, fault: Fault, now: float) -> None:
    gate.fail(fault, started=now - 0.01, now=now, jitter=0.0)


def test_a_gate_opens_wider_with_every_answer_while_it_is_full() -> None:
    gate = Gate("a", "a")
    for _ in range(1000):
        gate.in_flight = int(gate.limit)
        gate.succeed()

    assert gate.limit == MOST_LIMIT


def test_a_gate_that_is_not_full_stays_as_it_is() -> None:
    gate = Gate("a", "a", in_flight=1)
    for _ in range(1000):
        gate.succeed()

    assert gate.limit == FIRST_LIMIT


def test_an_overloaded_endpoint_gets_half_and_then_grows_slowly() -> None:
    gate = Gate("a", "a", limit=32.0)
    fail(gate, OVERLOADED, now=1.0)
    assert gate.limit == 16.0

    for _ in range(16):  # one round trip
        gate.in_flight = 16
        gate.succeed()
    assert 16.9 < gate.limit < 17.1


def test_a_burst_of_faults_of_requests_sent_together_halves_once() -> None:
    gate = Gate("a", "a", limit=32.0)
    for i in range(32):
        gate.fail(OVERLOADED, started=0.5, now=1.0 + i / 100, jitter=0.0)

    assert gate.limit == 16.0
    assert gate.rounds == 1


def test_a_limit_never_falls_below_one_request() -> None:
    gate = Gate("a", "a")
    for i in range(1, 5):
        fail(gate, OVERLOADED, now=float(1000 * i))

    assert gate.limit == 1.0
    assert gate.has_room(now=1e9)


def test_single_broken_answers_leave_the_gate_open() -> None:
    gate = Gate("a", "a")
    for i in range(10):
        fail(gate, BROKEN, now=float(i + 1))
        assert gate.has_room(now=float(i + 1))
        gate.succeed()

    assert gate.limit == FIRST_LIMIT


def test_broken_answers_in_a_row_close_it() -> None:
    gate = Gate("a", "a")
    for i in range(3):
        fail(gate, BROKEN, now=float(i + 1))

    assert not gate.has_room(now=3.0)


@given(kind=st.sampled_from(sorted(FIRST_PAUSE)), turn=st.integers(1, 200), jitter=st.floats(0, 1))
def test_a_pause_is_at_least_half_of_its_doubling_and_never_beyond_the_cap(kind: str, turn: int, jitter: float) -> None:
    doubled = min(LONGEST_PAUSE, FIRST_PAUSE[kind] * 2 ** (turn - 1))

    assert doubled / 2 <= backoff(kind, turn, jitter) <= doubled


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("3", 3.0),
        ("0", 0.0),
        ("-5", 0.0),
        ("1.5", 1.5),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 12:00:30 -0000", 30.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("99999999", MOST_RETRY_AFTER_SECONDS),
        ("inf", MOST_RETRY_AFTER_SECONDS),
        ("nan", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_retry_after_is_read_in_both_forms_and_bounded(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


@given(header=st.text(max_size=40))
def test_no_retry_after_whatever_is_an_error(header: str) -> None:
    seconds = retry_after(header, NOW)

    assert seconds is None or 0 <= seconds <= MOST_RETRY_AFTER_SECONDS


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, None) for status in (200, 400, 422)),
        *((status, "overloaded") for status in (429, 503)),
        *((status, "broken") for status in (408, 500, 502, 504, 529)),
        *((status, "rejected") for status in (302, 401, 402, 403, 404)),
    ],
)
def test_a_status_is_a_fault_of_the_endpoint_or_none(status: int, kind: str | None) -> None:
    fault = fault_of_status(status, {}, NOW)

    assert (fault.kind if fault else None) == kind


def gates(paper: PaperClock, *names: str) -> RateLimiter:
    return RateLimiter([Gate(name, name) for name in names], paper.clock, seed=0)


def test_a_slow_answer_is_no_fault() -> None:
    paper = PaperClock()
    gate = Gate("a", "a")

    async def slow(_: Gate) -> str:
        await paper.sleep(500.0)
        return "done"

    assert asyncio.run(RateLimiter([gate], paper.clock, seed=0).send(slow)) == "done"
    assert gate.limit == FIRST_LIMIT
    assert gate.rounds == 0


def test_no_more_requests_are_under_way_than_the_gates_allow() -> None:
    paper = PaperClock()
    under_way = most = 0

    async def send(gate: Gate) -> str:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        assert gate.in_flight <= gate.limit
        await asyncio.sleep(0)
        under_way -= 1
        return "done"

    async def run() -> None:
        ways = gates(paper, "a", "b")
        await asyncio.gather(*(ways.send(send) for _ in range(500)))

    asyncio.run(run())
    assert 2 * FIRST_LIMIT < most <= 2 * MOST_LIMIT


def test_all_that_wait_hear_that_every_endpoint_is_down() -> None:
    paper = PaperClock()
    tries = 0

    async def refuse(_: Gate) -> Fault:
        nonlocal tries
        tries += 1
        await asyncio.sleep(0)
        return Fault("unreachable", "cannot be connected to")

    async def run() -> list[object]:
        ways = gates(paper, "a", "b")
        return await asyncio.gather(*(ways.send(refuse) for _ in range(300)), return_exceptions=True)

    failures = asyncio.run(run())
    assert {type(failure) for failure in failures} == {WriterUnavailable}
    assert "a cannot be connected to; b cannot be connected to" in str(failures[0])
    assert tries < 60
    assert 5 < paper.time < 60


def test_a_request_that_alone_keeps_failing_does_not_take_the_others_along() -> None:
    paper = PaperClock()

    async def run() -> list[object]:
        ways = gates(paper, "a")

        def sender(i: int) -> object:
            async def send(_: Gate) -> str | Fault:
                await asyncio.sleep(0)
                return BROKEN if i == 7 else "done"

            return ways.send(send)

        return await asyncio.gather(*(sender(i) for i in range(100)), return_exceptions=True)

    results = asyncio.run(run())
    assert isinstance(results[7], WriterFailed)
    assert not isinstance(results[7], WriterUnavailable)
    assert results.count("done") == 99


@given(
    outcomes=st.lists(st.sampled_from(["done", "done", OVERLOADED, BROKEN, "cancel"]), max_size=60),
    names=st.sampled_from([("a",), ("a", "b"), ("a", "b", "c")]),
)
@settings(max_examples=150, deadline=None)
def test_whatever_happens_every_request_ends_and_no_place_is_lost(
    outcomes: list[str | Fault], names: tuple[str, ...]
) -> None:
    paper = PaperClock()
    ways = [Gate(name, name) for name in names]
    script = iter(outcomes)

    async def send(_: Gate) -> str | Fault:
        outcome = next(script, "done")
        await asyncio.sleep(0)
        if outcome == "cancel":
            raise asyncio.CancelledError
        return outcome

    async def run() -> list[object]:
        shared = RateLimiter(ways, paper.clock, seed=1)
        tasks = [asyncio.create_task(shared.send(send)) for _ in range(40)]
        await asyncio.sleep(0)
        for task in tasks[::9]:
            task.cancel()
        async with asyncio.timeout(20):
            return await asyncio.gather(*tasks, return_exceptions=True)

    results = asyncio.run(run())
    assert all(result == "done" or isinstance(result, WriterFailed | asyncio.CancelledError) for result in results)
    assert all(gate.in_flight == 0 for gate in ways)


def test_the_place_that_a_cancelled_request_was_woken_for_goes_to_the_next() -> None:
    async def run() -> str:
        shared = RateLimiter([Gate("a", "a", limit=1.0)], PaperClock().clock, seed=0)
        first_may_end = asyncio.Event()

        async def hold(_: Gate) -> str:
            await first_may_end.wait()
            second.cancel()  # in the same step in which the place is given to it
            return "first"

        async def send(_: Gate) -> str:
            return "done"

        first = asyncio.create_task(shared.send(hold))
        await asyncio.sleep(0)
        second, third = asyncio.create_task(shared.send(send)), asyncio.create_task(shared.send(send))
        await asyncio.sleep(0)
        first_may_end.set()
        await first
        async with asyncio.timeout(5):
            return await third

    assert asyncio.run(run()) == "done"


def test_an_endpoint_that_comes_back_is_used_again() -> None:
    paper = PaperClock()
    gate = Gate("a", "a")
    ways = [gate, Gate("b", "b")]

    async def send(way: Gate) -> str | Fault:
        await asyncio.sleep(0)
        if way is gate and paper.time < 100:
            return Fault("unreachable", "cannot be connected to")
        await paper.sleep(1.0)
        return way.name

    async def run() -> list[str]:
        shared = RateLimiter(ways, paper.clock, seed=0)
        return [await shared.send(send) for _ in range(400)]

    used = asyncio.run(run())
    assert gate.rounds < ROUNDS_UNTIL_DOWN
    assert "a" in used[-100:]


def test_the_pauses_of_one_seed_are_the_same_every_time() -> None:
    def pauses() -> float:
        paper = PaperClock()

        async def refuse(_: Gate) -> Fault:
            return OVERLOADED

        with pytest.raises(WriterUnavailable):
            asyncio.run(gates(paper, "a").send(refuse))
        return paper.time

    assert pauses() == pauses()
    assert timedelta(seconds=pauses()) > timedelta(seconds=30)
