"""`evaluate`: it says whose texts were measured, its figures are those of its predictions, and it warns of misuse."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow.parquet as pq
import pytest
import sklearn.metrics

from classwright_tools.context import ToolContext
from classwright_tools.domain.annotation import Annotation, RowToLabel
from classwright_tools.domain.evaluation import EvaluationReport
from classwright_tools.domain.example import Example, make_example
from classwright_tools.domain.figures import Comparison, Estimate
from classwright_tools.domain.task import Label, Task
from classwright_tools.error_analysis import ErrorAnalysisRequest, error_analysis
from classwright_tools.errors import Cancelled, InvalidInput, NotEnoughData, NotFound
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.learning.classifier import EmbeddingClassifier, Tell
from classwright_tools.measurement.kept_answers import kept_answers
from classwright_tools.train_classifier import TrainClassifierRequest, TrainClassifierResult, train_classifier
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.workspace import Workspace
from support.measurement import REAL, context_on, dataset_of, real_rows, trained_on, written_rows

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def dataset(workspace: Workspace, task: Task) -> str:
    real = real_rows()
    return dataset_of(workspace, train=written_rows(), validation=real[::2], test=real[1::2])


@pytest.fixture
def model(workspace: Workspace, dataset: str) -> str:
    return trained_on(workspace, dataset)


def report_of(workspace: Workspace, id_: str) -> EvaluationReport:
    path = workspace.artifact(id_, "report").path / "report.json"
    return EvaluationReport.model_validate_json(path.read_bytes())


def page_of(workspace: Workspace, id_: str) -> str:
    return (workspace.artifact(id_, "report").path / "report.html").read_text(encoding="utf-8")


def body_text(page: str) -> str:
    """Return what a reader of the page sees first."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.split("<main>")[1]).split())


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
        (("written", "written"), "written", "Measured on texts that a language model wrote"),
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
    other = dataset_of(workspace, validation=rows)

    result = evaluate(EvaluateRequest(model=model, dataset=other), context_on(workspace))

    assert result.data == data
    assert result.summary.startswith(said)
    assert body_text(page_of(workspace, result.report)).startswith(said)
    assert ("do not tell how the model does on real ones" in result.summary) == (data != "real")


def test_a_split_without_rows_names_the_repair(workspace: Workspace, task: Task, dataset: str, model: str) -> None:
    empty = dataset_of(workspace, train=written_rows())

    with pytest.raises(NotEnoughData, match=r"has no test rows.*import_examples\(split='test'\)"):
        evaluate(EvaluateRequest(model=model, dataset=empty, split="test"), context_on(workspace))


def test_a_label_that_the_model_does_not_know_is_named(workspace: Workspace, dataset: str, model: str) -> None:
    strange = dataset_of(workspace, validation=[*real_rows(), make_example("do you sell ice cream", "products")])

    with pytest.raises(InvalidInput, match=r"1 of its rows have labels that the model does not know \('products'\)"):
        evaluate(EvaluateRequest(model=model, dataset=strange), context_on(workspace))


def test_a_dataset_of_another_task_is_refused(workspace: Workspace, task: Task, dataset: str, model: str) -> None:
    workspace.save_task(task.model_copy(update={"slug": "other"}))
    foreign = dataset_of(workspace, "other", validation=real_rows())

    with pytest.raises(InvalidInput, match="belongs to task 'other'"):
        evaluate(EvaluateRequest(model=model, dataset=foreign), context_on(workspace))


def annotated_rows(copies: str = "abcde") -> list[Example]:
    """Return the real texts, each several times with a letter behind it, as an annotator labelled them."""
    return [
        make_example(f"{row.text} {letter}", row.label, origin="annotated") for row in real_rows() for letter in copies
    ]


def round_without_validation(workspace: Workspace, *rows: Sequence[Example]) -> TrainClassifierResult:
    """Train on `rows`, without validation rows."""
    dataset = dataset_of(workspace, train=[row for some in rows for row in some])
    request = TrainClassifierRequest(task="support", dataset=dataset, method="probe")
    return train_classifier(request, context_on(workspace))


