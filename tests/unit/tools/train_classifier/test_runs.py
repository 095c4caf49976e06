"""A run of `train_classifier`: stopped at once, repeated, its progress, and input that it cannot use."""

from __future__ import annotations

import dataclasses

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Task
from classwright_tools.errors import Cancelled, InvalidInput, NotEnoughData, NotFound
from classwright_tools.learning.model import load_model
from support.learning import real_rows, save_rows, written_rows
from support.training import trained


@pytest.mark.parametrize("method", ["probe", "contrastive", "finetune", "setfit", "cluster"])
def test_a_cancelled_training_stops_at_the_next_step_and_leaves_no_model(
    context: ToolContext, task: Task, method: str
) -> None:
    save_rows(context.workspace, written_rows())
    messages: list[str] = []
    stopped = dataclasses.replace(
        context,
        report=lambda _, message: messages.append(message),
        is_cancelled=lambda: any("penalty" in m or "step" in m or "pairs" in m or "part" in m for m in messages),
    )
    with pytest.raises(Cancelled):
        trained(stopped, method=method)
    assert context.workspace.latest("model", "support") is None
    assert len(messages) < 10


def test_progress_never_runs_backwards_and_stays_within_0_and_1(context: ToolContext, task: Task) -> None:
    save_rows(context.workspace, written_rows())
    shares: list[float] = []
    told = dataclasses.replace(context, report=lambda share, _: shares.append(share or 0.0))
    trained(told, method="auto", epochs=4)
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1
    assert len(shares) >= 8


@pytest.mark.parametrize("real", [False, True])
def test_the_folds_that_come_last_have_a_part_of_the_progress(context: ToolContext, task: Task, real: bool) -> None:
    save_rows(context.workspace, [*written_rows(), *(real_rows() if real else ())])
    folds: list[float] = []
    told = dataclasses.replace(
        context, report=lambda share, message: folds.append(share or 0.0) if "held out in groups" in message else None
    )
    trained(told, method="probe")
    assert folds[0] < 0.8 < folds[-1]
    assert len(set(folds)) >= 5


def test_a_repeated_run_returns_the_model_that_it_made(context: ToolContext, task: Task) -> None:
    save_rows(context.workspace, written_rows())
    assert trained(context, "same", method="probe").model == trained(context, "same", method="probe").model
    assert len(context.workspace.artifacts("support", "model")) == 1


def test_a_run_that_is_repeated_after_an_import_tells_of_the_model_that_it_made(
    context: ToolContext, task: Task
) -> None:
    dataset = save_rows(context.workspace, written_rows())
    trained(context, "same", method="probe")
    save_rows(context.workspace, written_rows()[:-2], run_key="later")

    result = trained(context, "same", method="probe")

    assert (result.dataset, result.training_rows) == (dataset, 30)
    assert load_model(context.workspace, result.model).card.dataset == dataset


def test_unusable_input_is_named(context: ToolContext, task: Task) -> None:
    with pytest.raises(NotFound, match="has no dataset yet"):
        trained(context)
    rows = written_rows()
    save_rows(context.workspace, rows[:11], run_key="short")
    with pytest.raises(NotEnoughData, match=r"'delivery' \(1\), 'account' \(0\)"):
        trained(context, method="probe")
    save_rows(context.workspace, [*rows, make_example("what is this", "billing")], run_key="foreign label")
    with pytest.raises(InvalidInput, match="'billing'"):
        trained(context, method="probe")
    save_rows(context.workspace, rows, run_key="good")
    with pytest.raises(NotFound, match="nobody/none"):
        trained(context, method="probe", encoder="nobody/none")
    with pytest.raises(InvalidInput, match="only name models of the hub"):
        trained(context, method="probe", encoder="/etc")
