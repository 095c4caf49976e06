"""`evaluate`: it says whose texts were measured, its figures are those of its predictions, and labels are told."""

from __future__ import annotations

import html

import numpy as np
import pyarrow.parquet as pq
import pytest
import sklearn.metrics

from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Label, Task
from classwright_tools.errors import Cancelled, InvalidInput, NotEnoughData, NotFound
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.workspace import Workspace
from support.editing import Editor
from support.evaluation import body_text, page_of, report_of
from support.measurement import REAL, context_on, dataset_of, real_rows, trained_on, written_rows


def test_the_figures_are_those_of_the_predictions_kept_by_row_id(
    workspace: Workspace, dataset: str, model: str
) -> None:
    result = evaluate(EvaluateRequest(model=model, dataset=dataset), context_on(workspace))

    folder = workspace.artifact(result.report, "report").path
    kept = {row["id"]: row for row in pq.read_table(folder / "predictions.parquet").to_pylist()}
    rows = read_rows(workspace, dataset, "validation")
    true = [row.label for row in rows]
    predicted = [kept[row.id]["predicted"] for row in rows]
    assert result.figures.rows == len(rows) == len(kept)
    assert result.figures.accuracy.value == pytest.approx(sklearn.metrics.accuracy_score(true, predicted))
    assert result.figures.macro_f1.value == pytest.approx(sklearn.metrics.f1_score(true, predicted, average="macro"))
    report = report_of(workspace, result.report)
    matrix = sklearn.metrics.confusion_matrix(true, predicted, labels=report.labels)
    assert (np.array(report.confusion_matrix) == matrix).all()
    assert report.figures == result.figures
    assert result.texts_per_second > 0


@pytest.mark.parametrize(
    ("origins", "data", "said"),
    [
        (("real", "real"), "real", "Measured on real texts"),
        (("written", "written"), "written", "Measured on written texts: "),
        (("real", "written"), "mixed", "Measured on a mix"),
    ],
)
def test_it_says_first_whose_texts_were_measured(
    workspace: Workspace, dataset: str, model: str, origins: tuple[str, str], data: str, said: str
) -> None:
    rows = [
        make_example("where is my parcel", "delivery", origin=origins[0]),
        make_example("give the money back", "refund", origin=origins[1]),
    ]
    other = dataset_of(workspace, test=rows)

    result = evaluate(EvaluateRequest(model=model, dataset=other, split="test"), context_on(workspace))

    assert result.data == data
    assert result.summary.startswith(said)
    assert body_text(page_of(workspace, result.report)).startswith(said)
    assert ("do not tell how the model does on real ones" in result.summary) == (data != "real")


def test_a_split_without_rows_names_the_repair(workspace: Workspace, task: Task, dataset: str, model: str) -> None:
    empty = dataset_of(workspace, train=written_rows())

    with pytest.raises(NotEnoughData, match=r"has no test rows.*import_examples\(split='test'\)"):
        evaluate(EvaluateRequest(model=model, dataset=empty, split="test"), context_on(workspace))


def test_a_label_that_the_model_does_not_know_is_named(workspace: Workspace, dataset: str, model: str) -> None:
    strange = dataset_of(workspace, validation=[make_example("do you sell ice cream", "products")])

    with pytest.raises(InvalidInput, match=r"1 of its rows has a label that the model does not know \('products'\)"):
        evaluate(EvaluateRequest(model=model, dataset=strange), context_on(workspace))


def test_a_dataset_of_another_task_is_refused(workspace: Workspace, task: Task, dataset: str, model: str) -> None:
    workspace.save_task(task.model_copy(update={"slug": "other"}))
    foreign = dataset_of(workspace, "other", validation=real_rows())

    with pytest.raises(InvalidInput, match="belongs to task 'other'"):
        evaluate(EvaluateRequest(model=model, dataset=foreign), context_on(workspace))


def test_an_unknown_model_is_answered_with_the_nearest(workspace: Workspace, dataset: str, model: str) -> None:
    with pytest.raises(NotFound, match=f"Did you mean '{model}'"):
        evaluate(EvaluateRequest(model="support-m99"), context_on(workspace))


def test_labels_that_no_row_has_are_named_and_are_no_ground_to_export(
    workspace: Workspace, dataset: str, model: str
) -> None:
    some = dataset_of(workspace, test=real_rows({"refund": REAL["refund"], "delivery": REAL["delivery"]}))

    result = evaluate(EvaluateRequest(model=model, dataset=some, split="test"), context_on(workspace))

    assert result.figures.not_covered == ("account",)
    assert "mean of 2 of 3 labels (macro-F1)" in result.summary
    assert "No row of 'account' was there: of this label nothing is known." in result.summary
    assert "export" not in result.next_step
    assert "Bring in test rows of 'account'" in result.next_step
    assert "The mean of F1 over 2 of 3 labels" in body_text(page_of(workspace, result.report))
    assert {one.label for one in result.classes} == {"refund", "delivery"}


