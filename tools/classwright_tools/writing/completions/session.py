"""A writing session: many requests answered by one writer, from the store where it can be, within a budget."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from classwright_tools.context import ToolContext
from classwright_tools.domain.usage import FREE, NO_TOKENS, TokenCount, WriterUsage
from classwright_tools.domain.writer import Completion, UnusableAnswer, Writer, WriterUnavailable, WritingRequest
from classwright_tools.errors import (
    BudgetExceeded,
    Cancelled,
    ClasswrightError,
    InvalidInput,
    StorageFailed,
    WriterFailed,
)
from classwright_tools.writing.completions.budget import Budget
from classwright_tools.writing.completions.ledger import Payment
from classwright_tools.writing.completions.store import CompletionStore
from classwright_tools.writing.completions.tasks import first_done, stop_all

# How many requests may be with the writer at once. The writer sends fewer if its endpoints want fewer.
MOST_UNDER_WAY = 256
# How long after `max_minutes` what is under way is waited for: it may be paid already.
GRACE_SECONDS = 30.0
# The seconds between the tries to store an answer on a full disk: for a minute somebody may make room.
STORE_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0)
# A model that gives nothing usable so often in a row will not do so later; every further request would be paid, too.
MOST_UNUSABLE_IN_A_ROW = 20


@dataclass(frozen=True)
class Answer:
    """The outcome of one request: its completion, or the failure in its place."""

    request: WritingRequest
    completion: Completion | None
    failure: ClasswrightError | None


_Outcome = Completion | ClasswrightError


@dataclass(frozen=True)
class _Question:
    """One thing to ask, and every request that it answers."""

    key: str
    requests: list[WritingRequest]
    most: TokenCount


class WritingSession:
    """Asks a writer, stores each answer before anything else, and counts what it took.

    An answer that the store has never reaches the writer; identical requests are asked once. A request that fails is
    answered with its failure and the rest goes on, but once no endpoint answers, a cap is reached, or the model proves
    unable, nothing more is asked: what is left is answered with that one failure, which `stopped` holds.
    """

    def __init__(
        self,
        writer: Writer,
        store: CompletionStore,
        budget: Budget | None = None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        """Ask `writer` within `budget` (without one: without a cap), until `is_cancelled` says otherwise."""
        self._writer = writer
        self._store = store
        self._budget = budget or Budget(prices=writer.prices)
        self._is_cancelled = is_cancelled
        self._requests = 0
        self._reused = 0
        self._estimated = 0
        self._unusable_in_a_row = 0
        self.stopped: ClasswrightError | None = None

    @property
    def usage(self) -> WriterUsage:
        """The usage so far: requests, and spending, also by earlier attempts at the same run."""
        spent = self._budget.spent
        return WriterUsage(
            writer=self._writer.name,
            requests=self._requests,
            completions_reused=self._reused,
            tokens_in=spent.tokens_in,
            tokens_out=spent.tokens_out,
            cost=self._budget.cost,
            estimated_tokens=self._estimated,
        )

    def estimate(self, requests: Iterable[WritingRequest]) -> TokenCount:
        """Return an upper bound of the tokens that `requests` will take; those in the store take none."""
        return self._bound(self._questions(requests))

    async def answers(self, requests: Iterable[WritingRequest]) -> AsyncGenerator[Answer, None]:
        """Yield one answer for each request, in the order in which they are completed.

        Leaving the loop early, like cancelling, stops the requests that are under way.

        Raises:
            Cancelled: the caller asked to stop; what had arrived is stored.
            StorageFailed: an answer could not be stored.
        """
        waiting = self._questions(requests)
        self._estimated += sum(self._bound(waiting))
        waiting.reverse()  # taken from the end
        under_way: dict[asyncio.Task[tuple[_Question, _Outcome]], _Question] = {}
        try:
            while waiting or under_way:
                while waiting and len(under_way) < MOST_UNDER_WAY:
                    step = self._step(waiting[-1], others_under_way=bool(under_way))
                    if step == "wait":
                        break
                    question = waiting.pop()
                    if step == "ask":
                        under_way[asyncio.create_task(self._asked(question))] = question
                        continue
                    for answer in _answers(question, step):
                        yield answer
                done = await first_done(set(under_way))
                if self._is_cancelled():
                    raise Cancelled
                for task in done:
                    under_way.pop(task)
                    for answer in _answers(*task.result()):
                        yield answer
                for answer in await self._given_up(under_way):
                    yield answer
        finally:
            await stop_all(set(under_way))

    async def _given_up(self, under_way: dict[asyncio.Task[Any], _Question]) -> list[Answer]:
        """Stop what is under way when the time has been over for long, and return the failures in its place."""
        overdue = self._budget.out_of_time(GRACE_SECONDS)
        late = {task: question for task, question in under_way.items() if not task.done()}
        if overdue is None or not late:
            return []
        self.stopped = self.stopped or overdue
        await stop_all(set(late))
        for task in late:
            del under_way[task]
        return [answer for question in late.values() for answer in _answers(question, overdue)]

    def _questions(self, requests: Iterable[WritingRequest]) -> list[_Question]:
        """Return `requests` with the identical ones joined, in their order."""
        questions: dict[str, _Question] = {}
        for request in requests:
            key = request.key(self._writer.identity)
            if key not in questions:
                questions[key] = _Question(key, [], self._writer.most_tokens(request))
            questions[key].requests.append(request)
        return list(questions.values())

    def _bound(self, questions: list[_Question]) -> TokenCount:
        stored = self._store.stored([question.key for question in questions])
        asked = [question.most for question in questions if question.key not in stored]
        return TokenCount(sum(most.tokens_in for most in asked), sum(most.tokens_out for most in asked))

    def _step(self, question: _Question, *, others_under_way: bool) -> _Outcome | Literal["ask", "wait"]:
        """Return what is to be done with `question`: nothing but to answer it, ask, or wait for others to finish.

        To ask is to have reserved its part of the budget; to wait, that others hold a part that it may yet get.
        """
        stored = self._store.get(question.key)
        if stored is not None:
            self._requests += 1
            self._reused += 1
            return stored
        if self.stopped is not None:
            return self.stopped
        if others_under_way and not self._budget.fits(question.most) and self._budget.may_ever_fit(question.most):
            return "wait"
        try:
            self._budget.start(question.most)
        except BudgetExceeded as error:
            self.stopped = error
            return error
        self._requests += 1
        return "ask"

    async def _asked(self, question: _Question) -> tuple[_Question, _Outcome]:
        """Return the writer's answer to `question`, which is in the store by then, or what stood in its way."""
        took = NO_TOKENS
        try:
            completion = await self._writer.write(question.requests[0])
            if not isinstance(completion, Completion):
                raise _no_completion(self._writer, completion)
            took = TokenCount(completion.tokens_in, completion.tokens_out)
            payment = self._payment(took)
            await self._written(lambda: self._store.put(question.key, question.requests[0], completion, payment))
        except WriterUnavailable as error:
            took = error.tokens
            await self._pay(took)
            self.stopped = self.stopped or error
            return question, self.stopped
        except UnusableAnswer as error:
            took = error.tokens
            await self._pay(took)
            self._unusable_in_a_row += 1
            if self._unusable_in_a_row >= MOST_UNUSABLE_IN_A_ROW:
                self.stopped = self.stopped or _unable(self._writer, error)
            return question, error
        except WriterFailed as error:
            return question, error
        finally:
            self._budget.finish(question.most, took)
        self._unusable_in_a_row = 0
        return question, completion

    def _payment(self, took: TokenCount) -> Payment | None:
        """Return the payment for an answer; None for one that took nothing, such as a recorded one."""
        cost = (self._writer.prices or FREE).cost(took)
        return Payment(self._writer.name, took, cost) if took != NO_TOKENS else None

    async def _pay(self, took: TokenCount) -> None:
        """Write down what an answer took that could not be used."""
        payment = self._payment(took)
        if payment:
            await self._written(lambda: self._store.pay(payment))

    async def _written(self, write: Callable[[], None]) -> None:
        """Call `write` for what is paid for, or, while the disk is full, hold it and try again for a while.

        Raises:
            StorageFailed: the disk stayed full.
        """
        for seconds in STORE_PAUSES:
            try:
                return write()
            except StorageFailed:
                await asyncio.sleep(seconds)
        return write()


