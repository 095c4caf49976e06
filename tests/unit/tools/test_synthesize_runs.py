"""Runs of `synthesize_examples`: in any order, repeated, broken off, cancelled, over budget, or with a full disk."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Label, Task
from classwright_tools.domain.usage import Prices, TokenCount
from classwright_tools.domain.writer import Completion, UnusableAnswer, WriterUnavailable, WritingRequest
from classwright_tools.errors import BudgetExceeded, Cancelled, ClasswrightError, InvalidInput, StorageFailed
from classwright_tools.synthesize_examples import SynthesizeExamplesRequest, synthesize_examples
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Artifact, Workspace
from classwright_tools.writing.completions import session
from classwright_tools.writing.generation import saving
from support.synthesize import asked_of, fails, train_rows, with_writer
from support.writing_verbs import ScriptedWriter, save_tree, sentence, well_written


def uneven(request: WritingRequest) -> Completion:
    """Repeat texts across cells, give too many or too few, and fail now and then."""
    rng = random.Random(f"{request.cell}{request.attempt}")
    if rng.random() < 0.1:
        return fails(request)
    return Completion(items=tuple(sentence(rng.randrange(60)) for _ in range(rng.randrange(5))))


def outcome_of(context: ToolContext, name: str, turns: random.Random | None) -> tuple[object, ...]:
    """Return what a run makes of `uneven` answers, which arrive in the order of the requests or in `turns`."""
    writer = ScriptedWriter(uneven, turns=turns, name=f"writer {name}")
    run = replace(context, writer=writer, run_key=f"run {name}")
    # Each run starts from an empty dataset of its own, so that all see the same.
    empty = save_dataset(run.workspace, "support", {}, parent=None, run_key=f"empty {name}", made_by="test")
    result = synthesize_examples(SynthesizeExamplesRequest(task="support", dataset=empty.id, rows=24), run)
    rows = [(row.text, row.label, row.provenance and row.provenance.cell) for row in train_rows(run, result.dataset)]
    return rows, result.refused, result.refusals, result.missing


@pytest.fixture
def in_order(workspace: Workspace, context: ToolContext) -> tuple[object, ...]:
    """What comes of answers in the order of the requests."""
    task = Task(slug="support", instruction="Sort mail.", labels=(Label(name="refund"), Label(name="account")))
    save_tree(workspace, workspace.save_task(task))
    return outcome_of(context, "in order", None)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6))
def test_the_rows_do_not_depend_on_the_order_in_which_answers_arrive(
    seed: int, context: ToolContext, in_order: tuple[object, ...]
) -> None:
    assert outcome_of(context, str(seed), random.Random(seed)) == in_order


def test_a_run_that_is_repeated_after_it_ended_asks_nothing_and_answers_the_same(
    context: ToolContext, tree: str
) -> None:
    first = synthesize_examples(SynthesizeExamplesRequest(task="support"), with_writer(context))
    context = with_writer(context, fails)

    again = synthesize_examples(SynthesizeExamplesRequest(task="support"), context)

    assert again == first
    assert asked_of(context) == []
    assert len(context.workspace.artifacts("support", "dataset")) == 1


def test_a_run_that_broke_off_is_repeated_at_no_cost_for_what_had_arrived(context: ToolContext, tree: str) -> None:
    answered = 0

    def breaks_at_the_tenth(request: WritingRequest) -> Completion:
        nonlocal answered
        answered += 1
        if answered > 10:
            raise RuntimeError("the machine went down")
        return well_written(request)

    with pytest.raises(RuntimeError):
        synthesize_examples(SynthesizeExamplesRequest(task="support"), with_writer(context, breaks_at_the_tenth))
    context = with_writer(context)

    result = synthesize_examples(SynthesizeExamplesRequest(task="support"), context)

    assert result.accepted == 48
    assert len(asked_of(context)) == 14
    assert result.usage
    assert (result.usage.requests, result.usage.completions_reused) == (24, 10)


def test_cancelling_takes_less_than_a_second_while_the_writer_hangs(context: ToolContext, tree: str) -> None:
    started, cancelled = threading.Event(), threading.Event()

    class Hanging(ScriptedWriter):
        async def write(self, request: WritingRequest) -> Completion:
            self.asked.append(request)
            started.set()
            await asyncio.Event().wait()
            raise AssertionError

    context = replace(context, writer=Hanging(), run_key="hangs", is_cancelled=cancelled.is_set)
    raised: list[ClasswrightError] = []

    def run() -> None:
        try:
            synthesize_examples(SynthesizeExamplesRequest(task="support"), context)
        except Cancelled as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(60)
    cancelled.set()
    thread.join(60)

    assert raised


def test_a_token_budget_ends_the_writing_evenly_and_says_so(context: ToolContext, tree: str) -> None:
    context = with_writer(context)

    result = synthesize_examples(SynthesizeExamplesRequest(task="support", max_tokens=12 * 140), context)

    assert result.accepted == 24
    assert set(Counter(row.label for row in train_rows(context, result.dataset)).values()) == {8}
    assert result.missing[0].reason.startswith("budget reached: ")
    assert result.usage
    assert result.usage.tokens_in + result.usage.tokens_out <= 12 * 140
    assert result.usage.estimated_tokens == 24 * 140


def test_a_new_dataset_by_requests_that_were_asked_before_says_that_their_texts_are_the_old_ones(
    context: ToolContext, tree: str
) -> None:
    request = SynthesizeExamplesRequest(task="support", rows=6, new_dataset=True)
    first, again = (
        synthesize_examples(request, replace(with_writer(context), run_key=run_key)) for run_key in ("1", "2")
    )

    assert "asked before" not in first.summary
    assert "6 of 6 requests had been asked before, and gave the texts of then" in again.summary


def test_a_writer_whose_answers_cannot_be_read_is_the_limit_and_is_not_asked_again_for_the_rest(
    context: ToolContext, tree: str
) -> None:
    """One cell in eight is answered; the texts of an answer without a list count as texts of no use."""

    def prose(request: WritingRequest) -> Completion:
        if request.cell and request.cell.subtopic == "matter 0.0" and request.cell.source_type == "source 0":
            return well_written(request)
        raise UnusableAnswer("model 'small'", "gave nothing usable in 3 answers", "Use another.", TokenCount(700, 60))

    result = synthesize_examples(SynthesizeExamplesRequest(task="support"), with_writer(context, prose))

    assert result.accepted >= 6
    assert result.refused == {"unparsable": 42}
    refused = context.workspace.artifact(str(result.dataset), "dataset").path / "refused.jsonl"
    assert len(refused.read_text(encoding="utf-8").splitlines()) == result.shown_in_part["refusals"].total == 42
    assert f"The writer is the limit: of {result.accepted + 42} texts" in result.summary
    assert "annotate_examples" in result.summary
    assert "synthesize_examples" not in result.next_step


def test_a_cost_budget_needs_prices(context: ToolContext, tree: str) -> None:
    with pytest.raises(InvalidInput, match="max_cost"):
        synthesize_examples(SynthesizeExamplesRequest(task="support", max_cost=1), with_writer(context, prices=None))


def test_a_cost_budget_is_kept(context: ToolContext, tree: str) -> None:
    prices = Prices(tokens_in=1_000, tokens_out=10_000)  # 0.5 dollars a request

    result = synthesize_examples(
        SynthesizeExamplesRequest(task="support", max_cost=3.2), with_writer(context, prices=prices)
    )

    assert result.usage
    assert result.usage.cost == pytest.approx(3.0)
    assert result.accepted == 12


def test_a_budget_too_small_for_one_text_is_an_error(context: ToolContext, tree: str) -> None:
    with pytest.raises(BudgetExceeded, match="max_tokens"):
        synthesize_examples(SynthesizeExamplesRequest(task="support", max_tokens=10), with_writer(context))


def test_a_writer_that_is_down_is_an_error_that_says_so(context: ToolContext, tree: str) -> None:
    def down(request: WritingRequest) -> Completion:
        raise WriterUnavailable("the endpoint", "does not answer", "Start it and call again.")

    with pytest.raises(WriterUnavailable, match="does not answer"):
        synthesize_examples(SynthesizeExamplesRequest(task="support"), with_writer(context, down))


def test_a_full_disk_is_an_error_and_nothing_that_was_paid_for_is_lost(
    context: ToolContext, tree: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pages = 0

    def limit_pages(connection: object, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")  # type: ignore[attr-defined]

    engine = context.workspace.engine
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one() + 3
    event.listen(engine, "connect", limit_pages)
    engine.dispose()
    monkeypatch.setattr(session, "STORE_PAUSES", (0.0,))
    with pytest.raises(StorageFailed, match=r"Free some space"):
        synthesize_examples(SynthesizeExamplesRequest(task="support"), with_writer(context))
    gc.collect()
    assert not [record for record in caplog.records if record.name == "asyncio"]  # of all requests that failed with it
    event.remove(engine, "connect", limit_pages)
    engine.dispose()
    context = with_writer(context)

    result = synthesize_examples(SynthesizeExamplesRequest(task="support"), context)

    assert result.accepted == 48
    assert 0 < len(asked_of(context)) < 24


def test_a_text_that_was_refused_for_a_version_which_was_taken_back_before_the_end_is_kept(
    context: ToolContext, tree: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = context.workspace
    first = save_dataset(workspace, "support", {}, parent=None, run_key="first", made_by="test").id

    def beside(request: WritingRequest) -> Completion:
        written = well_written(request)
        row = make_example(str(written.items[0]), request.cell.label)
        save_dataset(workspace, "support", {"train": [row]}, parent=first, run_key="beside", made_by="test")
        return written

    def overtaken(*given: Any, **named: Any) -> Artifact:
        save_dataset(
            workspace, "support", {}, parent=named["parent"], rows_of=first, run_key="taken back", made_by="test"
        )
        return save_dataset(*given, **named)

    monkeypatch.setattr(saving, "save_dataset", overtaken)

    result = synthesize_examples(SynthesizeExamplesRequest(task="support"), with_writer(context, beside))

    assert [one.run_key for one in workspace.artifacts("support", "dataset")][1:] == ["taken back", "beside", "first"]
    assert (result.accepted, result.missing, result.refused) == (48, (), {})
    assert len(train_rows(context, result.dataset)) == 48