def test_without_validation_rows_what_two_models_learnt_from_is_compared_on_real_texts_that_are_held_out(
    workspace: Workspace, task: Task
) -> None:
    labels = dict(zip(REAL, [*list(REAL)[1:], next(iter(REAL))], strict=True))
    wrong = [make_example(row.text, labels[row.label or ""], origin="written") for row in written_rows()]
    first = round_without_validation(workspace, annotated_rows())
    second = round_without_validation(workspace, annotated_rows(), wrong)

    result = evaluate(EvaluateRequest(model=second.model, against=first.model), context_on(workspace))

    assert f"evaluate with model={second.model!r} and against={first.model!r}" in second.next_step
    assert result.summary.startswith(
        f"Measured on {result.figures.rows} real training rows that were held out, of which an annotator labelled"
    )
    assert "this compares the rows of the two, not the models" in result.summary
    assert result.comparison
    assert result.comparison.verdict == "loss"
    assert result.next_step.startswith(f"Worse than before: keep {first.model}.")
    assert f"Go on with its rows: dataset={first.dataset!r}." in result.next_step
    # What stands for a model is not taken for its own answers, which are those of one that learnt from the rows.
    assert kept_answers(workspace, task.slug, second.model, [row.id for row in annotated_rows()]) == {}


@pytest.mark.parametrize("order", ["written", "informative"])
def test_written_texts_and_those_that_a_model_was_unsure_of_do_not_judge_models(
    workspace: Workspace, task: Task, order: str
) -> None:
    rows = annotated_rows() if order == "informative" else written_rows()
    first, second = round_without_validation(workspace, rows), round_without_validation(workspace, rows, real_rows())
    if order == "informative":
        asked = tuple(RowToLabel(id=f"t{place}", row=row.id, text=row.text) for place, row in enumerate(rows))
        annotation = Annotation(
            task=task.slug, dataset=first.dataset, on_newest=False, order=order, pool=60, batches=(asked,)
        )
        workspace.publish_document("annotation", task.slug, annotation, run_key="asked", parent=first.dataset, rows=60)

    with pytest.raises(NotEnoughData, match=r"12 can be held out, of which 50 .* annotate_examples\(order='random'\)"):
        evaluate(EvaluateRequest(model=second.model, against=first.model), context_on(workspace))


def test_models_of_the_same_rows_need_validation_rows_to_be_compared(workspace: Workspace, task: Task) -> None:
    first = round_without_validation(workspace, annotated_rows())
    request = TrainClassifierRequest(task="support", dataset=first.dataset, method="probe")
    second = train_classifier(request, context_on(workspace))

    assert "against" not in second.next_step
    with pytest.raises(NotEnoughData, match=r"has no validation rows.*import_examples\(split='validation'\)"):
        evaluate(EvaluateRequest(model=second.model, against=first.model), context_on(workspace))


def test_an_unknown_model_is_answered_with_the_nearest(workspace: Workspace, dataset: str, model: str) -> None:
    with pytest.raises(NotFound, match=f"Did you mean '{model}'"):
        evaluate(EvaluateRequest(model="support-m99"), context_on(workspace))


def test_against_itself_a_model_gains_nothing(workspace: Workspace, dataset: str, model: str) -> None:
    request = EvaluateRequest(model=model, dataset=dataset, against=model)

    comparison = evaluate(request, context_on(workspace)).comparison

    assert comparison
    assert (comparison.against, comparison.accuracy_gain.value, comparison.p) == (model, 0, 1)
    assert not comparison.significant


def comparison(
    won: int, lost: int, accuracy: tuple[float, float] = (-1, 1), macro_f1: tuple[float, float] = (-1, 1)
) -> Comparison:
    """Return a comparison with so many rows won and lost, and intervals of the two gains."""
    gains = [Estimate(value=sum(ends) / 2, low=ends[0], high=ends[1]) for ends in (accuracy, macro_f1)]
    return Comparison(
        against="support-m1",
        accuracy_gain=gains[0],
        macro_f1_gain=gains[1],
        only_this_right=won,
        only_other_right=lost,
        p=0.5,
        significant=False,
    )


@pytest.mark.parametrize(
    ("compared", "verdict"),
    [
        (comparison(12, 9), "no gain"),
        (comparison(12, 9, accuracy=(-0.02, 0.06), macro_f1=(-0.01, 0.05)), "undecided"),
        (comparison(12, 9, accuracy=(-0.02, 0.06), macro_f1=(-0.07, 0.05)), "no gain"),  # of two signs
        (comparison(20, 8), "gain"),  # 12 are more than two standard errors of 28 coins, 10.6
        (comparison(8, 20), "loss"),
        (comparison(0, 0), "no gain"),
        (comparison(4, 4, macro_f1=(0.01, 0.1)), "gain"),
        (comparison(4, 4, accuracy=(-0.1, -0.01)), "loss"),
        (comparison(20, 8, macro_f1=(-0.1, -0.01)), "no gain"),
    ],
)
def test_a_verdict_needs_more_than_chance_and_figures_of_one_sign(compared: Comparison, verdict: str) -> None:
    assert compared.verdict == verdict