def session_of(
    context: ToolContext,
    *,
    max_tokens: int | None = None,
    max_cost: float | None = None,
    max_minutes: float | None = None,
) -> WritingSession:
    """Return a session with the context's writer and store, within the caps of the call and of the operator.

    What earlier attempts at the run took counts against them.

    Raises:
        InvalidInput: a cost is capped without known prices.
    """
    writer = context.writer
    assert writer is not None
    store = CompletionStore(context.workspace.engine, context.run_key)
    paid = store.paid()
    budget = Budget(
        max_tokens=max_tokens,
        max_cost=max_cost,
        max_minutes=max_minutes,
        prices=writer.prices,
        spent=TokenCount(paid.tokens_in, paid.tokens_out) if paid else NO_TOKENS,
        servers=context.caps,
    )
    return WritingSession(writer, store, budget, context.is_cancelled)


def _unable(writer: Writer, last: UnusableAnswer) -> WriterFailed:
    return WriterFailed(
        f"writer {writer.name!r}",
        f"gave nothing usable for {MOST_UNUSABLE_IN_A_ROW} requests in a row; the last one: {last.reason}",
        last.repair,
    )


def _no_completion(writer: Writer, found: object) -> InvalidInput:
    """Return the error that what a `writer` of one's own gave back is no completion: its next answer is none either."""
    return InvalidInput(
        f"writer {writer.name!r} ({type(writer).__module__})",
        f"answered a request with a {type(found).__name__}, not with a Completion",
        "Correct its `write`, and start the server again.",
    )


def _answers(question: _Question, outcome: _Outcome) -> list[Answer]:
    """Return the answer to each request that `question` stands for."""
    if isinstance(outcome, Completion):
        return [Answer(request, outcome, None) for request in question.requests]
    return [Answer(request, None, outcome) for request in question.requests]
