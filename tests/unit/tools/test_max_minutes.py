"""Calls within `max_minutes`: they end with what they have, and say what is missing."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.task import Task
from classwright_tools.domain.writer import Completion, WritingRequest
from classwright_tools.errors import BudgetExceeded, ClasswrightError
from classwright_tools.estimates import training
from classwright_tools.synthesize_examples import SynthesizeExamplesRequest, synthesize_examples
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from support.clock import Clock
from support.learning import real_rows, save_rows, written_rows
from support.several import several_dataset
from support.synthesize import asked_of, with_writer
from support.writing_verbs import ScriptedWriter, texts_of, well_written


@pytest.mark.usefixtures("tree")
def test_a_writing_asks_no_more_when_the_time_is_over_and_keeps_what_it_has(context: ToolContext, clock: Clock) -> None:
    def half(request: WritingRequest) -> Completion:
        clock.now += 30
        return Completion(items=texts_of(request, request.count // 2))

    own = with_writer(context, half)
    result = synthesize_examples(SynthesizeExamplesRequest(task="support", rows=480, max_minutes=2), own)

    assert (result.wanted, result.accepted) == (480, 240)
    assert result.dataset
    assert "2 min have passed" in result.missing[0].reason
    assert "Raise max_minutes" in result.next_step
    assert len(asked_of(own)) == 24


class Stuck(ScriptedWriter):
    """A writer that never answers for one label."""

    async def write(self, request: WritingRequest) -> Completion:
        if request.cell and request.cell.label == "account":
            await asyncio.Event().wait()
        return await super().write(request)


@pytest.mark.usefixtures("tree")
def test_a_request_that_is_not_answered_is_not_waited_for_much_longer(context: ToolContext, clock: Clock) -> None:
    def slow(request: WritingRequest) -> Completion:
        clock.now += 60
        return well_written(request)

    own = replace(context, writer=Stuck(slow))
    result = synthesize_examples(SynthesizeExamplesRequest(task="support", rows=48, max_minutes=2), own)

    assert result.accepted == 32
    assert {shortfall.cell.label for shortfall in result.missing} == {"account"}


@pytest.fixture
def rows(context: ToolContext, task: Task) -> str:
    return save_rows(context.workspace, written_rows(), real_rows(10)) and task.slug


def test_auto_leaves_out_a_method_that_should_take_longer(
    rows: str, context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "seconds_by_method", lambda *_: {"probe": 1.0, "contrastive": 700.0})

    result = train_classifier(TrainClassifierRequest(task=rows, method="auto", max_minutes=10), context)

    assert (result.method, result.tried) == ("probe", ())
    assert "contrastive was left out: it should take about 12 min, and max_minutes is 10." in " ".join(result.notes)


def test_auto_keeps_what_it_has_when_a_method_takes_longer_than_was_expected(
    rows: str, context: ToolContext, clock: Clock
) -> None:
    def report(_: float | None, message: str) -> None:
        clock.now += 1_000 if "tuning" in message else 0

    within = ToolContext(workspace=context.workspace, run_key="run", report=report)
    result = train_classifier(TrainClassifierRequest(task=rows, method="auto", max_minutes=10), within)

    assert result.method == "probe"
    assert "contrastive was left out: it was stopped when the time was over" in " ".join(result.notes)


@pytest.mark.parametrize(("seconds", "told"), [(5_000.0, "should take about 83 min"), (1.0, "had passed")])
def test_a_method_that_is_named_is_refused_or_stopped_with_a_way_out(
    seconds: float, told: str, rows: str, context: ToolContext, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "seconds_by_method", lambda *_: {"contrastive": seconds})

    def report(_: float | None, message: str) -> None:
        clock.now += 1_000 if "tuning" in message else 0

    within = ToolContext(workspace=context.workspace, run_key="run", report=report)
    with pytest.raises(BudgetExceeded, match=told) as caught:
        train_classifier(TrainClassifierRequest(task=rows, method="contrastive", max_minutes=10), within)

    assert isinstance(caught.value, ClasswrightError)
    assert "use method 'probe'" in str(caught.value)


def test_where_rows_have_several_labels_the_method_is_refused_at_once_or_what_it_made_is_kept(
    context: ToolContext, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    several_dataset(context.workspace)
    told: list[str] = []

    def report(_: float | None, message: str) -> None:
        told.append(message)
        clock.now += 1_000 if "part 2 of" in message else 0

    own = replace(context, report=report)
    request = TrainClassifierRequest(task="mail", max_minutes=10)
    monkeypatch.setattr(training, "seconds_by_method", lambda *_: {"probe": 5_000.0})
    with pytest.raises(BudgetExceeded, match="should take about 83 min"):
        train_classifier(request, own)
    assert not any("embedding" in message for message in told)
    monkeypatch.setattr(training, "seconds_by_method", lambda *_: {})
    assert train_classifier(request, own).method == "probe"
    assert any("part 2 of" in message for message in told)
