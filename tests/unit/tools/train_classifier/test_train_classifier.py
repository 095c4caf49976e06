"""Training: honest figures, nothing held out in training, bit-identical models on disk."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import Example, Provenance, make_example
from classwright_tools.domain.task import Label, Task
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.errors import NotEnoughData
from classwright_tools.learning import training
from classwright_tools.learning.contrastive import tune
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder, open_encoder, read_encoder
from classwright_tools.learning.head import logistic_regression
from classwright_tools.learning.methods.registry import METHODS
from classwright_tools.learning.model import load_model
from classwright_tools.learning.rows import Rows, training_rows
from classwright_tools.learning.setfit_library import SETFIT_C, fit_setfit
from classwright_tools.learning.setup import Setup
from classwright_tools.measurement.next_training import scarce_remark
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.learning import REAL, prompting_encoder, real_rows, save_rows, written_rows
from support.training import LABELS, TEXTS, classifier_of, trained


def test_the_probe_reports_real_validation_rows_and_writes_a_whole_card(context: ToolContext, task: Task) -> None:
    dataset = save_rows(context.workspace, written_rows(), real_rows(copies=10))
    result = trained(context, method="probe")
    assert (result.dataset, result.method, result.training_rows, result.real_training_rows) == (dataset, "probe", 30, 0)
    assert (result.validation.data, result.validation.rows) == ("real", 60)
    assert result.grouped is not None
    assert (result.grouped.data, result.grouped.rows) == ("written", 30)
    assert result.validation.accuracy.low <= result.validation.accuracy.value <= result.validation.accuracy.high
    assert result.validation.accuracy.value > 0.8
    model = load_model(context.workspace, result.model)
    assert model.labels == LABELS
    assert model.card.training_rows == {"written": 30}
    assert model.threshold == result.threshold
    artifact = context.workspace.artifact(result.model, "model")
    assert artifact.parent == dataset
    assert sorted(path.name for path in artifact.path.iterdir()) == [
        "card.json",
        "head.safetensors",
        "scope.safetensors",
    ]


def test_of_very_many_rows_a_sample_is_held_out_in_turn_beside_real_validation_rows(
    context: ToolContext, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "MOST_CROSSED", 20)
    monkeypatch.setattr(training, "LEAST_CROSSED", 2)
    save_rows(context.workspace, written_rows(), real_rows(copies=10))

    result = trained(context, method="probe")

    assert result.training_rows == 30
    assert result.grouped is not None
    assert 0 < result.grouped.rows <= 21


def test_probabilities_are_calibrated_shares_in_the_order_of_the_labels(context: ToolContext, task: Task) -> None:
    save_rows(context.workspace, written_rows(), real_rows())
    model = load_model(context.workspace, trained(context, method="probe").model)
    probabilities = model.predict_proba(TEXTS)
    assert probabilities.shape == (4, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert [model.labels[place] for place in probabilities[:3].argmax(axis=1)] == ["refund", "delivery", "account"]
    assert model.predict_proba([]).shape == (0, 3)


def test_the_same_seed_trains_the_same_model_and_the_frozen_encoder_stays_frozen(
    context: ToolContext, task: Task
) -> None:
    from classwright_tools.learning.encoders import open_encoder

    save_rows(context.workspace, written_rows())
    frozen = open_encoder(context.encoder)
    before = frozen.embed(TEXTS)
    models = [
        load_model(context.workspace, trained(context, f"run {n}", method="contrastive", epochs=1, seed=5).model)
        for n in range(2)
    ]
    assert (models[0].predict_proba(TEXTS) == models[1].predict_proba(TEXTS)).all()
    assert (frozen.embed(TEXTS) == before).all()
    tuned = models[0].encoder
    assert tuned.ref.digest != frozen.ref.digest
    assert tuned.embed(TEXTS).shape == (4, 384)
    assert not np.allclose(tuned.embed(TEXTS), before, atol=1e-3)


def test_a_cluster_model_keeps_the_frozen_encoder_and_embeds_in_a_space_of_its_own(
    context: ToolContext, task: Task
) -> None:
    save_rows(context.workspace, written_rows(), real_rows())
    result = trained(context, method="cluster")
    folder = context.workspace.artifact(result.model, "model").path
    tensors = ("adapter.safetensors", "head.safetensors", "scope.safetensors")
    assert {path.name for path in folder.iterdir()} == {"card.json", *tensors}
    model = load_model(context.workspace, result.model)
    embeddings = classifier_of(context, result.model).embed(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-6)
    assert not np.allclose(embeddings, model.encoder.embed(TEXTS), atol=1e-2)
    assert [model.labels[place] for place in model.predict_proba(TEXTS[:3]).argmax(axis=1)] == list(LABELS)
    assert result.validation.accuracy.value > 0.8


def test_without_validation_rows_the_figures_come_from_written_rows_held_out_by_group(
    context: ToolContext, task: Task
) -> None:
    save_rows(context.workspace, written_rows())
    result = trained(context, method="probe")
    assert result.grouped is None  # no figure is told twice
    assert (result.validation.data, result.validation.rows) == ("written", 30)
    assert "30 training rows that were held out in 5 turns (folds)" in result.validation.measured_on
    assert f" on {result.validation.measured_on}." in result.summary
    assert "not trained on" not in result.summary  # it was, but for these turns


def test_rows_that_are_longer_than_the_encoder_reads_are_counted(context: ToolContext, task: Task) -> None:
    long = make_example("please " * 2_100 + "send me my money", "refund", origin="written")
    save_rows(context.workspace, [*written_rows(), long], [*real_rows(), make_example("now " * 2_100, "delivery")])
    result = trained(context, method="probe")
    assert "1 of 31 training rows is cut at 2,034 tokens" in " ".join(result.notes)
    assert "1 of 7 validation rows is cut at 2,034 tokens" in " ".join(result.notes)
    remarks = load_model(context.workspace, result.model).card.remarks
    assert len([remark for remark in remarks if "cut at" in remark]) == 2


def test_embeddings_of_a_tuned_encoder_are_kept_by_its_digest(context: ToolContext, task: Task) -> None:
    save_rows(context.workspace, written_rows(), real_rows(copies=10))
    model = trained(context, method="contrastive", epochs=1).model
    first, again = (classifier_of(context, model) for _ in range(2))
    vectors = first.embed(TEXTS)
    assert (again.embed(TEXTS) == vectors).all()
    assert again.cache
    assert (again.cache.computed, again.cache.reused) == (0, len(TEXTS))


def test_labels_that_no_validation_row_has_are_named_with_the_figures(context: ToolContext, task: Task) -> None:
    some = [row for row in real_rows(copies=10) if row.label == "refund"]
    rows = written_rows()
    account = [row for row in rows if row.label == "account"]
    save_rows(context.workspace, [row for row in rows if row not in account[2:]], some)
    result = trained(context, method="probe")
    notes = " ".join(result.notes)
    assert "Labels have other shares in other splits: 'refund' is 45% of train and 100% of validation." in notes
    assert "'account' has 2 training rows: figures hardly show what a model misses for that." in notes
    assert "labels=['account'], rows=24) or import_examples." in notes
    of_two = scarce_remark(task, "support-d1", {"refund": 60, "delivery": 2, "account": 1})
    assert "labels=['account', 'delivery'], rows=48) or import_examples." in of_two
    assert result.validation.not_covered == ("delivery", "account")
    assert result.grouped is not None
    assert result.grouped.not_covered == ()
    assert "No row of 'delivery', 'account' was there: of these labels nothing is known." in result.summary
    assert "no better than guessing" in result.summary


def in_one_cell(rows: list[Example], *labels: str) -> list[Example]:
    """Return the rows with those of `labels` as a calling model sends a small order: in one batch, of no one cell."""
    shared = {label: Provenance(cell=Cell(label=label, topic="all of it"), writer="calling model") for label in labels}
    return [row.model_copy(update={"provenance": shared.get(row.label or "", row.provenance)}) for row in rows]


@pytest.mark.parametrize("labels", [LABELS, ("refund",)])
@pytest.mark.parametrize("others", [0, 1])
def test_labels_that_were_written_in_one_batch_and_perhaps_another_row_train_and_are_measured_and_named(
    context: ToolContext, task: Task, labels: tuple[str, ...], others: int
) -> None:
    save_rows(context.workspace, written_rows(), run_key="in cells")
    usual = trained(context, method="probe")
    real = real_rows()[::2][: 3 * others]
    save_rows(context.workspace, [*in_one_cell(written_rows(), *labels), *real], run_key="in batches")
    result = trained(context, "batches", method="probe")
    assert result.validation.rows == 30 + len(real)
    assert result.validation.accuracy.value > usual.validation.accuracy.value - 0.1
    assert 0.5 < result.temperature / usual.temperature < 2
    named = ", ".join(map(repr, sorted(labels)))
    assert f"Most rows of {named} were written at once and resemble each other" in " ".join(result.notes)
    assert load_model(context.workspace, result.model).card.written_at_once == tuple(sorted(labels))
    assert "written at once" not in " ".join(usual.notes)


def test_rows_that_only_repeat_each_other_are_refused_unless_there_are_real_rows_to_measure_with(
    context: ToolContext, task: Task
) -> None:
    rows = [
        make_example(text + end, label)
        for label, text in (
            ("refund", "please give me the money for the broken lamp back"),
            ("delivery", "where is the parcel that was to be here on monday"),
            ("account", "the link to reset my password never arrives"),
        )
        for end in ("", "!", " ok")
    ]
    save_rows(context.workspace, rows, run_key="alone")
    with pytest.raises(NotEnoughData, match=r"resemble each other within each label.*or real validation rows"):
        trained(context, method="probe")
    save_rows(context.workspace, rows, real_rows(copies=10), run_key="with real rows")
    result = trained(context, "measured", method="probe")
    assert (result.validation.rows, result.grouped) == (60, None)


def test_a_few_real_rows_are_reported_but_do_not_calibrate(context: ToolContext, task: Task) -> None:
    save_rows(context.workspace, written_rows(), real_rows())
    result = trained(context, method="probe")
    assert (result.validation.data, result.validation.rows) == ("real", 6)
    notes = " ".join(result.notes)
    assert "The 6 validation rows only measure: methods are chosen, and probabilities calibrated" in notes
    assert "of real texts from 50 on, and here by training rows held out. 44 more would do." in notes
    without = save_rows(context.workspace, written_rows(), run_key="without")
    assert trained(context, "other", method="probe", dataset=without).temperature == result.temperature


def test_auto_tries_both_methods_on_the_same_rows_and_says_so(context: ToolContext, task: Task) -> None:
    save_rows(context.workspace, written_rows(), real_rows(copies=10))
    result = trained(context, method="auto", epochs=1)
    (other,) = result.tried
    assert {result.method, other.method} == {"probe", "contrastive"}
    assert result.validation.measured_on == other.validation.measured_on == "60 real validation rows"
    lead = result.validation.accuracy.value - other.validation.accuracy.value
    assert lead >= 0
    assert other.comparison.accuracy_gain.value == pytest.approx(lead)
    assert other.may_be_chance is not other.comparison.significant
    verdict = "it may be chance" if other.may_be_chance else "more than chance"
    said = (
        f"{other.method} was tried too. On 60 real validation rows {result.method} is {lead:+.3f} in accuracy against"
    )
    assert said in " ".join(result.notes)
    assert verdict in " ".join(result.notes)
    assert len(re.findall(r"\.(?: |$)", result.summary)) <= 3  # what a person needs first
    assert result.summary.startswith(f"Trained {result.model} by {result.method} on 30 rows")


def test_auto_without_real_rows_compares_on_one_grouped_hold_out_and_tunes_once(
    context: ToolContext, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    tunings: list[int] = []

    def counted(model: SentenceTransformer, rows: Rows, setup: Setup) -> None:
        tunings.append(len(rows))
        tune(model, rows, setup)

    monkeypatch.setattr("classwright_tools.learning.contrastive.tune", counted)
    first_of_equals = {name: METHODS[name] for name in ("contrastive", "probe")}
    monkeypatch.setattr("classwright_tools.learning.methods.registry.METHODS", first_of_equals)
    save_rows(context.workspace, written_rows())
    result = trained(context, method="auto")
    (other,) = result.tried
    assert other.validation.rows < 30
    assert (result.method, len(tunings)) == ("contrastive", 1)
    assert result.validation.rows == 30 - tunings[0]
    assert "that were held out once" in result.validation.measured_on
    texts = [row.text for row in written_rows()]
    model = load_model(context.workspace, result.model)
    assert (model.predict_proba(texts).argmax(axis=1) == np.repeat(range(3), 10)).all()


def test_setfit_trains_through_its_own_library(
    context: ToolContext, task: Task, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classwright_tools.learning.setfit_library.PAIRS_A_TEXT", 1)
    save_rows(context.workspace, written_rows(), real_rows(copies=10))
    steps: list[str] = []
    told = dataclasses.replace(context, report=lambda _, message: steps.append(message))
    result = trained(told, method="setfit")
    assert result.method == "setfit"
    assert result.validation.accuracy.value > 0.8
    assert any("pairs" in step for step in steps)
    assert capfd.readouterr().out == ""  # the standard output belongs to the protocol


def test_copies_of_validation_and_test_rows_are_left_out_and_counted(context: ToolContext, task: Task) -> None:
    copies = [make_example(REAL["refund"][1].upper(), "refund"), make_example(REAL["delivery"][0] + "!", "delivery")]
    validation, test = real_rows()[:3], real_rows()[1:]
    save_rows(context.workspace, [*written_rows(), *copies], validation, test)
    result = trained(context, method="probe")
    assert result.training_rows == 30
    assert "2 training rows were left out" in " ".join(result.notes)


def test_unchanged_texts_are_not_embedded_twice_in_a_second_round(context: ToolContext, task: Task) -> None:
    first = written_rows()
    save_rows(context.workspace, first, real_rows(), run_key="round 0")
    assert trained(context, "round 0", method="probe").texts_embedded == 36
    more = [make_example("the scarf came torn, refund please", "refund", origin="written")]
    save_rows(context.workspace, [*first, *more], real_rows(), run_key="round 1")
    second = trained(context, "round 1", method="probe")
    assert second.texts_embedded == 1
    assert second.texts_reused == 36


def test_numbers_as_labels_are_not_taken_for_one_another(context: ToolContext, workspace: Workspace) -> None:
    names = {"refund": "1", "delivery": "10", "account": "0"}
    workspace.save_task(
        Task(slug="digits", instruction="Tell them apart.", labels=tuple(Label(name=n) for n in ("10", "0", "1")))
    )
    rows = [make_example(row.text, names[str(row.label)], origin="written") for row in written_rows()]
    save_dataset(workspace, "digits", {"train": rows}, parent=None, run_key="digits", made_by="import_examples")
    result = train_classifier(TrainClassifierRequest(task="digits", method="probe"), context)
    model = load_model(workspace, result.model)
    texts = ["refund my money", "where is my parcel", "i cannot log in"]
    assert [model.labels[place] for place in model.predict_proba(texts).argmax(axis=1)] == ["1", "10", "0"]


def test_an_encoder_is_tuned_with_what_it_puts_before_every_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = read_encoder(prompting_encoder(tmp_path / "encoder"), "prompting")
    cache = EmbeddingCache(tmp_path / "cache")
    setup = Setup(encoder=encoder, cache=cache, labels=LABELS, epochs=1, seed=0, progress=lambda *_: None)
    preprocess, prompts = encoder.model.preprocess, set()

    def seen(texts: list[str], prompt: str | None = None, **more: object) -> dict[str, object]:
        prompts.add(prompt)
        return preprocess(texts, prompt=prompt, **more)

    monkeypatch.setattr(encoder.model, "preprocess", seen)
    tune(encoder.model, training_rows(written_rows(), LABELS), setup)

    assert prompts == {"it's of which kind | text: "}


def test_the_head_that_setfit_fits_is_for_unit_length_whatever_the_encoder_gives(
    context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classwright_tools.learning.setfit_library.PAIRS_A_TEXT", 1)
    whole = open_encoder(context.encoder)
    bare = Encoder(ref=whole.ref, model=SentenceTransformer(modules=[whole.model[0], whole.model[1]], device="cpu"))
    setup = Setup(
        encoder=bare,
        cache=EmbeddingCache(context.workspace.embeddings),
        labels=LABELS,
        epochs=1,
        seed=0,
        progress=lambda *_: None,
    )
    rows = training_rows(written_rows(), LABELS)
    fitted = fit_setfit(rows, setup)
    lengths = np.linalg.norm(fitted.encoder.model.encode(list(rows.texts), convert_to_numpy=True), axis=1)
    assert lengths.min() > 2
    expected = logistic_regression(SETFIT_C, balanced=False).fit(fitted.encoder.embed(rows.texts), rows.labels)
    np.testing.assert_allclose(fitted.head.weights, expected.coef_, atol=0.01)


def test_rows_of_several_origins_are_not_said_to_be_all_of_the_least_real() -> None:
    assert training_rows(written_rows(), LABELS).in_words("training") == "30 training rows"
    mixed = training_rows([*real_rows(), *written_rows()], LABELS)
    assert (mixed.origin, mixed.in_words("training")) == ("written", "36 training rows (some of them written)")