def test_every_label_has_its_f1_in_the_answer_the_lowest_first(workspace: Workspace) -> None:
    names = [f"word{n}" for n in range(12)]
    workspace.save_task(Task(slug="many", instruction="Tell them.", labels=tuple(Label(name=name) for name in names)))
    train = [make_example(f"{name} {more} and {name}", name) for name in names for more in ("now", "here", "soon")]
    validation = [make_example(f"it says {name}", names[n // 2]) for n, name in enumerate(names)]
    validation += [make_example(f"look: {name}", name) for name in names]
    dataset = dataset_of(workspace, "many", train=train, validation=validation)

    result = evaluate(EvaluateRequest(model=trained_on(workspace, dataset, "many")), context_on(workspace))

    classes = {one.label: one.f1 for one in report_of(workspace, result.report).classes}
    assert {one.label: one.f1 for one in result.classes} == classes
    of_report = report_of(workspace, result.report).classes
    assert {(one.label, one.precision, one.recall) for one in result.classes} == {
        (one.label, round(one.precision.value, 4), round(one.recall.value, 4)) for one in of_report
    }
    assert [one.f1.value for one in result.classes] == sorted(one.f1.value for one in result.classes)


def test_an_accuracy_that_guessing_reaches_is_called_so(workspace: Workspace, dataset: str, model: str) -> None:
    lopsided = [*real_rows({"refund": REAL["refund"]}), make_example("cant log in", "account")]
    some = dataset_of(workspace, test=[*lopsided, make_example("where is my parcel", "delivery")])

    result = evaluate(EvaluateRequest(model=model, dataset=some, split="test"), context_on(workspace))

    said = "better than guessing: always answering the most frequent label of these rows reaches 0.667"
    assert said in result.summary
    assert "balanced accuracy" not in result.summary  # of a single row of a label it tells nothing
    assert said in page_of(workspace, result.report)
    assert "export" not in result.next_step


def test_rows_that_are_cut_and_labels_of_other_shares_are_told_with_the_figures(
    workspace: Workspace, dataset: str, model: str
) -> None:
    long = make_example("hello there " * 1_100 + "where is my parcel", "delivery")
    many = [make_example(f"lamp number {n} came broken", "refund") for n in range(40)]
    other = dataset_of(workspace, train=written_rows(), test=[*real_rows(), long, *many])

    result = evaluate(EvaluateRequest(model=model, dataset=other, split="test"), context_on(workspace))

    for told in (
        "1 of 53 test rows is cut at 2,034 tokens",
        "Labels have other shares in other splits: 'refund' is 33% of train and 83% of test.",
    ):
        assert told in result.summary
        assert told in html.unescape(page_of(workspace, result.report))


def test_shares_of_labels_are_compared_with_those_of_the_rows_that_the_model_trained_on_by_the_names_of_now(
    workspace: Workspace, dataset: str, model: str, edit: Editor
) -> None:
    skewed = [make_example(f"lamp number {n} came broken", "refund") for n in range(200)]
    tests = [make_example(f"{row.text}, {n}", row.label) for row in real_rows() for n in range(20)]
    newer = dataset_of(workspace, train=[*written_rows(), *skewed], test=tests)
    newer = str(edit({"action": "rename_label", "label": "refund", "to": "money"}, dataset=newer).dataset)

    result = evaluate(EvaluateRequest(model=model, dataset=newer, split="test"), context_on(workspace))

    assert "other shares" not in result.summary


def test_of_test_rows_neither_a_text_nor_a_label_is_told_but_places_and_counts(
    workspace: Workspace, dataset: str, model: str
) -> None:
    wrong = [make_example(text, "account") for text in REAL["refund"]]
    sealed = dataset_of(workspace, test=[*wrong, *real_rows({"delivery": REAL["delivery"]})])

    result = evaluate(EvaluateRequest(model=model, dataset=sealed, split="test"), context_on(workspace))

    folder = workspace.artifact(result.report, "report").path
    told = [result.model_dump_json(), page_of(workspace, result.report), (folder / "report.json").read_text()]
    assert not any(row.text in one for row in wrong for one in told)
    assert "label" not in pq.read_schema(folder / "predictions.parquet").names
    errors = report_of(workspace, result.report).surest_errors
    assert errors
    assert {error.example for error in errors} <= {row.id for row in wrong}
    assert all(error.text is error.label is error.predicted is None for error in errors)


def test_of_validation_rows_the_errors_are_shown(workspace: Workspace, dataset: str, model: str) -> None:
    wrong = [make_example(text, "account") for text in REAL["refund"]]
    shown = dataset_of(workspace, validation=wrong)

    result = evaluate(EvaluateRequest(model=model, dataset=shown), context_on(workspace))

    errors = report_of(workspace, result.report).surest_errors
    assert {(error.text, error.label) for error in errors} <= {(row.text, "account") for row in wrong}
    assert str(errors[0].text) in page_of(workspace, result.report)


def test_coverage_falls_and_all_rows_are_answered_at_zero(workspace: Workspace, dataset: str, model: str) -> None:
    result = evaluate(EvaluateRequest(model=model, dataset=dataset), context_on(workspace))

    report = report_of(workspace, result.report)
    shares = [row.share for row in report.coverage]
    assert (report.coverage[0].threshold, shares[0]) == (0, 1)  # no row is out of scope: too few tell it
    assert shares == sorted(shares, reverse=True)
    assert report.coverage[0].accuracy == report.figures.accuracy
    assert report.threshold in {row.threshold for row in report.coverage}


def test_cancelling_leaves_no_report(workspace: Workspace, dataset: str, model: str) -> None:
    with pytest.raises(Cancelled):
        evaluate(EvaluateRequest(model=model, dataset=dataset), context_on(workspace, is_cancelled=lambda: True))

    assert not workspace.artifacts("support", "report")
