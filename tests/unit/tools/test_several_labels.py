"""A model of rows with several labels, from training to the report."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import accuracy_score, f1_score

import classwright
from classwright_tools.bulk.classify_files import classify_files
from classwright_tools.bulk.models import open_predictor
from classwright_tools.classify import ClassifyRequest, classify
from classwright_tools.context import ToolContext
from classwright_tools.domain.evaluation import EvaluationReport
from classwright_tools.domain.figures import ClassFigures, Estimate
from classwright_tools.errors import InvalidInput
from classwright_tools.estimates.history import History
from classwright_tools.estimates.running import run_told
from classwright_tools.estimates.training import training_workload
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.export_model import ExportModelRequest, export_model
from classwright_tools.import_examples import ImportExamplesRequest, import_examples
from classwright_tools.learning.fitting import fitting
from classwright_tools.learning.label_space import encode
from classwright_tools.learning.later_labels import beside
from classwright_tools.learning.model import load_model
from classwright_tools.learning.several_labels.calibration import sure_labels_of
from classwright_tools.measurement.evaluation_summary import rows_wanted
from classwright_tools.train_classifier import TOOL, TrainClassifierRequest, train_classifier
from classwright_tools.workspace.datasets import read_rows, save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.editing import editor
from support.importing import given
from support.readme_code import code_blocks, run_code
from support.several import LABELS, several_dataset, several_task

TEXTS = (
    "where is the courier with my package? give me my money back",
    "my login does not work",
    "greetings from the seaside to all",
)
FINETUNE = TrainClassifierRequest(task="mail", method="finetune", imbalance="class_weights", epochs=1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, shallow: str) -> Iterator[tuple[ToolContext, str]]:
    """A context on a workspace with a model of such rows, and its id."""
    workspace = Workspace(tmp_path_factory.mktemp("several"))
    several_dataset(workspace)
    context = ToolContext(workspace=workspace, run_key="training", encoder=shallow)
    yield context, train_classifier(TrainClassifierRequest(task="mail"), context).model
    workspace.engine.dispose()


def test_a_text_gets_all_labels_that_apply_or_none(trained: tuple[ToolContext, str]) -> None:
    context, model = trained
    result = classify(ClassifyRequest(model=model, texts=TEXTS), context)

    assert [found.labels for found in result.results] == [("refund", "delivery"), ("account",), ()]
    assert all(found.label is None and 0 < found.probability <= 1 for found in result.results)
    for found in result.results:
        assert found.sure == (found.probability >= result.threshold and not found.out_of_scope)
    assert result.thresholds == dict(zip(LABELS, load_model(context.workspace, model).card.thresholds, strict=True))
    assert [name for name, _ in result.results[0].likeliest] == ["delivery", "refund", "account"]


def test_progress_leaves_room_for_the_fits_after_the_choice_of_a_penalty(
    workspace: Workspace,
) -> None:
    several_dataset(workspace)
    told: list[tuple[float, str]] = []
    context = ToolContext(
        workspace=workspace, run_key="told", report=lambda done, message: told.append((done or 0.0, message))
    )

    train_classifier(TrainClassifierRequest(task="mail", method="probe"), context)

    choosing = [done for done, message in told if "penalty" in message]
    assert choosing
    assert max(choosing) <= 0.1
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_texts_below_the_threshold_are_counted_as_unsure(trained: tuple[ToolContext, str]) -> None:
    context, model = trained
    request = ClassifyRequest(model=model, texts=("my login does not work",), threshold=1.0)

    unsure = classify(request, context)
    sure = classify(request.model_copy(update={"threshold": 0.0}), context)
    both = classify(request.model_copy(update={"texts": request.texts * 2}), context)

    assert (unsure.abstained, unsure.results[0].sure) == (1, False)
    assert unsure.summary.startswith("Not sure: 'account', with a probability of ")
    assert " that the whole set is right, below 1.00. Of single labels it is sure of 'account'." in unsure.summary
    assert (sure.abstained, sure.results[0].sure) == (0, True)
    assert sure.summary.startswith("It is 'account', with a probability of ")
    assert both.summary.startswith("Classified 2 texts; sure of the labels of 0, unsure of those of 2: ")


def test_the_card_has_a_threshold_a_label_and_figures_of_rows_not_trained_on(trained: tuple[ToolContext, str]) -> None:
    context, model = trained
    card = load_model(context.workspace, model).card

    assert len(card.thresholds) == len(LABELS)
    assert all(0 < threshold < 1 for threshold in card.thresholds)
    assert card.validation.data == "real"
    assert card.validation.micro_f1 is not None
    assert card.unsure is not None
    assert card.grouped is not None
    assert "5 turns (folds)" in card.grouped.measured_on


def test_the_report_has_scikit_learns_figures_and_every_answer(trained: tuple[ToolContext, str]) -> None:
    context, model = trained
    result = evaluate(EvaluateRequest(model=model), replace(context, run_key="evaluation"))

    folder = context.workspace.artifact(result.report, "report").path
    answers = pq.read_table(folder / "predictions.parquet").to_pylist()
    true, given = (encode([row[name] for row in answers], LABELS) for name in ("label", "predicted"))
    figures = result.figures
    assert figures.accuracy.value == pytest.approx(accuracy_score(true, given))
    assert figures.macro_f1.value == pytest.approx(f1_score(true, given, average="macro"))
    assert figures.micro_f1 is not None
    assert figures.micro_f1.value == pytest.approx(f1_score(true, given, average="micro"))
    assert "micro-F1" in result.summary
    sizes = [size.labels for size in figures.by_size]
    assert sizes == sorted(set(true.sum(axis=1).tolist()))
    assert "All labels of a row right, by how many it has: none: " in result.summary
    report = json.loads((folder / "report.json").read_text())
    assert np.diag(report["confusion_matrix"]).tolist() == (true & given).sum(axis=0).tolist()
    page = (folder / "report.html").read_text()
    assert "subset accuracy" in page
    assert "Matthews" not in page
    assert f"the most frequent set of labels reaches {figures.guessing_sets or 0:.1%}." in page
    assert "By how many labels a text has" in page


@pytest.fixture(scope="module")
def finetuned(trained: tuple[ToolContext, str]) -> str:
    """The id of a model whose encoder was tuned for such rows, trained with its cost told before."""
    context, _ = trained
    return run_told(TOOL, FINETUNE, replace(context, run_key="tuned"), lambda _: None).model


def test_an_encoder_is_tuned_for_several_labels_as_often_as_is_told_before(
    trained: tuple[ToolContext, str], finetuned: str
) -> None:
    context, _ = trained
    kind = fitting("finetune", context.encoder)
    (planned,) = (part for part in training_workload(FINETUNE, context).parts if part.kind == kind)
    (took,) = History(context.workspace.engine).of(kind)
    model = load_model(context.workspace, finetuned)

    assert took.times == planned.times == 4
    assert took.units == pytest.approx(planned.units, rel=0.1)
    assert model.card.grouped is not None
    assert "3 turns (folds)" in model.card.grouped.measured_on
    assert model.classifier.tuned


def test_an_evaluation_proposes_thresholds_of_each_label(trained: tuple[ToolContext, str]) -> None:
    context, model = trained

    result = evaluate(EvaluateRequest(model=model), replace(context, run_key="proposed"))

    lines = result.label_thresholds
    enough = {one.label for one in result.classes if one.rows >= 10}
    assert {one.label for one in lines} == enough > set()
    assert all(one.recall and one.recall.value >= 0.8 for one in lines if one.threshold is not None)
    assert "To miss few of a label pass `thresholds`: {" in result.summary
    assert "set the thresholds and the calibration" not in result.summary  # training rows held out did


def test_two_models_are_compared_in_f1_on_the_same_rows(trained: tuple[ToolContext, str], finetuned: str) -> None:
    context, model = trained

    result = evaluate(EvaluateRequest(model=finetuned, against=model), replace(context, run_key="comparison"))

    assert result.comparison is not None
    assert result.comparison.micro_f1_gain is not None
    assert f"Against {model}" in result.summary
    assert "All labels together (micro-F1)" in result.summary
    report = context.workspace.document(result.report, "report", EvaluationReport)
    right = [row.label == row.predicted for row in report.changed_rows]
    assert right == [row.this_right for row in report.changed_rows]
    assert [row.label == row.other_predicted for row in report.changed_rows] == [not one for one in right]
    assert 0 < right.count(True) <= min(5, result.comparison.only_this_right) or not result.comparison.only_this_right
    assert sum(one.only_this_right for one in report.label_changes) >= result.comparison.only_this_right
    gains = [one.gain for one in report.label_changes]
    assert gains == sorted(gains, reverse=True)


@pytest.mark.parametrize("onnx", [True, False])
def test_an_export_answers_as_the_model_does(
    trained: tuple[ToolContext, str], onnx: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, model = trained
    own = load_model(context.workspace, model)
    unsure = replace(own, card=own.card.model_copy(update={"unsure": 0.81, "sure_right": 0.9}))
    monkeypatch.setattr("classwright_tools.learning.model.load_model", lambda *_, **__: unsure)
    texts = list(TEXTS)
    request = ExportModelRequest(model=model, onnx=onnx)
    made = export_model(request, replace(context, run_key=f"export {onnx}"))
    folder = context.workspace.artifact(made.export, "export").path

    found = classwright.load(folder).predict(texts)

    proba = own.predict_proba(texts)
    assert found.probabilities == pytest.approx(proba, abs=1e-4)
    assert found.labels == own.space.answers(proba)[0] == [("refund", "delivery"), ("account",), ()]
    assert not (folder / "model_head.pkl").exists()
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "| rows | all labels right | micro-F1 | macro-F1 |" in card
    told = (
        f"It is sure of 19% of {own.card.sure_on} texts like the training rows held out, and labels 90% of these right"
    )
    assert told in card
    assert told in made.summary
    for figures in own.card.classes:
        precision = figures.precision
        assert f"| {figures.label} | {figures.support} | {precision.value:.3f} ({precision.low:.3f} to" in card
    assert f"classwright://mail/artifacts/{made.export}/files/{{name}}/{{part}}" in made.next_step
    assert "`labels`" in card
    assert "`label_NAME`" in card
    (tmp_path / "in.csv").write_text(f"date;comment\n1;{texts[0]}\n2; \n", encoding="utf-8")
    asked = [str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.csv"), "--text-column", "comment"]
    run_code(folder, f"import predict; assert predict.main({asked}) == 0")
    header, first, second = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert header == "date;comment;labels;probability;sure;out_of_scope;sure_labels;" + (
        "label_refund;label_delivery;label_account;probability_refund;probability_delivery;probability_account"
    )
    assert first.startswith(f"1;{texts[0]};refund|delivery;0.")
    assert ";1;1;0;0." in first
    assert second == "2; ;;;;;;;;;;;"
    if not onnx:
        code = code_blocks(folder)[1].replace("a text to classify", texts[0])
        assert "['refund', 'delivery']" in run_code(folder, code)


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_files_are_classified_with_all_labels_that_apply(
    trained: tuple[ToolContext, str], ending: str, tmp_path: Path
) -> None:
    context, model = trained
    source, output = tmp_path / "in.csv", tmp_path / f"out.{ending}"
    source.write_text(f"text\n{TEXTS[0]}\n{TEXTS[2]}\n")

    classify_files(open_predictor(model, context.workspace.root), source, output, model_name=model)

    if ending == "jsonl":
        rows = [json.loads(line) for line in output.read_text().splitlines()]
        assert [row["labels"] for row in rows] == [["refund", "delivery"], []]
        return
    rows = list(csv.DictReader(output.open(encoding="utf-8")))
    assert [row["labels"] for row in rows] == ["refund|delivery", "|"]
    assert [[row[f"label_{label}"] for label in LABELS] for row in rows] == [["1", "1", "0"], ["0", "0", "0"]]


def test_files_come_back_as_rows_with_their_labels(
    trained: tuple[ToolContext, str], workspace: Workspace, tmp_path: Path
) -> None:
    context, model = trained
    source, output = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(f"text\n{TEXTS[0]}\n{TEXTS[2]}\n")
    classify_files(open_predictor(model, context.workspace.root), source, output, model_name=model)
    workspace.save_task(several_task())

    request = ImportExamplesRequest(task="mail", split="train", csv=output.read_text())
    made = import_examples(request, replace(context, workspace=workspace, run_key="back"))

    rows = read_rows(workspace, str(made.dataset), "train")
    assert {row.text: row.labels for row in rows} == {
        TEXTS[0]: ("refund", "delivery"),
        TEXTS[2]: (),
    }


def test_a_label_is_sure_by_itself_from_where_nine_in_ten_that_were_given_it_were_right() -> None:
    falling = np.linspace(0.99, 0.71, 40)[:, None]
    ranks = np.arange(40)[:, None]
    always, often, never, few = ranks >= 0, ranks < 20, ranks % 2 == 0, ranks >= 0
    true = np.concatenate([always, often, never, few], axis=1)
    decided = np.concatenate([always, always, always, ranks < 4], axis=1)

    found = sure_labels_of(np.repeat(falling, 4, axis=1), decided, true)

    points = found.points[:2]
    assert [(falling >= point).sum() for point in points if point] == [40, 22]  # 20 of 22 are right, 20 of 23 too few
    assert all(np.abs(falling - point).min() > 1e-6 for point in points if point)
    assert found.points[2] is None
    assert found.points[3] is not None  # that of all labels together: four rows tell nothing
    assert found.counts[:3] == ((40, 40), (22, 20), (0, 0))


def test_an_answer_says_which_labels_are_sure_by_themselves(trained: tuple[ToolContext, str]) -> None:
    context, model = trained
    own = load_model(context.workspace, model)
    assert len(own.card.sure_from) == len(own.card.classes) == len(LABELS)
    [found] = classify(ClassifyRequest(model=model, texts=TEXTS[:1], threshold=1.0), context).results

    proba = dict(zip(LABELS, own.predict_proba(TEXTS[:1])[0], strict=True))
    points = dict(zip(LABELS, own.sure_from, strict=True))
    reached = [name for name in LABELS if points[name] is not None and proba[name] >= (points[name] or 0)]
    assert found.sure_labels == tuple(name for name in found.labels or () if name in reached)
    assert not found.sure


def test_where_training_texts_are_written_real_rows_calibrate(
    trained: tuple[ToolContext, str], workspace: Workspace
) -> None:
    context, _ = trained
    dataset = several_dataset(workspace)
    train, validation = (read_rows(workspace, dataset, split) for split in ("train", "validation"))
    written = [row.model_copy(update={"origin": "written"}) for row in train[:60]]
    splits = {"train": written, "validation": [*validation, *train[60:]]}
    save_dataset(workspace, "mail", splits, parent=None, run_key="w", made_by="t")  # type: ignore[arg-type]  # splits

    result = train_classifier(TrainClassifierRequest(task="mail"), replace(context, workspace=workspace, run_key="w"))

    assert result.validation.data == "real"
    assert result.validation.measured_on == "60 real validation rows"
    assert result.grouped is None
    assert result.validation.micro_f1
    measured = evaluate(EvaluateRequest(model=result.model), replace(context, workspace=workspace, run_key="e"))
    assert "60 of these rows set the thresholds and the calibration of mail-m1" in measured.summary
    assert f"set these: all labels together (micro-F1) {result.validation.micro_f1.value:.3f}" in measured.summary


def test_what_is_to_be_done_next_can_be_done(trained: tuple[ToolContext, str], workspace: Workspace) -> None:
    context, _ = trained
    rows = read_rows(workspace, several_dataset(workspace), "train")
    save_dataset(workspace, "mail", {"train": rows}, parent=None, run_key="t", made_by="t")
    own = replace(context, workspace=workspace)
    several = ImportExamplesRequest(task="mail", split="unlabelled", rows=given(("where is my thing", None)))

    result = train_classifier(TrainClassifierRequest(task="mail"), replace(own, run_key="bare"))

    assert "Call import_examples with split='validation'" in result.next_step  # evaluate would have nothing to measure
    assert "annotate_examples" in import_examples(several, replace(own, run_key="import")).next_step


@pytest.mark.parametrize(
    ("precision", "recall", "wanted"),
    [(0.65, 0.89, "that are not 'staff'"), (0.89, 0.65, "of 'staff', the weakest label")],
)
def test_the_rows_that_are_wanted_go_by_the_lower_of_precision_and_recall(
    precision: float, recall: float, wanted: str
) -> None:
    shares = {
        name: Estimate(value=value, low=value, high=value)
        for name, value in (("precision", precision), ("recall", recall), ("f1", 0.75))
    }

    assert rows_wanted(ClassFigures(label="staff", support=20, **shares)).startswith(wanted)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"method": "setfit"}, "does not train on rows with several labels"),
        ({"imbalance": "logit_adjustment"}, "is not for rows with several labels"),
        ({"encoder": "auto"}, "is not chosen for rows with several labels"),
    ],
)
def test_what_cannot_train_on_several_labels_is_refused_with_what_can(
    trained: tuple[ToolContext, str], fields: dict[str, str], reason: str
) -> None:
    context, _ = trained
    with pytest.raises(InvalidInput, match=reason):
        train_classifier(TrainClassifierRequest(task="mail", **fields), replace(context, run_key="refused"))


def test_labels_that_were_merged_are_one_that_applies_where_one_of_them_at_least_does(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    dataset = several_dataset(workspace)
    context = ToolContext(workspace=workspace, run_key="training")
    model = train_classifier(TrainClassifierRequest(task="mail"), context).model
    own = load_model(workspace, model)
    texts = [row.text for row in read_rows(workspace, dataset, "validation")]
    proba = own.predict_proba(texts)

    change = {"action": "merge_label", "label": "delivery", "to": "refund"}
    edit = editor(context, "mail")
    merged = edit(change, confirm=edit(change).rows).dataset
    assert merged
    now = beside(workspace, own, merged)
    result = evaluate(EvaluateRequest(model=model, dataset=merged), replace(context, run_key="measured"))
    told = classify(ClassifyRequest(model=model, texts=tuple(texts)), replace(context, run_key="told"))

    either = 1 - (1 - proba[:, 0]) * (1 - proba[:, 1])
    assert now.labels == ("refund", "account")
    np.testing.assert_allclose(now.predict_proba(texts), np.stack([either, proba[:, 2]], axis=1), atol=1e-6)
    assert now.space.thresholds == pytest.approx((np.mean(own.card.thresholds[:2]), own.card.thresholds[2]), abs=1e-6)
    assert {one.label for one in result.classes} == {"refund", "account"}
    assert result.figures.micro_f1
    assert result.figures.micro_f1.value > 0.8
    assert told.thresholds == dict(zip(now.labels, now.space.thresholds, strict=True))
    assert {label for one in told.results for label in one.labels or ()} == {"refund", "account"}
    assert now.sure_from == (0.9, 0.9)  # no row has told yet from where on the merged label is right
    sure = now.predict_proba(texts) >= 0.9
    assert [one.sure_labels for one in told.results if one.sure] == [
        now.space.named(own) for own, one in zip(sure, told.results, strict=True) if one.sure
    ]
    workspace.engine.dispose()