def test_a_lead_that_may_be_chance_tells_how_many_rows_would_tell() -> None:
    assert (
        comparison(12, 6)
        .advice("support-m2", 120)
        .endswith("a gain needs 9 more right than wrong. About 480 such rows would tell whether this lead is chance.")
    )  # 48 rows won and 24 lost: a lead of 24, 2.8 standard errors
    for decided in (comparison(20, 8), comparison(6, 12), comparison(4, 4)):
        assert "such rows would tell" not in decided.advice("support-m2", 120)


def test_a_lead_that_may_be_chance_is_gone_on_with_and_said_to_be_undecided() -> None:
    told = comparison(12, 9, accuracy=(-0.02, 0.06), macro_f1=(-0.01, 0.05)).advice("support-m2", 120)
    assert told.startswith(
        "Undecided: go on with support-m2, whose lead may be chance. support-m2 alone is right in 12"
    )


def test_after_a_loss_the_next_step_keeps_the_other_model_and_names_what_may_help(
    workspace: Workspace, dataset: str, model: str
) -> None:
    labels = dict(zip(REAL, [*list(REAL)[1:], next(iter(REAL))], strict=True))
    wrong = [make_example(row.text, labels[row.label or ""], origin="written") for row in written_rows()]
    worse = trained_on(workspace, dataset_of(workspace, train=wrong, validation=real_rows()))

    result = evaluate(EvaluateRequest(model=worse, dataset=dataset, against=model), context_on(workspace))

    assert result.comparison
    assert result.comparison.verdict == "loss"
    assert result.next_step.startswith(f"Worse than before: keep {model}. {worse} alone is right in 0 of ")
    assert f"Go on with its rows: dataset={dataset!r}." in result.next_step
    assert "what to write next" not in result.next_step
    analysed = error_analysis(ErrorAnalysisRequest(model=worse, dataset=dataset), context_on(workspace))
    assert analysed.next_step.startswith(f"{worse} is worse than {model} ({result.report}): keep {model}")


def test_without_a_gain_the_next_step_says_so_with_the_evidence(workspace: Workspace, dataset: str, model: str) -> None:
    result = evaluate(EvaluateRequest(model=model, dataset=dataset, against=model), context_on(workspace))

    assert result.next_step.startswith(
        f"No gain: keep {model}. {model} alone is right in 0 of {result.figures.rows} rows and alone wrong in 0; "
        "a gain needs 1 more right than wrong. Instead"
    )


def test_nothing_is_chosen_by_test_rows(workspace: Workspace, dataset: str, model: str) -> None:
    some = dataset_of(workspace, test=real_rows())
    labels = dict(zip(REAL, [*list(REAL)[1:], next(iter(REAL))], strict=True))
    wrong = [make_example(row.text, labels[row.label or ""], origin="written") for row in written_rows()]
    worse = trained_on(workspace, dataset_of(workspace, train=wrong, validation=real_rows()))

    result = evaluate(EvaluateRequest(model=worse, dataset=some, split="test", against=model), context_on(workspace))

    assert result.comparison
    assert result.comparison.verdict == "loss"
    assert "to choose by test rows makes it worthless" in result.next_step
    assert f"evaluate(model={worse!r}, against={model!r})" in result.next_step
    assert "keep" not in result.next_step
    assert "export" not in result.next_step
    analysed = error_analysis(ErrorAnalysisRequest(model=worse, dataset=dataset), context_on(workspace))
    assert "keep" not in analysed.next_step


def test_where_macro_f1_leads_and_accuracy_does_not_both_are_told() -> None:
    told = comparison(9, 12, accuracy=(-0.37, 0.08), macro_f1=(-0.12, 0.32)).advice("support-m2", 80)

    lead = "support-m2 leads by +0.100 in macro-F1, which may be chance"
    assert told.startswith(f"No gain: keep support-m1, unless rare labels matter more: {lead}.")
    sure = comparison(9, 12, accuracy=(-0.08, -0.02), macro_f1=(0.03, 0.09)).advice("support-m2", 80)
    assert "support-m2 leads by +0.060 in macro-F1, more than chance." in sure


