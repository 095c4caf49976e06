"""Texts of none of a model's labels: never sure, counted, shown apart, found again, and told alike by an export."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

import classwright
from classwright_tools.bulk.classify_files import classify_files
from classwright_tools.bulk.models import open_predictor
from classwright_tools.classify import LEAST_SURE_SHOWN, ClassifyRequest, classify
from classwright_tools.context import DEFAULT_ENCODER, ToolContext
from classwright_tools.domain.cards import ModelCard
from classwright_tools.domain.changes import Change
from classwright_tools.domain.evaluation import EvaluationReport
from classwright_tools.domain.example import Example, make_example
from classwright_tools.domain.selection import RowFilter
from classwright_tools.domain.task import Label, Task
from classwright_tools.errors import InvalidInput
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.export_model import ExportModelRequest, export_model
from classwright_tools.find_examples import FindExamplesRequest, find_examples
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.learning.held_out import HeldOut
from classwright_tools.learning.label_space import LabelSpace
from classwright_tools.learning.methods.registry import METHODS
from classwright_tools.learning.model import load_model, save_model
from classwright_tools.learning.scope import out_of_scope
from classwright_tools.learning.setup import Setup
from classwright_tools.learning.trained import Fit, calibrated
from classwright_tools.measurement.held_out import Answers
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.workspace import Workspace
from support.editing import editor, rows_of
from support.learning import real_rows, save_rows, written_rows

OWN = ("refund my money please", "my parcel seems to be lost on the way now")
FOREIGN = (
    "the mitochondria is the powerhouse of the cell",
    "Mozart wrote his last symphony in 1788",
    "a prime number has exactly two divisors",
    "the volcano last erupted in the Pleistocene",
    "add two eggs and whisk until fluffy",
)
TEXTS = (*OWN, *FOREIGN)


REST = (
    "the river rises in the alps and ends in the sea",
    "a chess game begins with sixteen pieces a side",
    "the poet was born in a small village",
    "photosynthesis turns light into sugar",
    "the treaty was signed after a long war",
)


def _taking_the_rest(row: Example) -> Example:
    return row if row.label != "account" else make_example(row.text, "Other", origin=row.origin)


class Made:
    """A probe of written rows, its scope told by 24 real ones, and its export."""

    def __init__(self, root: Path, *, rest: bool = False) -> None:
        self.workspace = Workspace(root / "workspace")
        labels = tuple(Label(name=name) for name in ("refund", "delivery", "Other" if rest else "account"))
        self.workspace.save_task(Task(slug="support", instruction="Tell them apart.", labels=labels))
        unlabelled = [make_example(f"{text}, {number}", None) for number in range(5) for text in TEXTS]
        rows = [written_rows(), real_rows(4)]
        if rest:
            rows = [[_taking_the_rest(row) for row in split] for split in rows]
            rows[0] += [make_example(f"{text}. {number}", "Other") for number in range(4) for text in REST]
        self.dataset = save_rows(self.workspace, rows[0], rows[1], unlabelled=unlabelled)
        self.context = ToolContext(workspace=self.workspace, run_key="training")
        self.trained = train_classifier(TrainClassifierRequest(task="support", method="probe"), self.context)
        self.model = self.trained.model
        run = replace(self.context, run_key="export")
        export = export_model(ExportModelRequest(model=self.model, onnx=False), run).export
        self.folder = self.workspace.artifact(export, "export").path

    def run(self, key: str) -> ToolContext:
        """Return the context of a call of its own."""
        return replace(self.context, run_key=key)

    @property
    def card(self) -> ModelCard:
        """The model's card."""
        return load_model(self.workspace, self.model).card


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The model, for all tests here."""
    return Made(tmp_path_factory.mktemp("scope"))


def test_real_rows_tell_the_scope_and_the_training_says_how_many_they_call_out_of_it(made: Made) -> None:
    scope = made.card.scope
    assert scope is not None
    assert (scope.data, scope.rows) == ("real", 24)
    assert "Of real texts like the validation rows it calls 4% (95% interval 0% to 14%) out of scope" in " ".join(
        made.trained.notes
    )
    assert "out of scope" in (made.folder / "README.md").read_text(encoding="utf-8")


def test_a_text_of_no_label_is_never_sure_whatever_the_threshold(made: Made) -> None:
    found = classify(ClassifyRequest(model=made.model, texts=TEXTS, threshold=0.0), made.run("texts"))

    assert [one.out_of_scope for one in found.results] == [False] * 2 + [True] * 5
    assert [one.sure for one in found.results] == [True] * 2 + [False] * 5
    assert [one.label is None for one in found.results] == [False] * 2 + [True] * 5
    assert (found.abstained, found.out_of_scope) == (5, 5)
    assert "abstained on 5. 5 texts are out of scope: unlike all that the model learnt" in found.summary
    doubted = classify(ClassifyRequest(model=made.model, texts=TEXTS, threshold=0.999), made.run("doubted"))
    below = sum(one.probability < 0.999 for one in doubted.results)
    assert f"abstained on 7, {below} of them below" in doubted.summary or below == doubted.abstained
    alone = classify(ClassifyRequest(model=made.model, texts=FOREIGN[:1]), made.run("text"))
    assert alone.summary.startswith("1 text is out of scope: unlike all that the model learnt, so maybe of none")


def test_rows_of_no_label_are_counted_shown_first_and_beside_the_least_sure(made: Made) -> None:
    found = classify(ClassifyRequest(model=made.model, dataset=made.dataset), made.run("rows"))

    assert found.report
    path = made.workspace.artifact(found.report, "report").path / "answers.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "unlabelled"]
    foreign = {row["text"] for row in rows if row["out_of_scope"] == "true"}
    assert foreign == {f"{text}, {number}" for number in range(5) for text in FOREIGN}
    assert not any(row["sure"] == "true" for row in rows if row["text"] in foreign)
    assert found.out_of_scope == len(foreign)
    shown = [one.out_of_scope for one in found.results]
    assert shown == [True] * (LEAST_SURE_SHOWN // 2) + [False] * 10
    assert f"{len(foreign)} texts are out of scope" in found.summary
    below = [row for row in rows if float(row["probability"]) < found.threshold]
    assert 0 < len(below) < found.abstained
    assert f"not sure of {found.abstained}, {len(below)} of them below {found.threshold:.2f}." in found.summary
    where = "where={'source': 'support-d1', 'splits': ['unlabelled']}"
    assert f"doubt='out_of_scope', model='{made.model}', {where}, groups=0" in (found.next_step or "")


def test_rows_of_no_label_are_found_again_the_least_like_first(made: Made) -> None:
    where = RowFilter(splits=("unlabelled",))
    request = FindExamplesRequest(task="support", doubt="out_of_scope", model=made.model, where=where, limit=100)
    found = find_examples(request, made.context)

    assert {row.text.rsplit(",", 1)[0] for row in found.rows} == set(FOREIGN)
    assert found.rows[0].note
    cosines = [float((row.note or "").split("mean ")[1].split(",")[0]) for row in found.rows]
    assert cosines == sorted(cosines)
    with pytest.raises(ValidationError, match="pass the `model` too"):
        FindExamplesRequest(task="support", doubt="out_of_scope")


def test_an_export_and_a_file_tell_the_same_as_the_server(made: Made, tmp_path: Path) -> None:
    expected, foreign = load_model(made.workspace, made.model).answers(list(TEXTS))
    labels, probabilities, sure, out_of_scope = classwright.load(made.folder).predict([*TEXTS, TEXTS[-1]])

    np.testing.assert_allclose(probabilities[:-1], expected, atol=1e-5)
    assert out_of_scope.tolist() == [*foreign.tolist(), True]
    assert not sure[out_of_scope].any()
    assert labels[0] == "refund"
    (tmp_path / "in.csv").write_text("text\n" + "\n".join(TEXTS) + "\n", encoding="utf-8")
    told = []
    for name in (str(made.folder), made.model):
        predictor = open_predictor(name, made.workspace.root)
        done = classify_files(predictor, tmp_path / "in.csv", tmp_path / "out.csv", model_name=name, threshold=0.0)
        assert "5 texts are out of scope" in done.summary
        told.append((tmp_path / "out.csv").read_text(encoding="utf-8"))
    assert told[0] == told[1]
    assert [line.split(",")[-5:-3] for line in told[0].splitlines()[1:]] == [["true", "false"]] * 2 + [
        ["false", "true"]
    ] * 5


def test_a_model_of_before_answers_as_it_did(made: Made, tmp_path: Path) -> None:
    model = load_model(made.workspace, made.model)
    older = replace(model.classifier, scope=None)  # type: ignore[type-var]  # an EmbeddingClassifier
    kept = made.workspace.publish(
        "model",
        "support",
        lambda folder: save_model(folder, model.card.model_copy(update={"scope": None, "files": {}}), older),
        run_key="older",
        parent=made.dataset,
    )

    found = classify(ClassifyRequest(model=kept.id, texts=FOREIGN, threshold=0.0), made.run("older texts"))

    assert not (kept.path / "scope.safetensors").exists()
    assert all(one.sure and one.label for one in found.results)
    assert found.out_of_scope == 0
    with pytest.raises(InvalidInput, match="does not tell what is out of its scope"):
        find_examples(FindExamplesRequest(task="support", doubt="out_of_scope", model=kept.id), made.context)


def test_an_evaluation_counts_as_labelled_what_classify_is_sure_of(made: Made) -> None:
    rows = [make_example(text, "refund") for text in TEXTS]
    dataset = save_rows(made.workspace, written_rows(), [*real_rows(4), *rows], run_key="foreign")
    texts = tuple(row.text for row in read_rows(made.workspace, dataset, "validation"))
    sure = [one.sure for one in classify(ClassifyRequest(model=made.model, texts=texts), made.run("all")).results]

    for run in ("first", "answers that are kept"):
        found = evaluate(EvaluateRequest(model=made.model, dataset=dataset), made.run(run))
        report = made.workspace.document(found.report, "report", EvaluationReport)
        assert report.figures.rows == len(texts)
        at = {row.threshold: row for row in report.coverage}
        assert at[0.0].kept == len(texts) - len(FOREIGN)
        assert at[made.card.threshold].kept == sum(sure)


def test_rows_of_no_label_are_removed_or_given_a_label_by_the_conditions_that_find_them(made: Made) -> None:
    edit = editor(made.context)
    foreign = {"doubt": "out_of_scope", "model": made.model, "where": {"splits": ["unlabelled"]}}

    given = edit(
        {"action": "add_label", "label": "chatter"},
        {"action": "relabel", "rows": foreign, "label": "chatter"},
        dataset=made.dataset,
    )
    removed = edit({"action": "remove", "rows": foreign}, dataset=made.dataset)

    chatter = [row for row in rows_of(made.workspace, given.dataset).values() if row.label == "chatter"]
    assert {row.text.rsplit(",", 1)[0] for row in chatter} == set(FOREIGN)
    assert removed.rows == len(chatter)
    with pytest.raises(ValidationError, match="pass the `model` too"):
        Change.model_validate({"action": "remove", "rows": {"doubt": "out_of_scope"}})


@pytest.fixture(scope="module")
def with_the_rest(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The model of a task whose third label takes the rest."""
    return Made(tmp_path_factory.mktemp("rest"), rest=True)


