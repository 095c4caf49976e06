"""Models that decide for label shares, compared by what each answers: at the shares, and every row counting alike."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.comparison import Comparison
from classwright_tools.domain.example import Example, make_example
from classwright_tools.domain.task import Task
from classwright_tools.evaluate import EvaluateRequest, EvaluateResult, evaluate
from classwright_tools.learning.model import load_model
from classwright_tools.measurement.comparison_words import differences
from classwright_tools.statistics.exact_tests import mcnemar
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from support.learning import real_rows, save_rows, unlabelled_rows, written_rows

pytestmark = pytest.mark.usefixtures("embedded")
STATED = {"refund": 0.02, "delivery": 0.9, "account": 0.08}


def unclear_rows() -> list[Example]:
    """Return rows of all labels about all of them, whose answers go by how frequent the labels are."""
    text = "a question about money, a parcel and my password"
    return [make_example(f"{text} {label} {number}", label) for label in STATED for number in range(5)]


def saved(context: ToolContext, *unlabelled: Example) -> str:
    real = [*real_rows(copies=10), *unclear_rows()]
    return save_rows(context.workspace, written_rows(), real, unlabelled=list(unlabelled))


def trained(context: ToolContext, run_key: str, **arguments: str) -> str:
    request = TrainClassifierRequest.model_validate({"task": "support", "method": "probe"} | arguments)
    return train_classifier(request, dataclasses.replace(context, run_key=run_key)).model


def compared(context: ToolContext, model: str, against: str, dataset: str) -> tuple[EvaluateResult, Comparison]:
    request = EvaluateRequest(model=model, dataset=dataset, against=against)
    found = evaluate(request, dataclasses.replace(context, run_key=f"{model} against {against}"))
    assert found.comparison
    return found, found.comparison


def answered_rightly(context: ToolContext, model: str) -> np.ndarray:
    """Return to which of the validation rows the model gives the right label, as `classify` and exports do."""
    rows, loaded = [*real_rows(copies=10), *unclear_rows()], load_model(context.workspace, model)
    given = loaded.predict_proba([row.content for row in rows]).argmax(axis=1)
    return np.array([loaded.labels[place] == row.label for place, row in zip(given, rows, strict=True)])


def test_what_shares_alone_change_is_compared_and_can_be_counted_in_the_answers(
    context: ToolContext, task: Task
) -> None:
    dataset = saved(context)
    without = trained(context, "without shares")
    context.workspace.save_task(task.model_copy(update={"expected_shares": STATED}))
    deciding = trained(context, "with shares")
    result, found = compared(context, deciding, without, dataset)

    ours, theirs = (answered_rightly(context, model) for model in (deciding, without))
    won, lost = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    assert lost  # the same rows were learnt, and the shares move answers
    assert (found.only_this_right, found.only_other_right) == (won, lost)
    assert (found.at_shares, found.shares_of, found.shares_from) == (True, "this", "stated")
    alike = found.every_row_alike
    assert alike
    assert alike.accuracy_gain.value == pytest.approx((won - lost) / len(ours))
    assert alike.p == mcnemar(won, lost)
    figures = [
        result.figures.accuracy.value,
        evaluate(EvaluateRequest(model=without, dataset=dataset), context).figures.accuracy.value,
    ]
    assert alike.accuracy_gain.value == pytest.approx(figures[0] - figures[1])
    where = (
        f"Against {without}, each as it answers, at the label shares of the task, for which {deciding} alone decides: "
    )
    assert where in result.summary
    assert f"Every row counting alike: {alike.accuracy_gain.value:+.3f}" in result.summary
    assert f"; {won} alone right, {lost} alone wrong; exact McNemar test, p = " in result.summary


def test_of_models_that_decide_for_different_shares_each_answers_for_its_own(context: ToolContext, task: Task) -> None:
    dataset = saved(context, *unlabelled_rows(delivery=80, refund=15, account=5))
    first = trained(context, "first")
    context.workspace.save_task(task.model_copy(update={"expected_shares": STATED}))
    second = trained(context, "second")
    result, found = compared(context, second, first, dataset)

    ours, theirs = (answered_rightly(context, model) for model in (second, first))
    assert found.only_this_right == (ours & ~theirs).sum()
    assert found.only_other_right == (theirs & ~ours).sum()
    assert found.shares_from == "stated"
    assert f"at the label shares of the task, for which {second} alone decides" in result.summary
    _, twins = compared(context, second, trained(context, "again"), dataset)
    assert (twins.shares_of, twins.accuracy_gain.value, twins.verdict) == ("both", 0.0, "no gain")


def test_a_comparison_at_shares_says_which_model_decides_for_them(context: ToolContext, task: Task) -> None:
    context.workspace.save_task(task.model_copy(update={"expected_shares": STATED}))
    dataset = saved(context)
    first, second = trained(context, "first"), trained(context, "second", imbalance="class_weights")
    for model, against in ((second, first), (first, second)):
        told = compared(context, model, against, dataset)[0].summary
        assert f"at the label shares of the task, for which {first} alone decides" in told


@pytest.mark.parametrize(
    ("gain", "alike", "significant", "source", "verdict"),
    [
        (0.04, -0.03, True, "estimated", "trade"),
        (-0.04, 0.03, True, "estimated", "trade"),
        (0.04, -0.03, False, "estimated", "gain"),  # what every row alike shows may be chance
        (0.04, 0.03, True, "estimated", "gain"),
        (0.04, -0.03, True, "stated", "gain"),  # a person says what the shares are
        (0.04, -0.03, True, "random rows", "gain"),
    ],
)
def test_where_estimated_shares_turn_a_difference_beyond_chance_a_person_decides(
    gain: float, alike: float, significant: bool, source: str, verdict: str
) -> None:
    def around(value: float) -> dict[str, float]:
        return {"value": value, "low": value - 0.02, "high": value + 0.02}

    found = Comparison.model_validate(
        {
            "against": "support-m1",
            "accuracy_gain": around(gain),
            "macro_f1_gain": around(gain),
            "only_this_right": 9,
            "only_other_right": 24,
            "p": 0.01,
            "test": "sign-flip test at the label shares",
            "shares_of": "this",
            "shares_from": source,
            "every_row_alike": {
                "accuracy_gain": around(alike),
                "test": "exact McNemar test",
                "p": 0.01 if significant else 0.2,
                "significant": significant,
            },
            "significant": True,
        }
    )
    assert found.verdict == verdict
    assert differences(found, "support-m2")[1].startswith(f"Every row counting alike: {alike:+.3f}")
    told = found.advice("support-m2", 300)
    keeps = "support-m2" if gain > 0 else "support-m1"
    assert (f"Keep {keeps} if your texts have these shares, else" in told) == (verdict == "trade")
