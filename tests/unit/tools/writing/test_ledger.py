"""The ledger: what a run paid is known also when it never came to a result, and the caps hold over all its attempts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.task import Task
from classwright_tools.domain.usage import Prices, TokenCount
from classwright_tools.domain.writer import Completion, UnusableAnswer, WritingRequest
from classwright_tools.errors import BudgetExceeded
from classwright_tools.propose_topics import ProposeTopicsRequest, propose_topics
from classwright_tools.synthesize_examples import SynthesizeExamplesRequest, synthesize_examples
from classwright_tools.workspace.workspace import Workspace
from classwright_tools.writing.completions.ledger import Payment, paid_by
from classwright_tools.writing.completions.store import CompletionStore
from support.postgres import ON_BOTH
from support.synthesize import asked_of, with_writer
from support.writing import writing_request
from support.writing_verbs import well_written

A_REQUEST = 140
"""The tokens that an answer of `well_written` with two texts takes."""


def breaks_after(answers: int) -> Callable[[WritingRequest], Completion]:
    answered = 0

    def script(request: WritingRequest) -> Completion:
        nonlocal answered
        answered += 1
        if answered > answers:
            raise RuntimeError("the machine went down")
        return well_written(request)

    return script


def tokens_of(context: ToolContext) -> int:
    paid = paid_by(context.workspace.engine, context.run_key)
    return paid.tokens_in + paid.tokens_out if paid else 0


def test_a_run_that_broke_off_tells_what_it_paid_and_no_other_run_does(context: ToolContext, tree: str) -> None:
    context = with_writer(context, breaks_after(10), prices=Prices(tokens_in=1, tokens_out=2))
    with pytest.raises(RuntimeError):
        synthesize_examples(SynthesizeExamplesRequest(task="support"), context)

    paid = paid_by(context.workspace.engine, "run")

    assert paid
    assert (paid.writer, paid.requests) == ("scripted", 10)
    assert (paid.tokens_in, paid.tokens_out, paid.cost) == (1_000, 400, pytest.approx(0.0018))
    assert paid_by(context.workspace.engine, "another run") is None


def test_a_repeated_run_counts_what_its_first_attempt_paid_once(context: ToolContext, tree: str) -> None:
    with pytest.raises(RuntimeError):
        synthesize_examples(SynthesizeExamplesRequest(task="support"), with_writer(context, breaks_after(10)))

    result = synthesize_examples(SynthesizeExamplesRequest(task="support"), with_writer(context))

    assert result.usage
    assert result.usage.tokens_in + result.usage.tokens_out == 24 * A_REQUEST
    assert tokens_of(with_writer(context)) == 24 * A_REQUEST


def test_another_run_that_finds_the_answers_in_the_store_has_paid_nothing(context: ToolContext, tree: str) -> None:
    request = SynthesizeExamplesRequest(task="support", new_dataset=True)
    synthesize_examples(request, with_writer(context))

    again = synthesize_examples(request, with_writer(context, run_key="again"))

    assert again.usage
    assert (again.usage.completions_reused, again.usage.tokens_in, again.usage.cost) == (24, 0, 0)
    assert tokens_of(with_writer(context, run_key="again")) == 0


def test_a_cap_holds_over_the_attempts_at_a_run(context: ToolContext, tree: str) -> None:
    request = SynthesizeExamplesRequest(task="support", max_tokens=12 * A_REQUEST)
    with pytest.raises(RuntimeError):
        synthesize_examples(request, with_writer(context, breaks_after(10)))
    context = with_writer(context)

    result = synthesize_examples(request, context)

    assert len(asked_of(context)) == 2
    assert result.accepted == 24
    assert tokens_of(context) == 12 * A_REQUEST


def test_topics_that_broke_off_count_against_the_cap_of_the_next_attempt(context: ToolContext, task: Task) -> None:
    request = ProposeTopicsRequest(task=task.slug, instruction=task.instruction, labels=task.labels)
    with pytest.raises(RuntimeError):
        propose_topics(request, with_writer(context, breaks_after(3)))
    first = tokens_of(with_writer(context))

    result = propose_topics(request, with_writer(context))

    assert 0 < first < tokens_of(with_writer(context))
    assert result.usage.tokens_in + result.usage.tokens_out == tokens_of(with_writer(context))  # type: ignore[attr-defined]


def test_answers_that_could_not_be_used_are_paid_too(context: ToolContext, tree: str) -> None:
    def unusable(_: WritingRequest) -> Completion:
        raise UnusableAnswer("the model", "refused", "Use another.", TokenCount(30, 12))

    context = with_writer(context, unusable)
    synthesize_examples(SynthesizeExamplesRequest(task="support", rows=3), context)

    assert tokens_of(context) == 42 * len(asked_of(context)) > 0


def test_a_run_that_may_spend_no_more_says_so_before_it_asks(context: ToolContext, tree: str) -> None:
    def unusable(_: WritingRequest) -> Completion:
        raise UnusableAnswer("the model", "refused", "Use another.", TokenCount(100, 20))

    request = SynthesizeExamplesRequest(task="support", max_tokens=A_REQUEST)
    for asks in (1, 0):
        context = with_writer(context, unusable)
        with pytest.raises(BudgetExceeded, match="120 of 140 tokens are spent"):
            synthesize_examples(request, context)
        assert len(asked_of(context)) == asks


@ON_BOTH
def test_a_payment_that_is_written_twice_counts_once_and_an_answer_of_two_runs_is_paid_by_both(
    workspace: Workspace,
) -> None:
    engine = workspace.engine
    request, completion = writing_request(), Completion(items=("one",), tokens_in=5, tokens_out=2)
    for run in ("one", "other"):
        payment = Payment("w", TokenCount(5, 2), 0.5)
        for _ in range(2):  # the connection was lost after the commit
            CompletionStore(engine, run).put(request.key("w"), request, completion, payment)

    for run in ("one", "other"):
        paid = paid_by(engine, run)
        assert paid
        assert (paid.requests, paid.tokens_in, paid.tokens_out, paid.cost) == (1, 5, 2, 0.5)
