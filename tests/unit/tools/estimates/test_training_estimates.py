"""Estimates of trainings: told before, learnt from what each took, and no word of what cannot be known."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from classwright_tools.context import DEFAULT_ENCODER, ToolContext
from classwright_tools.domain.cost import CostEstimate
from classwright_tools.domain.task import Task
from classwright_tools.errors import NotFound
from classwright_tools.estimates.history import History
from classwright_tools.estimates.parts import Workload
from classwright_tools.estimates.running import estimated, run_told
from classwright_tools.estimates.training import training_workload
from classwright_tools.train_classifier import TOOL, TrainClassifierRequest
from classwright_tools.workspace.index import ArtifactRow
from support.learning import real_rows, save_rows, unlabelled_rows, written_rows

REQUEST = TrainClassifierRequest(task="support", method="probe")
ENCODING = f"encoding by {DEFAULT_ENCODER}"


@pytest.mark.usefixtures("task")
def test_a_training_is_told_before_it_and_better_after_it(context: ToolContext) -> None:
    save_rows(context.workspace, written_rows())

    first = estimated(TOOL, REQUEST, context)
    with Session(context.workspace.engine) as session:
        made = session.scalar(select(func.count()).select_from(ArtifactRow).where(ArtifactRow.kind == "model"))
    told: list[CostEstimate] = []
    for run in ("first", "second"):
        run_told(TOOL, REQUEST, replace(context, run_key=run), told.append)
    begun, second = told

    assert made == 0
    assert first is not None
    assert first.seconds
    assert "guesses for" in begun.rests_on
    assert second.rests_on == "one earlier run on this machine"
    assert second.seconds_low is not None
    assert second.seconds_high is not None
    assert 0 < second.seconds_low < second.seconds_high
    assert second.memory_mb is None or second.memory_mb > 100
    assert (second.model_calls, second.dollars) == (0, None)


@pytest.mark.usefixtures("task")
def test_the_pace_of_an_encoder_is_measured_at_its_first_use_by_texts_that_are_then_in_the_cache(
    context: ToolContext,
) -> None:
    save_rows(context.workspace, written_rows(), unlabelled=unlabelled_rows(refund=100, delivery=50))

    before = training_workload(REQUEST, context).parts[0]
    measured = History(context.workspace.engine).of(ENCODING)
    again = training_workload(REQUEST, context).parts[0]

    assert before.kind == ENCODING
    assert len(measured) == 1
    assert measured[0].seconds > 0
    assert again.units == before.units > 0
    assert len(History(context.workspace.engine).of(ENCODING)) == 1


@pytest.mark.usefixtures("task")
def test_texts_in_the_cache_take_no_time(context: ToolContext) -> None:
    save_rows(context.workspace, written_rows())
    run_told(TOOL, REQUEST, context, lambda _: None)

    assert training_workload(REQUEST, context).parts[0].units == 0


@pytest.mark.usefixtures("task")
def test_fits_are_counted_as_the_training_makes_them(context: ToolContext) -> None:
    """With real validation rows a method is fitted to all rows; without, once more with some of them held out."""
    for validation, key in ((real_rows(10), "with"), ([], "without")):
        save_rows(context.workspace, written_rows(), validation, run_key=key)
        for method in ("probe", "contrastive"):
            request = replace_method(method)
            planned = {one.kind: one for one in training_workload(request, context).parts}[
                f"fitting {method} on {DEFAULT_ENCODER}"
            ]
            run_told(TOOL, request, replace(context, run_key=f"{key} {method}"), lambda _: None)
            took = History(context.workspace.engine).of(planned.kind)[0]

            assert took.times == planned.times
            assert took.units == pytest.approx(planned.units, rel=0.25)


def replace_method(method: str) -> TrainClassifierRequest:
    return TrainClassifierRequest(task="support", method=method, epochs=1 if method == "contrastive" else None)


@pytest.mark.usefixtures("task")
def test_a_probe_whose_network_counts_labels_alike_is_told_to_take_longer_and_teaches_nothing_of_others(
    context: ToolContext,
) -> None:
    save_rows(context.workspace, written_rows())
    balanced = REQUEST.model_copy(update={"imbalance": "auto"})
    before, others = estimated(TOOL, balanced, context), estimated(TOOL, REQUEST, context)

    run_told(TOOL, balanced, context, lambda _: None)
    history = History(context.workspace.engine)

    assert before is not None
    assert others is not None
    assert (before.seconds or 0) > (others.seconds or 0) + 5
    assert not history.of(f"fitting probe on {DEFAULT_ENCODER}")
    assert [one.times for one in history.of(f"fitting probe, imbalance 'auto', on {DEFAULT_ENCODER}")] == [7]


@pytest.mark.usefixtures("task")
def test_a_run_that_was_begun_before_teaches_nothing(context: ToolContext) -> None:
    save_rows(context.workspace, written_rows())
    run_told(TOOL, REQUEST, context, lambda _: None)
    run_told(TOOL, REQUEST, context, lambda _: None)

    assert len(History(context.workspace.engine).of("train_classifier by probe")) == 1


def test_what_cannot_be_trained_is_said_by_the_training_itself(context: ToolContext, task: Task) -> None:
    request = TrainClassifierRequest(task=task.slug, dataset="support-d9")

    for ask in (lambda: estimated(TOOL, request, context), lambda: run_told(TOOL, request, context, lambda _: None)):
        with pytest.raises(NotFound, match="support-d9"):
            ask()


@pytest.mark.usefixtures("task")
def test_of_a_limited_training_the_methods_that_fit_are_estimated(context: ToolContext) -> None:
    save_rows(context.workspace, written_rows(), real_rows())

    def workload(minutes: float | None) -> Workload:
        request = TrainClassifierRequest(task="support", method="auto", max_minutes=minutes)
        return training_workload(request, context)

    def parts(minutes: float | None) -> list[str]:
        return [part.kind for part in workload(minutes).parts]

    probe, contrastive = (f"fitting {method} on {DEFAULT_ENCODER}" for method in ("probe", "contrastive"))
    assert parts(None) == parts(600) == [ENCODING, probe, contrastive]
    assert parts(0.001) == [ENCODING, probe]
    assert workload(600).remark == ""
    assert workload(0.001).remark == "max_minutes should be over before a method is trained"