def test_the_order_of_the_other_models_labels_does_not_matter(
    workspace: Workspace, task: Task, dataset: str, model: str
) -> None:
    workspace.save_task(task.model_copy(update={"labels": tuple(reversed(task.labels))}))
    turned = trained_on(workspace, dataset)

    comparison = evaluate(
        EvaluateRequest(model=model, dataset=dataset, against=turned), context_on(workspace)
    ).comparison

    assert comparison
    assert comparison.only_this_right == comparison.only_other_right == 0


def test_a_model_with_other_labels_is_not_compared(workspace: Workspace, task: Task, dataset: str, model: str) -> None:
    workspace.save_task(task.model_copy(update={"labels": task.labels[:2]}))
    two = [row for row in written_rows() if row.label != "account"]
    fewer = trained_on(workspace, dataset_of(workspace, train=two))

    with pytest.raises(InvalidInput, match=r"has other labels than .* \('account'\)"):
        evaluate(EvaluateRequest(model=model, dataset=dataset, against=fewer), context_on(workspace))


def test_using_the_test_rows_again_is_warned_of(workspace: Workspace, dataset: str, model: str) -> None:
    request = EvaluateRequest(model=model, dataset=dataset, split="test")
    evaluate(EvaluateRequest(model=model, dataset=dataset), context_on(workspace))

    first = evaluate(request, context_on(workspace))
    second = evaluate(request, context_on(workspace))

    assert "test rows" not in first.summary.removeprefix("Measured on real texts: 6 test rows.")
    assert "This is use 2 of the task's test rows" in second.summary
    assert workspace.artifact(second.report, "report").facts["test_use"] == 2
    assert "This is use 2" in page_of(workspace, second.report)


def test_a_job_that_is_repeated_after_a_crash_counts_as_one_use(
    workspace: Workspace, context: ToolContext, dataset: str, model: str
) -> None:
    request = EvaluateRequest(model=model, dataset=dataset, split="test")

    first, repeated = evaluate(request, context), evaluate(request, context)

    assert first.report == repeated.report
    assert "This is use" not in repeated.summary


def test_a_job_that_is_repeated_after_others_tells_what_it_had_measured(
    workspace: Workspace, context: ToolContext, dataset: str, model: str
) -> None:
    request = EvaluateRequest(model=model, split="test")
    first = evaluate(request, context)
    dataset_of(workspace, test=real_rows()[:3])
    evaluate(request, context_on(workspace))

    repeated = evaluate(request, context)

    assert repeated.report == first.report
    assert (repeated.dataset, repeated.figures.rows) == (dataset, first.figures.rows)
    assert repeated.summary == first.summary  # it is still the first use of the test rows


@pytest.mark.parametrize("change", [str, lambda text: text.upper() + " !", lambda text: text + " thanks"])
def test_a_row_that_the_model_trained_on_or_nearly_is_not_counted_and_told(
    workspace: Workspace, dataset: str, model: str, change: Callable[[str], str]
) -> None:
    learnt = [make_example(change(row.text), row.label) for row in written_rows()[:2]]
    later = dataset_of(workspace, test=[*real_rows()[1::2], *learnt])
    alone = evaluate(EvaluateRequest(model=model, dataset=dataset, split="test"), context_on(workspace))

    result = evaluate(EvaluateRequest(model=model, dataset=later, split="test"), context_on(workspace))

    assert (result.left_out, result.figures) == (2, alone.figures)
    assert f"6 of 8 test rows are counted: 2 are in the training rows of {model}, or nearly so." in result.summary
    assert "6 of 8 test rows" in page_of(workspace, result.report)
    assert report_of(workspace, result.report).left_out == 2


def test_of_many_likenesses_of_one_training_row_none_is_counted(workspace: Workspace, task: Task) -> None:
    template = "please send the money for order number {} back to my account as soon as you possibly can"
    train = [*written_rows(), make_example(template.format(1000), "refund")]
    model = trained_on(workspace, dataset_of(workspace, train=train))
    alike = [make_example(template.format(number), "refund") for number in range(1001, 1061)]
    later = dataset_of(workspace, validation=[*real_rows(), *alike])

    assert evaluate(EvaluateRequest(model=model, dataset=later), context_on(workspace)).left_out == 60


