"""`evaluate` where nothing is left to choose: on test rows, and with models that learnt from validation rows too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from classwright_tools.domain.cards import ModelCard
from classwright_tools.domain.example import make_example
from classwright_tools.errors import NotEnoughData
from classwright_tools.evaluate import EvaluateRequest, EvaluateResult, evaluate
from classwright_tools.learning.model import load_model
from classwright_tools.measurement.evaluation_warnings import flattered, sure_elsewhere
from classwright_tools.measurement.held_out import Answers
from classwright_tools.statistics.exact_tests import fisher_greater
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.datasets import read_rows, save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.measurement import answers_of, context_on, dataset_of, trained_on, written_rows

MANY = {
    "refund": [f"i want my money back for the {thing}" for thing in ("lamp", "mug", "chair", "desk", "bowl", "vase")],
    "delivery": [f"where is the parcel with my {thing}" for thing in ("lamp", "mug", "chair", "desk", "bowl", "vase")],
    "account": [f"i cannot log in to my {thing} account" for thing in ("old", "new", "shop", "own", "work", "home")],
}


def many_rows(ending: str) -> list:  # type: ignore[type-arg]  # of examples
    return [
        make_example(f"{text} {word}{ending}", label)
        for label, texts in MANY.items()
        for text in texts
        for word in ("now", "please", "soon")
    ]


def measured(workspace: Workspace, model: str, **more: object) -> EvaluateResult:
    return evaluate(EvaluateRequest.model_validate({"model": model, **more}), context_on(workspace))


def test_where_the_rows_are_right_and_the_models_compared_the_last_training_is_named(
    workspace: Workspace, task: object
) -> None:
    dataset = dataset_of(workspace, train=written_rows(), validation=many_rows(" thanks"))
    first, second = trained_on(workspace, dataset), trained_on(workspace, dataset)

    result = measured(workspace, second, against=first)

    assert result.figures.accuracy.low >= 0.9
    assert (
        f"train_classifier(task='support', dataset={dataset!r}, method='probe', train_on_validation=true)"
        in result.next_step
    )
    assert "train_on_validation" not in measured(workspace, second).next_step


def test_a_model_that_learnt_from_the_validation_rows_is_measured_on_test_rows(
    workspace: Workspace, task: object
) -> None:
    dataset = dataset_of(workspace, train=written_rows(), validation=many_rows(""))
    request = TrainClassifierRequest(task="support", dataset=dataset, method="probe", train_on_validation=True)
    model = train_classifier(request, context_on(workspace)).model
    with pytest.raises(NotEnoughData, match="Measure on test rows"):
        measured(workspace, model)
    rows = [
        *read_rows(workspace, dataset, "validation"),
        make_example("nobody answers the phone at your shop", "account"),
    ]
    later = save_dataset(workspace, "support", {"validation": rows}, parent=dataset, run_key="more", made_by="x").id

    result = measured(workspace, model, dataset=later)

    assert result.summary.startswith(
        f"{model} learnt from the validation rows too (train_on_validation): the 1 row of them that is left tells "
    )
    assert "guessing" not in result.summary
    other = trained_on(workspace, dataset)
    report = measured(workspace, other, dataset=later, against=model).report
    assert "verdict" not in workspace.artifact(report, "report").facts
    assert result.next_step == f"Call evaluate with model={model!r} and split='test', if there are test rows."


def test_test_rows_say_how_many_answers_are_sure_and_right(workspace: Workspace, task: object) -> None:
    dataset = dataset_of(workspace, train=written_rows(), validation=many_rows(" thanks"), test=many_rows(" today"))

    result = measured(workspace, trained_on(workspace, dataset), split="test")

    assert "It is sure of " in result.summary
    assert " of these rows (" in result.summary
    assert "The figures of its training flattered" not in result.summary


@pytest.mark.parametrize(("wrong", "is_told"), [(2, False), (12, True)])
def test_test_rows_that_are_worse_than_validation_rows_by_more_than_chance_say_so(
    workspace: Workspace, task: object, wrong: int, is_told: bool
) -> None:
    dataset = dataset_of(workspace, train=written_rows(), validation=many_rows(" thanks"))
    model = load_model(workspace, trained_on(workspace, dataset))
    labels = list(model.labels)
    true = [place % 3 for place in range(36)]
    proba = [
        [float((place + (number < wrong)) % 3 == label) for label in range(3)] for number, place in enumerate(true)
    ]
    found: Answers = answers_of(true, proba, labels)  # type: ignore[arg-type]  # becomes an array

    told = flattered(model, found)
    unsure = replace(found, proba=0.4 * found.proba + 0.2)
    in_pairs = [make_example("one query", row.label, text_pair=row.text) for row in found.rows]

    assert flattered(model, replace(found, rows=tuple(in_pairs))) == ""  # rows of one query are no independent trials
    assert isinstance(model.card, ModelCard)
    assert sure_elsewhere(model, found) == ""
    assert f"{model.id} is sure of 0% of these 36 rows, and was of " in sure_elsewhere(model, unsure)
    assert bool(told) == is_told
    if is_told:
        assert told.startswith(f"The figures of its training flattered {model.id}: ")
        assert "0.667 of 36 rows here, which is more than chance (Fisher's exact test, p = " in told


def test_fishers_test_is_that_of_scipy() -> None:
    from scipy.stats import fisher_exact

    for part, of, other, others in ((3, 9, 1, 40), (0, 5, 2, 7), (14, 245, 3, 302), (5, 5, 0, 5)):
        table = [[part, of - part], [other, others - other]]
        assert fisher_greater(part, of, other, others) == pytest.approx(fisher_exact(table, "greater").pvalue)
