"""A student in an export answers as its model does, without the encoder; a cascade asks the encoder when unsure."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import classwright
from classwright_tools.bulk.models import identity_of, open_predictor
from classwright_tools.context import ToolContext
from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Label, Task
from classwright_tools.errors import InvalidInput, NotEnoughData
from classwright_tools.export.student import HEARD, MOST_LOST, beside_encoder, cascade_threshold
from classwright_tools.export_model import TOOL, ExportModelRequest, export_model
from classwright_tools.learning import student
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.workspace import Workspace
from support.learning import real_rows, save_rows, written_rows

TEXTS = [row.text for row in real_rows(3)]
UNLABELLED = [
    make_example(f"{row.text}, {n} {word}", None)
    for n, word in enumerate(["thanks", "please"] * 4)
    for row in written_rows()
]


class Made:
    """A model with texts enough to teach a student, and its export with one."""

    def __init__(self, root: Path, encoder: str, texts: int) -> None:
        self.workspace = Workspace(root / "workspace")
        labels = tuple(Label(name=name) for name in ("refund", "delivery", "account"))
        self.workspace.save_task(Task(slug="support", instruction="Tell them apart.", labels=labels))
        save_rows(self.workspace, written_rows(), real_rows(10), unlabelled=UNLABELLED[:texts])
        self.context = ToolContext(workspace=self.workspace, run_key="training", encoder=encoder)
        self.model = train_classifier(TrainClassifierRequest(task="support", method="probe"), self.context).model

    def export(self, *, onnx: bool = True) -> Path:
        context = replace(self.context, run_key=f"export, onnx {onnx}")
        made = export_model(ExportModelRequest(model=self.model, onnx=onnx, student=True), context).export
        return self.workspace.artifact(made, "export").path


def test_an_engine_is_compared_with_the_encoder_on_the_rows_that_just_one_has_right() -> None:
    encoder = np.arange(100) < 70
    little, much = (np.where(np.arange(100) < lost, False, encoder) for lost in (4, 12))

    assert beside_encoder("student", little, encoder) == (
        "The student alone is right in 0 rows and alone wrong in 4: these 100 rows are too few to tell which is better "
        "(exact McNemar test, p = 0.12)"
    )
    assert "alone wrong in 12: worse by more than chance (exact McNemar test, p = 0.00049)" in beside_encoder(
        "cascade", much, encoder
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, shallow: str) -> Made:
    return Made(tmp_path_factory.mktemp("students"), shallow, 240)


@pytest.fixture(scope="module")
def folder(made: Made) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(student, "MOST_TOKENS", 200)  # the whole vocabulary takes half a minute
        return made.export()


def copied(folder: Path, to: Path, *, cut: float) -> Path:
    """A copy of the program's files, with another cut."""
    to.mkdir()
    for name in ("tokenizer.json", "student.onnx", "model.onnx", "model.int8.onnx"):
        shutil.copy(folder / name, to) if (folder / name).exists() else None
    facts = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    facts["student"]["cut"] = cut
    (to / "labels.json").write_text(json.dumps(facts), encoding="utf-8")
    return to


def test_the_student_answers_as_the_encoder_does_and_needs_none_of_its_files(folder: Path, tmp_path: Path) -> None:
    expected = classwright.load(folder).predict(TEXTS).labels
    alone = copied(folder, tmp_path / "alone", cut=0.5)
    for graph in alone.glob("model*"):
        graph.unlink()
    found = classwright.load(alone, engine="student").predict(TEXTS)
    assert found.labels == expected
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-5)


def test_the_cascade_asks_the_encoder_about_all_texts_below_the_cut_and_no_others(folder: Path, tmp_path: Path) -> None:
    by = {engine: classwright.load(folder, engine=engine).predict_proba(TEXTS) for engine in ("encoder", "student")}
    surest = float(np.median(by["student"].max(axis=1)))
    cascade = classwright.load(copied(folder, tmp_path / "half", cut=surest), engine="cascade")
    unsure = by["student"].max(axis=1) < surest
    assert 0 < unsure.sum() < len(TEXTS)
    np.testing.assert_allclose(
        cascade.predict_proba(TEXTS), np.where(unsure[:, None], by["encoder"], by["student"]), atol=2e-2
    )


def test_a_text_of_several_windows_is_the_sum_of_all_its_tokens(folder: Path) -> None:
    refund, delivery = "i want my money back " * 60, "where is my parcel " * 70
    found = classwright.load(folder, engine="student").predict_proba([refund + delivery, delivery + refund, refund])
    np.testing.assert_allclose(found[0], found[1], atol=2e-2)
    assert np.abs(found[0] - found[2]).max() > 0.1


def test_the_card_says_how_good_both_are_and_the_id_of_the_export_opens_them(made: Made, folder: Path) -> None:
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "taught the model's answers to 216 texts; the share of 54 texts that it was not taught and answers" in card
    assert "1.000 (1.000 to 1.000)" not in card, "of 54 texts that are alike none is certain of the next"
    assert open_predictor(str(folder), made.workspace.root, "cascade").labels == ("refund", "delivery", "account")
    with pytest.raises(InvalidInput, match="has no engine 'student': exports have"):
        open_predictor(made.model, made.workspace.root, "student")


def test_another_engine_and_another_graph_are_another_model_to_a_run_that_goes_on(folder: Path, tmp_path: Path) -> None:
    place = copied(folder, tmp_path / "model", cut=0.5)
    own = [identity_of(open_predictor(str(place), tmp_path, engine)) for engine in ("encoder", "cascade", "encoder")]
    shutil.copy(place / "model.onnx", place / "student.onnx")
    other = identity_of(open_predictor(str(place), tmp_path))

    assert own[0] == own[2]
    assert len({*own, other}) == 3


def test_too_few_texts_and_an_export_without_a_graph_are_refused_with_the_repair(
    made: Made, tmp_path: Path, shallow: str
) -> None:
    with pytest.raises(NotEnoughData, match=r"has 30 texts.*Import texts without labels"):
        Made(tmp_path, shallow, 0).export()
    with pytest.raises(InvalidInput, match=r"onnx is false.*onnx=true"):
        made.export(onnx=False)
    pairs = Task(slug="pairs", instruction="Match.", labels=(Label(name="a"), Label(name="b")), kind="pair")
    assert TOOL.check
    with pytest.raises(InvalidInput, match="pairs have none"):  # before there is a job
        TOOL.check(ExportModelRequest(model="pairs-m1", student=True), pairs)


@example(seed=45067, n=7, k=2, sharpness=48.0)  # two probabilities are neighbouring numbers
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(2, 4), st.floats(0.5, 60))
def test_above_the_cut_a_student_costs_no_more_than_it_may_and_below_it_would(
    seed: int, n: int, k: int, sharpness: float
) -> None:
    draw = np.random.default_rng(seed)
    model, own = (np.exp(sharpness * draw.random((n, k))) for _ in range(2))
    model, own = model / model.sum(axis=1, keepdims=True), own / own.sum(axis=1, keepdims=True)
    pooled = (model + 1e-9) ** (1 - HEARD) * (own + 1e-9) ** HEARD
    pooled /= pooled.sum(axis=1, keepdims=True)
    lost = pooled[np.arange(n), model.argmax(axis=1)] - pooled[np.arange(n), own.argmax(axis=1)]
    cut = cascade_threshold(own, model)
    sure = own.max(axis=1)
    assert lost[sure >= cut].sum() / n <= MOST_LOST + 1e-9
    if (sure < cut).any():
        assert lost[sure >= sure[sure < cut].max()].sum() / n > MOST_LOST - 1e-9
