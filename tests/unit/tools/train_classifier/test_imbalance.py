"""Remedies against imbalanced labels: which methods know them, and what they do."""

from __future__ import annotations

import numpy as np
import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import Example
from classwright_tools.domain.task import Task
from classwright_tools.errors import InvalidInput
from classwright_tools.learning.model import load_model
from support.learning import real_rows, save_rows, written_rows
from support.training import TEXTS, classifier_of, trained


def test_class_weights_reach_the_heads_of_both_methods(context: ToolContext, task: Task) -> None:
    rows = written_rows()
    save_rows(context.workspace, rows[:10] + rows[10:13] + rows[20:30], real_rows(copies=10))
    for method in ("probe", "contrastive"):
        plain, weighted = (
            classifier_of(
                context, trained(context, f"{method} {imbalance}", method=method, imbalance=imbalance, epochs=1).model
            )
            for imbalance in ("none", "class_weights")
        )
        assert weighted.head.biases[1] > plain.head.biases[1]


IMBALANCES = ("none", "class_weights", "logit_adjustment", "auto")


def rare_delivery() -> list[Example]:
    """Return the written rows with three of ten of the label in the middle."""
    rows = written_rows()
    return rows[:10] + rows[10:13] + rows[20:]


@pytest.mark.parametrize("method", ["auto", "probe", "finetune", "setfit"])
def test_every_remedy_against_imbalance_that_a_method_knows_gives_a_model(
    context: ToolContext, task: Task, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classwright_tools.learning.setfit_library.PAIRS_A_TEXT", 1)
    save_rows(context.workspace, rare_delivery(), real_rows(copies=10))
    for imbalance in IMBALANCES if method in ("auto", "probe") else IMBALANCES[1:3]:
        result = trained(context, f"{method} {imbalance}", method=method, imbalance=imbalance, epochs=1)
        assert load_model(context.workspace, result.model).predict_proba(TEXTS).shape == (4, 3)
        assert result.validation.balanced_accuracy.value > 0.6


def test_logit_adjustment_takes_the_labels_shares_from_the_biases(context: ToolContext, task: Task) -> None:
    rows = rare_delivery()
    save_rows(context.workspace, rows, real_rows(copies=10))
    heads = [
        classifier_of(context, trained(context, imbalance, method="probe", imbalance=imbalance).model).head
        for imbalance in ("none", "logit_adjustment")
    ]
    assert (heads[0].weights == heads[1].weights).all()
    np.testing.assert_allclose(heads[0].biases - heads[1].biases, np.log(np.array([10, 3, 10]) / 23), atol=1e-5)


def test_with_a_remedy_against_imbalance_methods_are_compared_by_balanced_accuracy(
    context: ToolContext, task: Task
) -> None:
    save_rows(context.workspace, rare_delivery(), real_rows(copies=10))
    result = trained(context, method="auto", imbalance="class_weights", epochs=1)
    (other,) = result.tried
    assert result.validation.balanced_accuracy.value >= other.validation.balanced_accuracy.value


def test_a_remedy_that_a_method_does_not_know_is_refused_with_those_that_do(context: ToolContext, task: Task) -> None:
    save_rows(context.workspace, written_rows())
    with pytest.raises(
        InvalidInput,
        match=r"'class_weights': is not for method 'cluster'.*'probe', 'contrastive', 'finetune', 'setfit'",
    ):
        trained(context, method="cluster", imbalance="class_weights")
    with pytest.raises(InvalidInput, match=r"'auto': is not for method 'contrastive'.*one of 'auto', 'probe'\."):
        trained(context, method="contrastive", imbalance="auto")