def test_a_label_that_takes_the_rest_is_sure_of_what_is_unlike_all_else(with_the_rest: Made) -> None:
    answer = classify(ClassifyRequest(model=with_the_rest.model, texts=TEXTS), with_the_rest.run("rest"))
    exported = classwright.load(with_the_rest.folder).predict(TEXTS)

    foreign = [one for one in answer.results if one.out_of_scope]
    taken = [one for one in foreign if one.sure]
    assert taken
    assert {one.label for one in taken} == {"Other"}
    unsure = [one for one in foreign if not one.sure and one.likeliest[0][0] == "Other"]
    assert all((one.probability or 0) < answer.threshold for one in unsure)
    assert f"{len(taken)} of them count as sure all the same" in answer.summary
    assert [one.sure for one in answer.results] == exported.sure.tolist()
    assert [one.out_of_scope for one in answer.results] == exported.out_of_scope.tolist()


@pytest.mark.parametrize("name", ["other", "None_of the-above", "MISC"])
def test_a_label_takes_the_rest_by_its_name_and_no_other_does(name: str) -> None:
    space = LabelSpace(("refund", name))
    proba = np.array([[0.99, 0.01], [0.01, 0.99], [0.4, 0.6]])
    foreign = np.ones(3, bool)

    assert space.judge(proba, foreign, 0.9).sure.tolist() == [False, True, False]
    assert space.judge(proba, ~foreign, 0.9).sure.tolist() == [True, True, False]