def test_a_comparison_counts_only_rows_that_neither_model_trained_on(
    workspace: Workspace, dataset: str, model: str
) -> None:
    real = real_rows()
    other = trained_on(workspace, dataset_of(workspace, train=[*written_rows(), *real[:3]]))
    request = EvaluateRequest(model=model, dataset=dataset, against=other)

    result = evaluate(request, context_on(workspace))

    assert (result.left_out, result.figures.rows) == (2, 4)
    assert f"4 of 6 validation rows are counted: 2 are in the training rows of {model} or {other}" in result.summary


def test_a_split_of_training_rows_alone_cannot_be_measured_on(workspace: Workspace, dataset: str, model: str) -> None:
    learnt = dataset_of(workspace, validation=written_rows())

    with pytest.raises(NotEnoughData, match=r"each of the 18 validation rows .* is a training row of support-m1"):
        evaluate(EvaluateRequest(model=model, dataset=learnt), context_on(workspace))


def test_test_rows_that_the_model_was_chosen_by_are_told(workspace: Workspace, dataset: str, model: str) -> None:
    once_validation = dataset_of(workspace, test=[*real_rows()[::2][:2], *real_rows()[1::2]])

    result = evaluate(EvaluateRequest(model=model, dataset=once_validation, split="test"), context_on(workspace))

    assert result.left_out == 0
    assert f"2 of these rows were validation rows when {model} was trained" in result.summary


def test_labels_that_no_row_has_are_named_and_are_no_ground_to_export(
    workspace: Workspace, dataset: str, model: str
) -> None:
    some = dataset_of(workspace, test=real_rows({"refund": REAL["refund"], "delivery": REAL["delivery"]}))

    result = evaluate(EvaluateRequest(model=model, dataset=some, split="test"), context_on(workspace))

    assert result.figures.not_covered == ("account",)
    assert "macro-F1 over 2 of 3 labels" in result.summary
    assert "No row of 'account' was there: of this label nothing is known." in result.summary
    assert "export" not in result.next_step
    assert "Bring in test rows of 'account'" in result.next_step
    assert "The mean over 2 of 3 labels" in body_text(page_of(workspace, result.report))
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
    assert [one.f1.value for one in result.classes] == sorted(one.f1.value for one in result.classes)


def test_an_accuracy_that_guessing_reaches_is_called_so(workspace: Workspace, dataset: str, model: str) -> None:
    lopsided = [*real_rows({"refund": REAL["refund"]}), make_example("cant log in", "account")]
    some = dataset_of(workspace, test=[*lopsided, make_example("where is my parcel", "delivery")])

    result = evaluate(EvaluateRequest(model=model, dataset=some, split="test"), context_on(workspace))

    said = "no better than guessing: always answering the most frequent label of these rows reaches 0.667"
    assert said in result.summary
    assert f"Where labels count alike it is {result.figures.balanced_accuracy.value:.3f}" in result.summary
    assert "and guessing reaches 0.333." in result.summary
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


def test_shares_of_labels_are_compared_with_those_of_the_rows_that_the_model_trained_on(
    workspace: Workspace, dataset: str, model: str
) -> None:
    skewed = [make_example(f"lamp number {n} came broken", "refund") for n in range(200)]
    newer = dataset_of(workspace, train=[*written_rows(), *skewed], test=real_rows())

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


