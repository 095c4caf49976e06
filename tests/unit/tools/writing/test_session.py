"""A writing session: every request gets its own answer, nothing is paid twice, and no cap is passed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classwright_tools.domain.usage import Caps, Prices, TokenCount
from classwright_tools.domain.writer import (
    Completion,
    UnusableAnswer,
    WriterUnavailable,
    WritingKind,
    WritingRequest,
)
from classwright_tools.errors import BudgetExceeded, Cancelled, InvalidInput, StorageFailed, WriterFailed
from classwright_tools.workspace.workspace import Workspace
from classwright_tools.writing.completions import session as session_module
from classwright_tools.writing.completions.budget import Budget
from classwright_tools.writing.completions.ledger import Payment
from classwright_tools.writing.completions.session import MOST_UNDER_WAY, MOST_UNUSABLE_IN_A_ROW, Answer, WritingSession
from classwright_tools.writing.completions.store import CompletionStore
from support.postgres import ON_BOTH
from support.writing import writing_request, writing_requests

BOUND = TokenCount(100, 50)
PRICES = Prices(tokens_in=1.0, tokens_out=10.0)


class ScriptedWriter:
    """A writer in this process: what it answers, and when, is the test's."""

    name = "scripted"
    identity = "scripted 1"
    prices = PRICES

    def __init__(self, answer: Callable[[WritingRequest], Awaitable[Completion]]) -> None:
        self._answer = answer
        self.asked: list[WritingRequest] = []
        self.under_way = 0
        self.most_under_way = 0

    def most_tokens(self, _: WritingRequest) -> TokenCount:
        return BOUND

    def prompt_digest(self, _: WritingKind) -> str:
        return "0" * 64

    async def write(self, request: WritingRequest) -> Completion:
        self.asked.append(request)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            return await self._answer(request)
        finally:
            self.under_way -= 1


def echo(request: WritingRequest) -> Completion:
    assert request.cell is not None
    return Completion(items=(f"about {request.cell.subtopic}",), tokens_in=80, tokens_out=30)


async def at_once(request: WritingRequest) -> Completion:
    await asyncio.sleep(0)
    return echo(request)


async def collect(session: WritingSession, requests: Iterable[WritingRequest]) -> list[Answer]:
    return [answer async for answer in session.answers(requests)]


@pytest.fixture(scope="module")
def engine_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], CompletionStore]:
    """A maker of empty stores, for tests that need many."""

    def make() -> CompletionStore:
        return CompletionStore(Workspace(Path(tmp_path_factory.mktemp("store"))).engine)

    return make


@given(order=st.permutations(range(8)), failing=st.sets(st.integers(0, 7)))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_completion_order_joins_each_answer_with_its_own_request(
    engine_of: Callable[[], CompletionStore], order: list[int], failing: set[int]
) -> None:
    requests = writing_requests(8)

    async def run() -> list[Answer]:
        may_finish = [asyncio.Event() for _ in requests]
        everyone = asyncio.Event()

        async def answer(request: WritingRequest) -> Completion:
            i = requests.index(request)
            if len(writer.asked) == len(requests):
                everyone.set()
            await may_finish[i].wait()
            if i in failing:
                raise WriterFailed(f"request {i}", "failed", "Try again.")
            return echo(request)

        async def release() -> None:
            await everyone.wait()
            for i in order:
                may_finish[i].set()
                await asyncio.sleep(0)

        writer = ScriptedWriter(answer)
        releasing = asyncio.create_task(release())
        answers = await collect(WritingSession(writer, engine_of()), requests)
        await releasing
        return answers

    answers = asyncio.run(run())

    assert sorted(requests.index(answer.request) for answer in answers) == list(range(8))
    for answer in answers:
        i = requests.index(answer.request)
        if i in failing:
            assert answer.completion is None
            assert f"request {i}" in str(answer.failure)
        else:
            assert answer.completion == echo(requests[i])
            assert answer.failure is None


def test_answers_come_in_the_order_of_completion(workspace: Workspace) -> None:
    requests = writing_requests(2)

    async def run() -> list[Answer]:
        second_is_done = asyncio.Event()

        async def answer(request: WritingRequest) -> Completion:
            if request == requests[0]:
                await second_is_done.wait()
            return echo(request)

        session = WritingSession(ScriptedWriter(answer), CompletionStore(workspace.engine))
        answers = []
        async for one in session.answers(requests):
            answers.append(one)
            second_is_done.set()
        return answers

    assert [answer.request for answer in asyncio.run(run())] == requests[::-1]