def test_figures_call_an_answer_sure_where_classify_does_also_of_a_label_that_takes_the_rest(
    tmp_path: Path,
) -> None:
    true = np.arange(600) % 3
    logits = 6.0 * np.eye(3)[true]
    logits[::30] = logits[::30, ::-1]  # which makes some of the outer labels wrong
    likeness = np.linspace(0.1, 0.9, 600)[np.random.default_rng(0).permutation(600)]
    labels = ("refund", "delivery", "other")
    held = HeldOut("real", "rows", true, logits, likeness, None, _setup(labels, tmp_path))

    trained = calibrated(Fit(METHODS["probe"], None, held), (), held, None, validation=True)  # type: ignore[arg-type]  # not asked

    proba, threshold = trained.probabilities(logits), trained.sureness.threshold
    foreign = out_of_scope(likeness, trained.scope, 600)
    judged = LabelSpace(labels).judge(proba, foreign, threshold)
    given = np.array(judged.answers)
    assert (judged.sure & foreign).any()
    assert [count for count, _ in trained.sureness.by_label] == [(given[judged.sure] == name).sum() for name in labels]
    assert trained.sureness.sure == pytest.approx(judged.sure.mean())
    found = Answers("support-d1", tuple(map(_row, range(600))), labels, true, proba, foreign=foreign)
    assert ((found.confidence >= threshold) == judged.sure).all()


def _row(number: int) -> Example:
    return make_example(f"text {number}", "refund")


def _setup(labels: tuple[str, ...], cache: Path) -> Setup:
    encoder = open_encoder(DEFAULT_ENCODER)
    return Setup(encoder, EmbeddingCache(cache), labels, epochs=None, seed=0, progress=lambda *_: None)
