"""The last model may learn from the validation rows too: its figure is of models that had not seen them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.task import Task
from classwright_tools.errors import NotEnoughData
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.learning import probe, training
from classwright_tools.learning.head import Head, fit_head
from classwright_tools.learning.model import load_model
from classwright_tools.train_classifier import TrainClassifierRequest, TrainClassifierResult, train_classifier
from support.learning import real_rows, save_rows, unlabelled_rows, written_rows


def trained(context: ToolContext, key: str, **arguments: object) -> TrainClassifierResult:
    request = TrainClassifierRequest.model_validate({"task": "support", "method": "probe"} | arguments)
    return train_classifier(request, dataclasses.replace(context, run_key=key))


def test_the_model_knows_the_validation_rows_and_its_figure_is_of_models_that_did_not(
    context: ToolContext, task: Task
) -> None:
    validation = real_rows(copies=10)
    save_rows(context.workspace, written_rows(), validation, unlabelled=unlabelled_rows(delivery=80, refund=12))
    before = trained(context, "before")
    result = trained(context, "last", train_on_validation=True)

    card = load_model(context.workspace, result.model).card
    assert card.training_rows == {"written": 30, "real": 60}
    assert result.training_rows == 90
    assert card.validation_rows_learnt == 60
    as_before = card.model_dump(mode="json")
    as_before["validation_rows"] = as_before.pop("validation_rows_learnt")
    assert type(card).model_validate(as_before) == card
    assert "60 validation rows that were held out in" in card.validation.measured_on
    assert "It learnt from 60 validation rows too" in result.summary
    assert card.shares == load_model(context.workspace, before.model).card.shares
    assert "split='test'" in result.next_step

    # A held-out row has its likes held out with it: figures of the last model itself would be all but perfect.
    texts = [row.content for row in validation]
    proba = load_model(context.workspace, result.model).predict_proba(texts)
    own = sum(
        result_label == row.label
        for result_label, row in zip((card.labels[place] for place in proba.argmax(axis=1)), validation, strict=True)
    )
    assert own / 60 >= card.validation.accuracy.value


def test_validation_rows_that_were_learnt_are_told_by_their_origin(context: ToolContext, task: Task) -> None:
    validation = [
        row.model_copy(update={"origin": "annotated"}) if place % 3 == 0 else row
        for place, row in enumerate(real_rows(copies=10))
    ]
    save_rows(context.workspace, written_rows(), validation)

    result = trained(context, "last", train_on_validation=True)

    card = load_model(context.workspace, result.model).card
    assert card.training_rows == {"written": 30, "real": 40, "annotated": 20}
    assert (result.real_training_rows, card.validation_rows_learnt) == (40, 60)


def test_a_label_whose_validation_rows_resemble_one_another_is_measured_and_has_its_share(
    context: ToolContext, task: Task
) -> None:
    shares = {"refund": 0.5, "delivery": 0.3, "account": 0.2}
    context.workspace.save_task(task.model_copy(update={"expected_shares": shares}))
    save_rows(context.workspace, written_rows(), real_rows(copies=10)[:50])  # those of one label are a text's likes

    result = trained(context, "last", train_on_validation=True)

    card = load_model(context.workspace, result.model).card
    assert (card.validation.rows, card.validation.not_covered) == (50, ())
    assert card.shares
    assert np.isfinite(card.offsets).all()


def test_figures_on_validation_rows_that_were_trained_on_are_refused(context: ToolContext, task: Task) -> None:
    save_rows(context.workspace, written_rows(), real_rows(copies=10))
    result = trained(context, "last", train_on_validation=True)
    with pytest.raises(NotEnoughData, match="is a training row of"):
        evaluate(EvaluateRequest(model=result.model), context)


@pytest.mark.parametrize("on_validation", [True, False])
def test_the_last_model_has_the_penalty_of_those_that_calibrate_it(
    context: ToolContext, task: Task, monkeypatch: pytest.MonkeyPatch, *, on_validation: bool
) -> None:
    penalties = []

    def recorded(*arguments: Any, c: float, **more: Any) -> Head:
        penalties.append(c)
        return fit_head(*arguments, c=c, **more)

    monkeypatch.setattr(probe, "fit_head", recorded)
    monkeypatch.setattr(training, "with_penalty", lambda *about: dataclasses.replace(about[-1], penalty=7.0))
    save_rows(context.workspace, written_rows(), real_rows(copies=10) if on_validation else [])
    trained(context, "last", train_on_validation=on_validation)
    assert set(penalties) == {7.0}  # those of the folds, too
    assert len(penalties) > 6


def test_too_few_validation_rows_are_not_trained_on(context: ToolContext, task: Task) -> None:
    save_rows(context.workspace, written_rows(), real_rows())
    with pytest.raises(NotEnoughData, match="are 6, and to train on them 50 of real texts are needed"):
        trained(context, "last", train_on_validation=True)