@ON_BOTH
def test_identical_requests_are_asked_once_and_each_is_answered(workspace: Workspace) -> None:
    writer = ScriptedWriter(at_once)
    session = WritingSession(writer, CompletionStore(workspace.engine))

    answers = asyncio.run(collect(session, [writing_request()] * 3))

    assert len(answers) == 3
    assert len(writer.asked) == 1
    assert session.usage.requests == 1


@ON_BOTH
def test_a_stored_answer_does_not_reach_the_writer(workspace: Workspace) -> None:
    requests = writing_requests(5)
    asyncio.run(collect(WritingSession(ScriptedWriter(at_once), CompletionStore(workspace.engine)), requests[:3]))

    writer = ScriptedWriter(at_once)
    session = WritingSession(writer, CompletionStore(workspace.engine))
    answers = asyncio.run(collect(session, requests))

    assert sorted(map(requests.index, writer.asked)) == [3, 4]
    assert all(answer.completion == echo(answer.request) for answer in answers)
    usage = session.usage
    assert (usage.requests, usage.completions_reused) == (5, 3)
    assert (usage.tokens_in, usage.tokens_out) == (160, 60)
    assert usage.estimated_tokens == 2 * sum(BOUND)
    assert usage.cost == pytest.approx(PRICES.cost(TokenCount(160, 60)))


def test_another_attempt_is_another_request(workspace: Workspace) -> None:
    writer = ScriptedWriter(at_once)
    store = CompletionStore(workspace.engine)

    asyncio.run(collect(WritingSession(writer, store), [writing_request(), writing_request(attempt=1)]))

    assert len(writer.asked) == 2


def test_an_answer_is_stored_before_anybody_sees_it(workspace: Workspace) -> None:
    request = writing_request()
    store = CompletionStore(workspace.engine)
    writer = ScriptedWriter(at_once)

    async def run() -> Completion | None:
        async for _ in WritingSession(writer, store).answers([request]):
            return CompletionStore(workspace.engine).get(request.key(writer.identity))
        return None

    assert asyncio.run(run()) == echo(request)


