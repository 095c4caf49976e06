"""`evaluate` against a model with other labels: what both know is compared, and a renamed label is the same label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from classwright_tools.annotate_examples import AnnotateExamplesRequest, annotate_examples
from classwright_tools.classify import ClassifyRequest, classify
from classwright_tools.domain.example import Example, make_example
from classwright_tools.domain.task import Label, Task
from classwright_tools.edit_examples import EditExamplesRequest, edit_examples
from classwright_tools.error_analysis import ErrorAnalysisRequest, error_analysis
from classwright_tools.errors import InvalidInput
from classwright_tools.evaluate import EvaluateRequest, EvaluateResult, evaluate
from classwright_tools.learning.later_labels import beside
from classwright_tools.learning.model import load_model
from classwright_tools.measurement.caveats import how_sure
from classwright_tools.measurement.evaluation import chosen_thresholds, listed_facts, measure, write_report
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.in_use import model_in_use
from classwright_tools.workspace.workspace import Workspace
from support.editing import Editor
from support.measurement import REAL, answers_of, context_on, dataset_of, real_rows, trained_on, written_rows
from support.several import several_dataset, several_task


def without_account(rows: list[Example]) -> list[Example]:
    return [row for row in rows if row.label != "account"]


@pytest.fixture
def fewer(workspace: Workspace, task: Task, model: str) -> str:
    """A model that was trained without the label "account", which the task has."""
    workspace.save_task(task.model_copy(update={"labels": task.labels[:2]}))
    made = trained_on(workspace, dataset_of(workspace, train=without_account(written_rows())))
    workspace.save_task(task)
    return made


def measured(workspace: Workspace, model: str, against: str, dataset: str | None = None) -> EvaluateResult:
    return evaluate(EvaluateRequest(model=model, dataset=dataset, against=against), context_on(workspace))


def test_models_of_which_one_has_a_label_more_are_compared_on_rows_of_the_others(
    workspace: Workspace, dataset: str, model: str, fewer: str
) -> None:
    result = measured(workspace, model, fewer, dataset)

    found = result.comparison
    assert found
    assert (found.shared_labels, found.rows) == (("refund", "delivery"), 4)
    assert result.figures.rows == 6  # the figures of the model itself are those of all its labels
    assert f"Against {fewer}, on 4 rows that count for both" in result.summary
    assert "Gained most" not in result.summary  # 'account', which the other cannot give
    assert "is right, for example" not in result.summary
    assert f"({model} alone has 'account')" in result.summary
    assert result.next_step.startswith("Which of the two to keep depends on the labels that you want.")
    errors = error_analysis(ErrorAnalysisRequest(model=model, dataset=dataset), context_on(workspace))
    assert "keep" not in errors.next_step


def test_a_comparison_on_shared_labels_does_not_decide_which_model_is_gone_on_with(
    workspace: Workspace, dataset: str, model: str, fewer: str
) -> None:
    result = measured(workspace, fewer, model, dataset)
    kept = model_in_use(workspace, "support")

    assert result.comparison
    assert result.comparison.keeps_earlier
    assert kept
    assert kept.model.id == fewer


def test_the_model_with_fewer_labels_is_measured_on_the_rows_that_it_knows(
    workspace: Workspace, dataset: str, model: str, fewer: str
) -> None:
    result, back = measured(workspace, fewer, model, dataset), measured(workspace, model, fewer, dataset)

    assert result.comparison
    assert back.comparison
    assert (result.figures.rows, result.comparison.rows, result.left_out) == (4, 4, 0)
    assert f"2 rows are left out: they have labels that {fewer} does not know ('account' 2)." in result.summary
    assert "left out" not in back.summary
    assert result.comparison.accuracy_gain.value == -back.comparison.accuracy_gain.value
    assert f"({model} alone has 'account')" in result.summary


def test_what_a_model_does_with_rows_of_labels_that_it_does_not_know_is_told_beside_one_that_does(
    workspace: Workspace, dataset: str, model: str, fewer: str
) -> None:
    alone = evaluate(EvaluateRequest(model=fewer, dataset=dataset), context_on(workspace))
    beside = measured(workspace, model, fewer, dataset)

    asked = [row.text for row in read_rows(workspace, dataset, "validation") if row.label == "account"]
    given = classify(ClassifyRequest(model=fewer, texts=tuple(asked)), context_on(workspace)).results
    sure = sum(one.sure for one in given)
    foreign = sum(bool(one.out_of_scope) for one in given)
    wrong = f"It is sure of {sure} of these, each an error" if sure else "It is sure of none of these"
    done = f"{wrong}, and it leaves {2 - sure} to a person, {foreign} of them as out of"
    assert alone.figures.rows == 4
    assert f"2 rows are left out: they have labels that {fewer} does not know ('account' 2). {done}" in alone.summary
    assert f"Of the rows 2 have labels that {fewer} does not know ('account' 2). {done}" in beside.summary
    assert f"{model}, which knows 2 of them, has " in beside.summary
    assert "where texts of these labels come too, it gets none of them right" in alone.summary
    assert "it gets none of them right" not in beside.summary


def test_a_label_that_was_renamed_is_the_same_label_for_a_model_of_before(
    workspace: Workspace, dataset: str, model: str
) -> None:
    changes = [{"action": "rename_label", "label": "account", "to": "sign-in"}]
    request = EditExamplesRequest(task="support", dataset=dataset, changes=changes, reason="shorter")  # type: ignore[arg-type]  # as a call brings them
    renamed = edit_examples(request, context_on(workspace)).dataset
    assert renamed

    result = measured(workspace, trained_on(workspace, renamed), model, renamed)

    assert result.comparison
    assert (result.comparison.accuracy_gain.value, result.comparison.shared_labels) == (0, None)
    assert result.comparison.only_this_right == result.comparison.only_other_right == 0


def changed(workspace: Workspace, dataset: str, **change: Any) -> str:
    """The version of `dataset` that a change of its labels makes."""
    request = EditExamplesRequest(task="support", dataset=dataset, changes=[change], reason="clearer")  # type: ignore[list-item]  # as a call brings it
    made = edit_examples(request, context_on(workspace)).dataset
    assert made
    return made


def test_a_model_answers_by_what_its_labels_are_called_by_now_wherever_it_is_asked(
    workspace: Workspace, dataset: str, model: str
) -> None:
    texts = tuple(row.text for row in real_rows())
    asked = ClassifyRequest(model=model, texts=texts, threshold=0.0)
    before = evaluate(EvaluateRequest(model=model, dataset=dataset), context_on(workspace))
    answers = [one.label for one in classify(asked, context_on(workspace)).results]
    renamed = changed(workspace, dataset, action="rename_label", label="account", to="sign-in")

    after = evaluate(EvaluateRequest(model=model, dataset=renamed), context_on(workspace))
    errors = error_analysis(ErrorAnalysisRequest(model=model, dataset=renamed), context_on(workspace))
    now = classify(asked, context_on(workspace))

    assert after.figures == before.figures
    assert {one.label for one in after.classes} == {"refund", "delivery", "sign-in"}
    assert errors.errors == round(errors.rows * (1 - after.figures.accuracy.value))
    assert [one.label for one in now.results] == ["sign-in" if one == "account" else one for one in answers]
    assert "labels have changed" not in now.summary + after.summary


def test_what_a_model_gave_to_labels_that_were_merged_is_what_it_gives_to_the_one(
    workspace: Workspace, dataset: str, model: str
) -> None:
    evaluate(EvaluateRequest(model=model, dataset=dataset), context_on(workspace))  # its answers are kept
    own = load_model(workspace, model)
    proba = own.predict_proba([row.text for row in real_rows()])
    merged = changed(workspace, dataset, action="merge_label", label="delivery", to="refund")

    result = evaluate(EvaluateRequest(model=model, dataset=merged), context_on(workspace))
    now = beside(workspace, own, merged)

    assert {one.label for one in result.classes} == {"refund", "account"}
    assert now.labels == ("refund", "account")
    summed = np.stack([proba[:, 0] + proba[:, 1], proba[:, 2]], axis=1)
    np.testing.assert_allclose(now.predict_proba([row.text for row in real_rows()]), summed, atol=1e-6)
    assert "labels that the model does not know" not in result.summary


@pytest.mark.parametrize("undone", [("merge_label",), ("merge_label", "rename_label"), ("merge_label",) * 3])
def test_a_model_answers_as_before_when_the_merge_that_it_followed_is_undone(
    workspace: Workspace, dataset: str, model: str, edit: Editor, undone: Sequence[str]
) -> None:
    texts = [row.text for row in real_rows()]
    proba = load_model(workspace, model).predict_proba(texts)
    made = {"rename_label": edit({"action": "rename_label", "label": "delivery", "to": "parcel"}).dataset}
    made["merge_label"] = edit({"action": "merge_label", "label": "parcel", "to": "refund"}).dataset
    for action in undone:  # an undo in its place is undone, too
        made[action] = newest = edit(undo=made[action]).dataset
    assert newest

    now = beside(workspace, load_model(workspace, model), newest)

    called = "delivery" if "rename_label" in undone else "parcel"
    assert now.labels == ("refund", called, "account")
    np.testing.assert_array_equal(now.predict_proba(texts), proba)
    figures = [evaluate(EvaluateRequest(model=model, dataset=one), context_on(workspace)) for one in (dataset, newest)]
    assert figures[0].figures == figures[1].figures


def test_kept_answers_to_other_merged_labels_are_not_taken_for_those_to_as_many(
    workspace: Workspace, dataset: str, model: str
) -> None:
    evaluate(
        EvaluateRequest(
            model=model, dataset=changed(workspace, dataset, action="merge_label", label="refund", to="account")
        ),
        context_on(workspace),
    )
    back = EditExamplesRequest(task="support", revert_to=dataset, reason="two desks")
    reverted = edit_examples(back, context_on(workspace)).dataset
    assert reverted
    merged = changed(workspace, reverted, action="merge_label", label="delivery", to="account")
    texts, true = zip(*((row.text, row.label) for row in real_rows()), strict=True)

    result = evaluate(EvaluateRequest(model=model, dataset=merged), context_on(workspace))
    places = beside(workspace, load_model(workspace, model), merged).predict_proba(texts).argmax(axis=1)

    given = [("refund", "account")[place] for place in places]
    right = [a == (b if b == "refund" else "account") for a, b in zip(given, true, strict=True)]
    assert result.figures.accuracy.value == pytest.approx(np.mean(right))


def test_what_a_model_counted_of_its_labels_is_told_by_their_names_of_now_and_not_of_merged_ones(
    workspace: Workspace, dataset: str, model: str
) -> None:
    own = load_model(workspace, model)
    counts = {"refund": (9, 9), "delivery": (8, 8), "account": (9, 3)}
    set_by = {"unsure": 0.5, "sure_right": 0.8, "sure_rows": None, "sure_by_label": counts}
    own = replace(own, card=own.card.model_copy(update=set_by))
    renamed = changed(workspace, dataset, action="rename_label", label="account", to="sign-in")

    told = how_sure(beside(workspace, own, renamed).card)
    merged = changed(workspace, renamed, action="merge_label", label="delivery", to="refund")

    assert "3 of 9 answers 'sign-in'" in told
    assert "'account'" not in told
    assert how_sure(beside(workspace, own, merged).card) == ""


def test_thresholds_of_a_rare_label_are_those_of_what_it_is_called_by_now(
    workspace: Workspace, dataset: str, model: str
) -> None:
    true = [0] * 60 + [1] * 60 + [2] * 12
    found = answers_of(true, np.full((len(true), 3), 0.3) + 0.1 * np.eye(3)[true], list(REAL))
    report = measure(replace(found, dataset=dataset), model=model, split="validation", threshold=0.5, seed=0)
    facts = listed_facts(report, 0, chooses=True)
    renamed = changed(workspace, dataset, action="rename_label", label="account", to="sign-in")
    merged = changed(workspace, renamed, action="merge_label", label="sign-in", to="refund")
    own = load_model(workspace, model)
    rare = report.at_shares and report.at_shares.rare
    trained = replace(own, card=own.card.model_copy(update={"rare": rare}))

    by_training = chosen_thresholds(workspace, beside(workspace, trained, renamed), renamed)
    assert by_training
    assert by_training.rare.label == "sign-in"
    assert chosen_thresholds(workspace, beside(workspace, trained, merged), merged) is None

    workspace.publish("report", "support", lambda to: write_report(to, report, found), run_key="r", facts=facts)

    chosen = chosen_thresholds(workspace, beside(workspace, own, renamed), renamed)

    assert chosen
    assert chosen.rare.label == "sign-in"
    assert chosen.rare.points
    assert chosen_thresholds(workspace, beside(workspace, own, merged), merged) is None


def test_labels_that_were_merged_are_one_for_a_model_of_before(workspace: Workspace, dataset: str, model: str) -> None:
    changes = [{"action": "merge_label", "label": "delivery", "to": "refund"}]
    request = EditExamplesRequest(task="support", dataset=dataset, changes=changes, reason="one desk")  # type: ignore[arg-type]  # as a call brings them
    merged = edit_examples(request, context_on(workspace)).dataset
    assert merged

    result = measured(workspace, trained_on(workspace, merged), model, merged)

    assert result.comparison
    assert result.comparison.shared_labels is None
    assert result.comparison.only_this_right + result.comparison.only_other_right <= 1


def test_rows_with_labels_that_the_task_no_longer_has_are_not_advised_and_are_refused(
    workspace: Workspace, dataset: str, model: str
) -> None:
    merged = changed(workspace, dataset, action="merge_label", label="delivery", to="refund")
    mixed = merged
    for label in ("refund", "account"):  # each to the rows of the other
        ids = [row.id for row in written_rows() if (row.label == "account") == (label == "refund")]
        mixed = changed(workspace, mixed, action="relabel", label=label, rows={"ids": ids})
    later = trained_on(workspace, mixed)

    result = measured(workspace, later, model, mixed)
    errors = error_analysis(ErrorAnalysisRequest(model=later, dataset=mixed), context_on(workspace))

    told = "has labels that the task no longer has"
    assert f"Its rows cannot be trained on as they are: {dataset} {told} ('delivery')." in result.next_step
    assert f"keep {model}. Its rows cannot be trained on as they are" in errors.next_step
    refused = rf"dataset '{dataset}': {told}: 'delivery'. Pass dataset='{mixed}'"
    with pytest.raises(InvalidInput, match=refused):
        train_classifier(TrainClassifierRequest(task="support", dataset=dataset), context_on(workspace))
    with pytest.raises(InvalidInput, match=refused):
        annotate_examples(AnnotateExamplesRequest(task="support", dataset=dataset), context_on(workspace))


def test_a_model_of_before_a_merge_is_compared_by_the_answers_that_classify_gives(
    workspace: Workspace, dataset: str, model: str
) -> None:
    merged = changed(workspace, dataset, action="merge_label", label="delivery", to="refund")
    texts, true = [row.text for row in real_rows()], [row.label for row in real_rows()]
    true = ["refund" if label == "delivery" else label for label in true]
    later = trained_on(workspace, merged)

    found = measured(workspace, later, model, merged).comparison
    asked = (ClassifyRequest(model=one, texts=tuple(texts), threshold=0.0) for one in (later, model))
    given = [[one.label for one in classify(request, context_on(workspace)).results] for request in asked]

    ours, theirs = ([a == b for a, b in zip(answers, true, strict=True)] for answers in given)
    assert found
    assert found.only_this_right == sum(a and not b for a, b in zip(ours, theirs, strict=True))
    assert found.only_other_right == sum(b and not a for a, b in zip(ours, theirs, strict=True))


def test_where_rows_have_several_labels_the_shared_ones_are_compared_on_all_rows(workspace: Workspace) -> None:
    dataset = several_dataset(workspace)
    model = trained_on(workspace, dataset, task="mail")
    task = several_task()
    workspace.save_task(task.model_copy(update={"labels": task.labels[:2]}))
    train = [
        make_example(f"{word} {number}", None, labels=labels)
        for number in range(4)
        for word, labels in (("refund", ("refund",)), ("parcel", ("delivery",)), ("hm", ()))
    ]
    fewer = trained_on(workspace, dataset_of(workspace, task="mail", train=train), task="mail")
    workspace.save_task(task)

    result = measured(workspace, model, fewer, dataset)

    assert result.comparison
    assert result.comparison.shared_labels == ("refund", "delivery")
    assert result.comparison.rows == result.figures.rows
    assert "Gained most" not in result.summary


def test_models_without_a_label_of_the_rows_in_common_are_named(
    workspace: Workspace, task: Task, dataset: str, model: str
) -> None:
    workspace.save_task(task.model_copy(update={"labels": (Label(name="praise"), Label(name="blame"))}))
    texts = {"praise": "what a lovely shop", "blame": "never again"}
    rows = [make_example(f"{text} {number}", label) for label, text in texts.items() for number in range(6)]
    other = trained_on(workspace, dataset_of(workspace, train=rows))

    with pytest.raises(InvalidInput, match=rf"model '{other}': has none of the labels .*'praise'.*by itself"):
        measured(workspace, model, other, dataset)


def test_without_validation_rows_models_with_other_labels_are_not_compared(
    workspace: Workspace, task: Task, fewer: str
) -> None:
    bare = dataset_of(workspace, train=[*written_rows(), *real_rows()])
    trained = trained_on(workspace, bare)

    with pytest.raises(InvalidInput, match=r"has other labels than .* \('account'\).*split='validation'"):
        measured(workspace, trained, fewer, bare)