def test_no_row_is_classified_twice_by_one_model(
    workspace: Workspace, dataset: str, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = trained_on(workspace, dataset)
    asked: list[str] = []
    classify = EmbeddingClassifier.logits

    def counted(self: EmbeddingClassifier, texts: Sequence[str], tell: Tell | None = None) -> np.ndarray:
        asked.extend(texts)
        return classify(self, texts, tell)

    monkeypatch.setattr(EmbeddingClassifier, "logits", counted)
    request = EvaluateRequest(model=model, dataset=dataset, against=other)
    fresh = evaluate(request, context_on(workspace))
    evaluate(EvaluateRequest(model=other, dataset=dataset), context_on(workspace))
    assert len(asked) == 3 * fresh.figures.rows
    again = evaluate(request, context_on(workspace))
    assert len(asked) == 3 * fresh.figures.rows
    assert (again.figures, again.comparison) == (fresh.figures, fresh.comparison)
    assert again.texts_per_second is None
    more = dataset_of(workspace, validation=[*real_rows()[::2], make_example("is the lamp on its way", "delivery")])
    evaluate(EvaluateRequest(model=model, dataset=more, against=other), context_on(workspace))
    assert asked[3 * fresh.figures.rows :] == ["is the lamp on its way"] * 2


def test_answers_that_do_not_read_back_are_given_anew(workspace: Workspace, dataset: str, model: str) -> None:
    first = evaluate(EvaluateRequest(model=model, dataset=dataset), context_on(workspace))
    (workspace.artifact(first.report, "report").path / "predictions.parquet").write_bytes(b"damaged")

    assert evaluate(EvaluateRequest(model=model, dataset=dataset), context_on(workspace)).figures == first.figures


def test_held_out_rows_that_training_left_out_are_not_warned_of(workspace: Workspace, task: Task) -> None:
    real = real_rows()
    copied = dataset_of(workspace, train=[*written_rows(), *real[::2]], validation=real[::2])

    result = evaluate(EvaluateRequest(model=trained_on(workspace, copied), dataset=copied), context_on(workspace))

    assert (result.left_out, result.figures.rows) == (0, 6)


def test_hostile_labels_and_texts_are_harmless_on_the_page(workspace: Workspace) -> None:
    labels = (Label(name=HOSTILE), Label(name="$harm$ _less_"))
    workspace.save_task(Task(slug="hostile", instruction="Tell two labels apart.", labels=labels))
    texts = {HOSTILE: "where is my parcel", "$harm$ _less_": "my password is wrong"}
    train = [
        make_example(f"{text} {n}", label)
        for label, text in texts.items()
        for n in ("now", "today", "at last", "please", "again")
    ]
    wrong = [make_example(f"{HOSTILE} my password is wrong", HOSTILE), make_example("my parcel", "$harm$ _less_")]
    dataset = dataset_of(workspace, "hostile", train=train, validation=wrong)
    model = trained_on(workspace, dataset, "hostile")

    result = evaluate(EvaluateRequest(model=model, dataset=dataset), context_on(workspace))

    page = page_of(workspace, result.report)
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page


def test_the_page_needs_nothing_but_itself(workspace: Workspace, dataset: str, model: str) -> None:
    result = evaluate(EvaluateRequest(model=model, dataset=dataset), context_on(workspace))

    page = page_of(workspace, result.report)
    assert not re.search(r"(?:src|href)=|url\(|@import", page)
    assert page.count("<svg ") == 3
    names = {path.name for path in workspace.artifact(result.report, "report").path.iterdir()}
    assert names >= {"report.json", "report.html", "confusion.svg", "labels.svg", "reliability.svg"}


def test_coverage_falls_and_all_rows_are_answered_at_zero(workspace: Workspace, dataset: str, model: str) -> None:
    result = evaluate(EvaluateRequest(model=model, dataset=dataset), context_on(workspace))

    report = report_of(workspace, result.report)
    shares = [row.share for row in report.coverage]
    assert (report.coverage[0].threshold, shares[0]) == (0, 1)
    assert shares == sorted(shares, reverse=True)
    assert report.coverage[0].accuracy == report.figures.accuracy
    assert report.threshold in {row.threshold for row in report.coverage}


def test_cancelling_leaves_no_report(workspace: Workspace, dataset: str, model: str) -> None:
    with pytest.raises(Cancelled):
        evaluate(EvaluateRequest(model=model, dataset=dataset), context_on(workspace, is_cancelled=lambda: True))

    assert not workspace.artifacts("support", "report")


def test_the_answer_stays_short_however_long_the_names_are(workspace: Workspace) -> None:
    names = [f"label number {n} with a rather long name that goes on and on and on {n}" for n in range(30)]
    workspace.save_task(
        Task(slug="many", instruction="Tell many apart.", labels=tuple(Label(name=name) for name in names))
    )
    train = [make_example(f"word{n} and word{n} {more}", name) for n, name in enumerate(names) for more in range(5)]
    validation = [make_example(f"something like word{n}", names[(n + 1) % 30]) for n in range(30)]
    dataset = dataset_of(workspace, "many", train=train, validation=validation)
    model = trained_on(workspace, dataset, "many")

    result = evaluate(EvaluateRequest(model=model, dataset=dataset), context_on(workspace))

    assert len(json.dumps(result.model_dump(mode="json"))) < 10_000
    whole = {"classes": 30, "confusions": len(report_of(workspace, result.report).confusions)}
    for name, total in whole.items():
        cut = result.shown_in_part.get(name)
        assert (cut.total if cut else len(getattr(result, name))) == total, name