def test_an_answer_that_finds_the_disk_full_is_held_until_there_is_room(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullAtFirst(CompletionStore):
        refusals = 0

        def put(
            self, key: str, request: WritingRequest, completion: Completion, payment: Payment | None = None
        ) -> None:
            if self.refusals < 6:
                self.refusals += 1
                raise StorageFailed("store", "is full", "Make room.")
            super().put(key, request, completion, payment)

    monkeypatch.setattr(session_module, "STORE_PAUSES", (0.0,) * 7)
    writer = ScriptedWriter(at_once)
    store = FullAtFirst(workspace.engine)
    requests = writing_requests(3)
    answers = asyncio.run(collect(WritingSession(writer, store), requests))

    assert store.refusals == 6
    assert len(writer.asked) == 3
    assert all(store.get(answer.request.key(writer.identity)) == answer.completion for answer in answers)


def test_leaving_the_loop_early_loses_nothing_that_had_arrived(workspace: Workspace) -> None:
    requests = writing_requests(20)

    async def leave_early() -> int:
        hang = asyncio.Event()

        async def answer(request: WritingRequest) -> Completion:
            if requests.index(request) >= 10:
                await hang.wait()
            return echo(request)

        answers = WritingSession(ScriptedWriter(answer), CompletionStore(workspace.engine)).answers(requests)
        seen = 0
        async for _ in answers:
            seen += 1
            if seen == 10:
                break
        await answers.aclose()
        return seen

    assert asyncio.run(leave_early()) == 10
    writer = ScriptedWriter(at_once)
    asyncio.run(collect(WritingSession(writer, CompletionStore(workspace.engine)), requests))
    assert sorted(map(requests.index, writer.asked)) == list(range(10, 20))


def test_cancelling_stops_what_is_under_way(workspace: Workspace) -> None:
    async def run() -> int:
        async def never(request: WritingRequest) -> Completion:
            await asyncio.Event().wait()
            return echo(request)

        writer = ScriptedWriter(never)
        session = WritingSession(writer, CompletionStore(workspace.engine), is_cancelled=lambda: len(writer.asked) == 5)
        with pytest.raises(Cancelled):
            await collect(session, writing_requests(5))
        return writer.under_way

    assert asyncio.run(run()) == 0


def test_a_defect_of_a_writer_is_raised_and_not_swallowed(workspace: Workspace) -> None:
    async def broken(request: WritingRequest) -> Completion:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(
            collect(WritingSession(ScriptedWriter(broken), CompletionStore(workspace.engine)), writing_requests(3))
        )


def test_a_writer_that_is_unavailable_stops_the_session_with_one_failure(workspace: Workspace) -> None:
    stored = writing_requests(3)
    store = CompletionStore(workspace.engine)
    asyncio.run(collect(WritingSession(ScriptedWriter(at_once), store), stored))

    async def down(request: WritingRequest) -> Completion:
        await asyncio.sleep(0)
        raise WriterUnavailable("the writer", "no endpoint answers", "Start it.")

    writer = ScriptedWriter(down)
    session = WritingSession(writer, store)
    answers = asyncio.run(collect(session, [*writing_requests(1000)[3:], *stored]))

    assert len(answers) == 1000
    assert len(writer.asked) <= MOST_UNDER_WAY
    assert {id(answer.failure) for answer in answers if answer.completion is None} == {id(session.stopped)}
    assert sum(answer.completion is not None for answer in answers) == 3
    assert isinstance(session.stopped, WriterUnavailable)
    assert session.usage.requests == len(writer.asked) + 3


def test_a_model_that_never_gives_anything_usable_is_not_paid_for_ever(workspace: Workspace) -> None:
    async def garbage(request: WritingRequest) -> Completion:
        await asyncio.sleep(0)
        raise UnusableAnswer("model", "gave nothing usable", "Use another.", TokenCount(30, 10))

    writer = ScriptedWriter(garbage)
    session = WritingSession(writer, CompletionStore(workspace.engine))
    answers = asyncio.run(collect(session, writing_requests(1000)))

    assert all(answer.failure for answer in answers)
    assert MOST_UNUSABLE_IN_A_ROW <= len(writer.asked) <= MOST_UNDER_WAY + MOST_UNUSABLE_IN_A_ROW
    assert "20 requests in a row" in str(session.stopped)
    assert session.usage.tokens_in == 30 * len(writer.asked)


@given(cap=st.integers(1, 3000), took=st.lists(st.integers(0, 50), min_size=12, max_size=12))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_cap_on_tokens_is_never_passed_and_never_reached_too_early(
    engine_of: Callable[[], CompletionStore], cap: int, took: list[int]
) -> None:
    requests = writing_requests(12)

    async def answer(request: WritingRequest) -> Completion:
        await asyncio.sleep(0)
        return echo(request).model_copy(update={"tokens_in": 100, "tokens_out": took[requests.index(request)]})

    writer = ScriptedWriter(answer)
    session = WritingSession(writer, engine_of(), Budget(max_tokens=cap))
    answers = asyncio.run(collect(session, requests))

    spent = session.usage.tokens_in + session.usage.tokens_out
    refused = [answer for answer in answers if answer.failure]
    assert len(answers) == 12
    assert spent <= cap
    assert all(isinstance(answer.failure, BudgetExceeded) for answer in refused)
    if refused:
        assert spent + sum(BOUND) > cap
    assert len(writer.asked) == 12 - len(refused)


def test_a_cap_on_money_is_kept_and_what_had_arrived_is_free_the_next_time(workspace: Workspace) -> None:
    requests = writing_requests(10)
    one = PRICES.cost(BOUND)
    store = CompletionStore(workspace.engine)

    def session() -> WritingSession:
        return WritingSession(ScriptedWriter(at_once), store, Budget(max_cost=3.5 * one, prices=PRICES))

    first = session()
    asyncio.run(collect(first, requests))
    assert 0 < first.usage.requests < 10
    assert first.usage.cost <= 3.5 * one
    assert "max_cost" in str(first.stopped)

    second = session()
    asyncio.run(collect(second, requests))
    assert second.usage.completions_reused == first.usage.requests
    assert second.usage.requests > first.usage.requests


@pytest.mark.parametrize("cap", [{"max_tokens": 0}, {"max_cost": -1.0, "prices": PRICES}, {"max_minutes": 0}])
def test_a_cap_must_be_positive(cap: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="above zero"):
        Budget(**cap)


@pytest.mark.parametrize(
    ("asked", "told"), [(100_000, "--job-tokens"), (None, "--job-tokens"), (10, "Raise max_tokens")]
)
def test_whose_cap_holds_is_told(asked: int | None, told: str) -> None:
    budget = Budget(max_tokens=asked, servers=Caps(max_tokens=50))

    with pytest.raises(BudgetExceeded, match=told):
        budget.start(TokenCount(60, 0))


def test_a_cap_on_money_without_prices_is_refused() -> None:
    with pytest.raises(InvalidInput, match="what the writer costs is not known"):
        Budget(max_cost=1.0)


def test_the_writer_is_never_given_more_than_its_share_at_once(workspace: Workspace) -> None:
    writer = ScriptedWriter(at_once)

    asyncio.run(collect(WritingSession(writer, CompletionStore(workspace.engine)), writing_requests(600)))

    assert len(writer.asked) == 600
    assert writer.most_under_way <= MOST_UNDER_WAY
