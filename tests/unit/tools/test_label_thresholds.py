"""A label with a threshold of its own: given from it on and only then, by calls, tables, files and exports alike."""

from __future__ import annotations

import csv
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import classwright
from classwright.predict import given_labels, given_thresholds
from classwright_server.cli import main
from classwright_tools.bulk.models import thresholds_in
from classwright_tools.classify import ClassifyRequest, classify
from classwright_tools.context import ToolContext
from classwright_tools.domain.evaluation import EvaluationReport
from classwright_tools.domain.task import Label, Task
from classwright_tools.errors import InvalidInput
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.export_model import ExportModelRequest, export_model
from classwright_tools.learning.label_space import LabelSpace
from classwright_tools.measurement.own_thresholds import at_thresholds, by_turns, thresholds_in_words
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.workspace import Workspace
from support.learning import real_rows, save_rows, written_rows
from support.measurement import answers_of

TEXTS = ("refund my money please", "my parcel and my money", "i cannot log in", "my account is late")


class Made:
    """A probe with its export, and what it gives to the texts."""

    def __init__(self, root: Path) -> None:
        self.workspace = Workspace(root / "workspace")
        labels = tuple(Label(name=name) for name in ("refund", "delivery", "account"))
        self.workspace.save_task(Task(slug="support", instruction="Tell them apart.", labels=labels))
        self.dataset = save_rows(self.workspace, written_rows(), real_rows(4))
        self.context = ToolContext(workspace=self.workspace, run_key="training")
        self.model = train_classifier(TrainClassifierRequest(task="support", method="probe"), self.context).model
        made = export_model(ExportModelRequest(model=self.model, onnx=False), self.run("export")).export
        self.folder = self.workspace.artifact(made, "export").path
        answers = classify(ClassifyRequest(model=self.model, texts=TEXTS, threshold=0.0), self.run("texts")).results
        self.refund = [dict(one.likeliest)["refund"] for one in answers]
        self.labels = [one.likeliest[0][0] for one in answers]

    def run(self, key: str) -> ToolContext:
        """Return the context of a call of its own."""
        return replace(self.context, run_key=key)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The model, for all tests here."""
    return Made(tmp_path_factory.mktemp("thresholds"))


@pytest.mark.parametrize(
    ("own", "given"),
    [
        ({}, "a"),
        ({"a": 0.9}, "b"),  # only from 0.9 on: the likeliest of the others
        ({"c": 0.1}, "c"),  # from 0.1 on, though others are likelier
        ({"b": 0.3, "c": 0.05}, "c"),  # which exceeds its own by the greater factor
        ({"a": 0.0, "c": 0.1}, "c"),  # none is exceeded by less than one that lets all through
        ({"a": 0.9, "b": 0.9, "c": 0.9}, "a"),
    ],
)
def test_a_label_is_given_from_its_own_threshold_on_and_only_then(own: dict[str, float], given: str) -> None:
    labels, proba = ("a", "b", "c"), np.array([[0.5, 0.35, 0.15]])
    space = LabelSpace(labels).under(own)

    [named], right = space.answers(proba)
    limits = np.array([own.get(label, np.nan) for label in labels])

    assert named == given == labels[given_labels(proba, limits)[0]]
    assert right == proba[0, labels.index(given)]
    assert [space.gives(proba, label)[0] for label in labels] == [label == given for label in labels]
    assert space.judge(proba, np.array([False]), 0.5).reached == (given == "c" or own == {})


def test_where_a_row_has_several_labels_the_threshold_of_one_is_another() -> None:
    space = LabelSpace(("a", "b"), (0.5, 0.4)).under({"b": 0.7})

    assert space.answers(np.array([[0.6, 0.6], [0.1, 0.8]]))[0] == [("a",), ("b",)]


def test_classify_takes_it_and_says_what_is_below_it(made: Made) -> None:
    at = max(made.refund)
    request = ClassifyRequest(model=made.model, texts=TEXTS, threshold=0.0, thresholds={"refund": at})
    strict = classify(request.model_copy(update={"thresholds": {"refund": min(1.0, at + 1e-6)}}), made.run("strict"))
    found = classify(request, made.run("own"))
    alone = classify(ClassifyRequest(model=made.model, texts=TEXTS[:1], thresholds={"refund": 1.0}), made.run("one"))

    assert made.labels[0] == "refund"
    assert [one.label for one in found.results].count("refund") == 1
    assert "refund" not in [one.label for one in strict.results]
    assert [one.label for one in strict.results if one.label][-2:] == made.labels[2:]
    assert found.thresholds == {"refund": at}
    assert alone.summary.startswith(
        f"Not sure: most likely 'refund', with a probability of {made.refund[0]:.2f}, below 1.00"
    )
    with pytest.raises(InvalidInput, match=r"`thresholds` of 'REFUND': is of no label of the model.*you mean 'refund'"):
        classify(request.model_copy(update={"thresholds": {"REFUND": 0.5}}), made.run("unknown"))


def test_a_rare_label_is_found_first_where_its_threshold_is_low(made: Made) -> None:
    found = classify(ClassifyRequest(model=made.model, texts=TEXTS, thresholds={"refund": 0.0}), made.run("first"))

    assert [one.label for one in found.results if not one.out_of_scope] == ["refund"] * (4 - found.out_of_scope)
    assert found.abstained == found.out_of_scope
    assert "not how often such answers are right: evaluate with these `thresholds`" in found.summary
    assert "It is sure of" not in found.summary
    assert [one.probability for one in found.results] == pytest.approx(made.refund)


def test_files_and_exports_take_it_as_classify_does(made: Made, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text\n" + "".join(f"{text}\n" for text in TEXTS), encoding="utf-8")
    at = sorted(made.refund)[1] - 1e-4
    own = {"refund": at}
    called = classify(ClassifyRequest(model=made.model, texts=TEXTS, threshold=0.5, thresholds=own), made.run("call"))
    exported = classwright.load(made.folder).predict(TEXTS, threshold=0.5, thresholds=own)
    tables = []
    for name, output in ((made.model, "model.csv"), (str(made.folder), "export.csv")):
        arguments = ["classify", name, str(tmp_path / "in.csv"), "-o", str(tmp_path / output), "--threshold", "0.5"]
        assert main([*arguments, "--threshold", f"refund={at!r}", "--workspace", str(made.workspace.root)]) == 0
        with (tmp_path / output).open(encoding="utf-8", newline="") as file:
            tables.append(list(csv.DictReader(file)))

    assert exported.sure.tolist() == [one.sure for one in called.results]
    assert [row["label"] for row in tables[0]] == exported.labels
    assert exported.labels.count("refund") == 3
    assert [row["sure"] for row in tables[0]] == [str(one.sure).lower() for one in called.results]
    assert [float(row["probability_refund"]) for row in tables[0]] == pytest.approx(made.refund, abs=1e-5)
    assert [list(row.values())[:4] for row in tables[1]] == [list(row.values())[:4] for row in tables[0]]
    with pytest.raises(ValueError, match="is no probability: pass one from 0 to 1"):
        classwright.load(made.folder).predict(TEXTS, thresholds={"refund": 1.5})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("90",), "'90' is no probability"),
        (("nan",), "'nan' is no probability"),
        (("spam=half",), "'spam=half' is no probability"),
        (("=0.9",), "'=0.9' names no label before its ="),
        (("spam=0.9", "spam=0.5"), "'spam=0.5' is the second of 'spam'"),
        (("0.9", "0.5"), "'0.5' is the second of 'all labels'"),
    ],
)
def test_a_threshold_that_says_nothing_clear_is_refused_by_both_programs(given: tuple[str, ...], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        given_thresholds(given)
    with pytest.raises(InvalidInput, match=told):
        thresholds_in(given)


def test_thresholds_of_single_labels_and_of_all_are_told_apart() -> None:
    assert given_thresholds(["a=b=0.9", "0", "spam=1"]) == (0, {"a=b": 0.9, "spam": 1})
    assert given_thresholds([]) == (None, {})


def test_where_each_label_has_a_threshold_no_other_is_said_to_decide(made: Made) -> None:
    own = dict.fromkeys(("refund", "delivery", "account"), 1.0)
    found = classify(ClassifyRequest(model=made.model, texts=TEXTS, threshold=0.5, thresholds=own), made.run("all"))

    assert found.summary.startswith("Classified 4 texts; abstained on 4, below their threshold.")


def test_recall_of_a_label_that_no_row_has_is_not_told() -> None:
    proba = np.array([[0.6, 0.4], [0.9, 0.1]])
    own = {"b": 0.3}
    table = at_thresholds(answers_of([0, 0], proba, ("a", "b")), own)

    assert {one.recall for one in table} == {None}
    assert any(
        told.endswith("), no row has it; without a threshold of its own none.")
        for told in thresholds_in_words(table, own)
    )


def test_an_evaluation_says_what_it_costs_and_what_others_would(made: Made) -> None:
    own = {"refund": 0.9}
    request = EvaluateRequest(model=made.model, dataset=made.dataset, thresholds=own)
    result = evaluate(request, made.run("evaluation"))

    report = made.workspace.document(result.report, "report", EvaluationReport)
    table = {one.threshold: one for one in report.label_thresholds}
    usual = next(one for one in report.classes if one.label == "refund")
    assert table[None].precision == usual.precision
    assert table[None].recall == usual.recall
    assert set(own.values()) < set(table)
    recalls = [found.value for one in sorted(filter(None, table)) if (found := table[one].recall)]
    assert len(recalls) == len(table) - 1
    assert recalls == sorted(recalls, reverse=True)
    assert result.label_thresholds
    assert "'refund' from a probability of 0.9 on: " in result.summary
    assert table[0.9].recall
    assert f"recall {table[0.9].recall.value:.3f}" in result.summary
    assert "Precision: of the rows that get it, the share that is right." in result.summary
    assert "With these `thresholds`: accuracy " in result.summary
    assert "All other figures are without them." in result.summary
    page = (made.workspace.artifact(result.report, "report").path / "report.html").read_text(encoding="utf-8")
    assert "Thresholds of single labels" in page
    with pytest.raises(InvalidInput, match="is of no label of the model"):
        evaluate(request.model_copy(update={"thresholds": {"refunds": 0.5}}), made.run("unknown label"))


def test_an_export_keeps_a_threshold_and_uses_it_by_default(made: Made, tmp_path: Path) -> None:
    at = sorted(made.refund)[1] - 1e-4
    own = {"refund": at}
    request = ExportModelRequest(model=made.model, onnx=False, thresholds=own)
    result = export_model(request, made.run("baked"))
    folder = made.workspace.artifact(result.export, "export").path
    model = classwright.load(folder)
    asked = classwright.load(made.folder).predict(TEXTS, thresholds=own)
    bare = classwright.load(made.folder).predict(TEXTS)

    assert model.label_thresholds == own
    assert classwright.load(made.folder).label_thresholds == {}
    assert model.predict(TEXTS).labels == asked.labels != bare.labels
    assert model.predict(TEXTS).sure.tolist() == asked.sure.tolist()
    assert model.predict(TEXTS, thresholds={}).labels == bare.labels
    (tmp_path / "in.csv").write_text("text\n" + "".join(f"{text}\n" for text in TEXTS), encoding="utf-8")
    program = runpy.run_path(str(folder / "predict.py"))["main"]
    rows = {}
    for name, more in (("baked", []), ("other", ["--threshold", "refund=1"])):
        assert program([str(tmp_path / "in.csv"), "-o", str(tmp_path / f"{name}.csv"), *more]) == 0
        assert main(["classify", str(folder), str(tmp_path / "in.csv"), "-o", str(tmp_path / "ours.csv"), *more]) == 0
        rows[name], ours = (
            list(csv.DictReader((tmp_path / file).open(encoding="utf-8"))) for file in (f"{name}.csv", "ours.csv")
        )
        assert [row["label"] for row in rows[name]] == [row["label"] for row in ours]
    assert [row["label"] for row in rows["baked"]] == asked.labels
    assert "refund" not in [row["label"] for row in rows["other"]]
    card = (folder / "README.md").read_text(encoding="utf-8")
    for told in (result.summary, card):
        assert f"By default predict.py gives 'refund' from {at:.6f} on, and only then." in told.replace("\\", "")
        assert "not how often such answers are right" in told
        assert "It is sure of" not in told
    with pytest.raises(InvalidInput, match="is of no label of the model"):
        export_model(request.model_copy(update={"thresholds": {"refunds": 0.5}}), made.run("unknown"))


def test_of_many_thresholds_each_label_has_its_first_lines() -> None:
    own = {"a": 0.4, "b": 0.6}
    proba = np.array([[0.9, 0.1], [0.4, 0.6]])

    told = by_turns(at_thresholds(answers_of([0, 1], proba, ("a", "b")), own), own)

    first = [(one.label, one.threshold) for one in told[:6]]
    assert first == [("a", 0.4), ("b", 0.6), ("a", None), ("b", None), ("a", 0.5), ("b", 0.5)]
    assert len(told) == 2 * 12
