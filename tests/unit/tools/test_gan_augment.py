"""The verb gan_augment and the trainings that follow: honest gains, clear refusals, kept pre-trainings."""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path

import numpy as np
import pytest

from classwright_tools.augmentation.files import load_augmentation
from classwright_tools.augmentation.findings import advice_on, examine
from classwright_tools.augmentation.gain import measure_gains
from classwright_tools.augmentation.gan_form import GanForm
from classwright_tools.augmentation.methods import GENERATION_METHODS, Material, Recipe, generate
from classwright_tools.augmentation.pair_sphere import as_features, on_sphere
from classwright_tools.context import ToolContext
from classwright_tools.domain.advice import Advice
from classwright_tools.domain.augmentation import MeasuredGain
from classwright_tools.domain.example import make_example
from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.task import Label, Task
from classwright_tools.errors import ClasswrightError, DamagedArtifact, InvalidInput, NotEnoughData, NotFound
from classwright_tools.gan_augment import GanAugmentRequest, GanAugmentResult, gan_augment
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.learning.model import load_model
from classwright_tools.learning.pair_encoder import encoder_for
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.datasets import save_dataset
from support.augmentation import BANKING, CORPUS_ROWS, clouds, save_banking, save_corpus
from support.pair import KINDS, pair_rows, pair_task, save_pairs

LABELS = ("card_arrival", "request_refund", "pending_transfer")


@pytest.fixture(autouse=True)
def _short_trainings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train the GAN for a few steps: what these tests look at does not depend on how good it becomes."""
    short = functools.partial(GanForm, pretraining_steps=20, tuning_steps=5, stopping_rows=10_000)
    monkeypatch.setattr("classwright_tools.augmentation.corpora.GanForm", short)
    monkeypatch.setattr("classwright_tools.augmentation.gan_form.GanForm", short)


def augmented(context: ToolContext, run_key: str = "augment", **arguments: object) -> GanAugmentResult:
    """Generate rows for the task `bank`, with one repetition of the cross-validation."""
    request = GanAugmentRequest(**{"task": "bank", "seeds": 1, **arguments})  # type: ignore[arg-type]
    return gan_augment(request, dataclasses.replace(context, run_key=run_key))


def material(rows: int, seed: int = 0) -> Material:
    embeddings, labels = clouds(rows, seed)
    return Material(embeddings, labels.argmax(axis=1), np.arange(2 * rows), ("no", "yes"))


@pytest.mark.parametrize("method", GENERATION_METHODS)
def test_every_method_brings_each_label_to_its_target_with_rows_that_mean_it(method: str) -> None:
    scarce = material(20)
    recipe = Recipe(method, target=50, weight=1.0, seed=0)  # type: ignore[arg-type]
    made = generate(recipe, scarce.take(np.arange(30)))  # 20 rows of one label, 10 of the other
    assert np.bincount(made.labels).tolist() == [30, 40]
    np.testing.assert_allclose(np.linalg.norm(made.embeddings, axis=1), 1, atol=1e-4)
    assert set(made.weights.tolist()) == {1.0}
    centres = [scarce.embeddings[scarce.labels == label].mean(axis=0) for label in (0, 1)]
    nearer = (made.embeddings @ np.array(centres).T).argmax(axis=1)
    assert (nearer == made.labels).mean() > 0.8
    assert (generate(recipe, scarce.take(np.arange(30))).embeddings == made.embeddings).all()


@pytest.mark.parametrize("method", GENERATION_METHODS)
@pytest.mark.parametrize("target", [50, None])
def test_a_label_of_which_a_fold_has_no_rows_or_one_gets_none_there(method: str, target: int | None) -> None:
    recipe = Recipe(method, target=target, weight=1.0, seed=0)  # type: ignore[arg-type]
    embeddings, _ = clouds(20, 0)
    whole = Material(embeddings, np.repeat([0, 1, 2], [20, 19, 1]), np.arange(40), ("no", "yes", "rare"))
    for rows in (39, 40):
        assert set(generate(recipe, whole.take(np.arange(rows))).labels.tolist()) == {0, 1}


def test_with_a_weight_all_generated_rows_weigh_what_was_asked_for() -> None:
    made = generate(Recipe("mixup", target=None, weight=3.0, seed=0), material(20))
    assert made.weights.sum() == pytest.approx(3 * 40, rel=1e-4)


def test_a_gain_is_measured_on_rows_that_took_no_part_in_generating(monkeypatch: pytest.MonkeyPatch) -> None:
    from classwright_tools.augmentation import gain

    scarce = material(20)
    sizes = []

    def noting(recipe: Recipe, rows: Material) -> object:
        sizes.append({row.tobytes() for row in rows.embeddings})
        return generate(recipe, rows)

    monkeypatch.setattr(gain, "generate", noting)
    measured = measure_gains([Recipe("mixup", None, 1.0, 0)], scarce, 2, progress=lambda *_: None)
    assert len(sizes) == 2 * gain.FOLDS
    assert {len(part) for part in sizes} == {30}
    assert measured[0].gain.low <= measured[0].gain.value <= measured[0].gain.high


def test_rows_are_generated_and_trained_on_and_only_real_rows_are_held_out(context: ToolContext) -> None:
    dataset = save_banking(context.workspace, LABELS, 8)
    result = augmented(context, method="gan", target=20)
    assert (result.augmentation, result.method, result.real_rows, result.generated_rows) == ("bank-g1", "gan", 24, 36)
    assert result.faithfulness is not None
    assert result.faithfulness.copies == 0
    assert result.advice.startswith(("Use it, because", "Do not use it, because", "It cannot be told from 24 rows"))
    assert ("to use it" in result.next_step) != result.advice.startswith("Do not use it")
    found = load_augmentation(context.workspace, "bank-g1")
    assert found.card.generated_rows == dict.fromkeys(LABELS, 12)
    folder = context.workspace.artifact("bank-g1", "augmentation").path
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", "map.svg", "rows.safetensors"]
    assert (folder / "map.svg").read_text(encoding="utf-8").startswith("<svg ")

    trained = train_classifier(
        TrainClassifierRequest(task="bank", method="probe", augmentation="bank-g1"),
        dataclasses.replace(context, run_key="train"),
    )
    assert (trained.training_rows, trained.validation.rows, trained.dataset) == (24, 24, dataset)
    assert load_model(context.workspace, trained.model).card.augmentation == "bank-g1"
    assert "bank-g1" in trained.summary


def test_a_run_that_is_repeated_after_an_import_tells_of_the_rows_that_it_made(context: ToolContext) -> None:
    dataset = save_banking(context.workspace, LABELS, 8)
    augmented(context, method="mixup", target=10)
    save_banking(context.workspace, LABELS, 9)

    result = augmented(context, method="mixup", target=10)

    assert (result.augmentation, result.dataset, result.real_rows) == ("bank-g1", dataset, 24)


def test_a_training_on_a_part_of_the_rows_never_sees_rows_made_from_the_others(
    context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    from classwright_tools.augmentation import row_source

    save_banking(context.workspace, LABELS, 8)
    augmented(context, method="mixup")
    sizes = []

    def noting(recipe: Recipe, rows: Material) -> object:
        sizes.append(len(rows))
        return generate(recipe, rows)

    monkeypatch.setattr(row_source, "generate", noting)
    train_classifier(TrainClassifierRequest(task="bank", method="probe", augmentation="bank-g1"), context)
    assert sizes
    assert max(sizes) < 24


def test_a_corpus_is_learned_from_once_without_copies_of_the_tasks_rows(context: ToolContext) -> None:
    workspace = context.workspace
    save_banking(workspace, LABELS, 6)
    corpus = save_corpus(workspace)
    told: list[tuple[float | None, str]] = []
    heard = dataclasses.replace(context, report=lambda share, message: told.append((share, message)))
    first = augmented(heard, "one", method="gan", pretrain_dataset=corpus)
    shares = [share for share, _ in told if share is not None]
    assert shares == sorted(shares)
    assert first.corpus is not None
    assert any(f"embedding {first.corpus.rows} texts of {corpus}, once: minutes on a CPU" in said for _, said in told)
    told.clear()
    again = augmented(heard, "two", method="gan", pretrain_dataset=corpus, seed=1)
    assert not any("once" in message for _, message in told)
    assert again.corpus is not None
    assert first.corpus.matched == LABELS
    assert (first.corpus.reused, again.corpus.reused) == (False, True)
    assert first.corpus.rows <= CORPUS_ROWS
    assert len(list((workspace.root / "cache").glob("pretrained-*.safetensors"))) == 1
    assert load_augmentation(workspace, "bank-g1").pretrained is not None


def test_it_is_said_when_the_corpus_shares_no_label(context: ToolContext) -> None:
    workspace = context.workspace
    workspace.save_task(Task(slug="bank", instruction="another view", labels=(Label(name="early"), Label(name="late"))))
    rows = [make_example(f"{row['text']}", "early") for row in map(json.loads, _lines()[:8])]
    rows += [make_example(f"{row['text']}", "late") for row in map(json.loads, _lines()[40:48])]
    save_dataset(workspace, "bank", {"train": rows}, parent=None, run_key="r", made_by="import_examples")
    result = augmented(context, method="distribution_calibration", pretrain_dataset=save_corpus(workspace))
    assert result.corpus is not None
    assert result.corpus.matched == ()
    assert "has no label of the task's" in result.summary


def test_auto_keeps_nothing_where_labels_say_nothing_and_says_so(context: ToolContext) -> None:
    workspace = context.workspace
    workspace.save_task(Task(slug="bank", instruction="a coin was thrown", labels=(Label(name="a"), Label(name="b"))))
    texts = [row["text"] for row in map(json.loads, _lines())][::5]
    rows = [make_example(text, "ab"[place % 2]) for place, text in enumerate(texts)]
    save_dataset(workspace, "bank", {"train": rows}, parent=None, run_key="r", made_by="import_examples")
    result = augmented(context, method="auto")
    assert {one.method for one in result.measured} == set(GENERATION_METHODS)
    assert (result.augmentation, result.method, result.generated_rows) == (None, None, 0)
    assert "improbable: held-out rows gain" in result.advice
    assert {one.advice.verdict for one in result.measured} == {"do not use it"}
    assert workspace.latest("augmentation", "bank") is None
    assert len(result.model_dump_json()) < 6_000


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        ({"target": 20, "weight": 1.0}, InvalidInput, "two ways of saying how many rows"),
        ({"dataset": "bank-d9"}, NotFound, "bank-d1"),
        ({"pretrain_dataset": "other-d1"}, NotFound, "does not exist"),
        ({"method": "smote", "target": 10_000_000}, ValueError, "less than or equal to 20000"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_repair(
    context: ToolContext, arguments: dict[str, object], error: type[Exception], told: str
) -> None:
    save_banking(context.workspace, LABELS, 10)
    with pytest.raises(error, match=told):
        augmented(context, **arguments)


def test_rows_of_a_label_that_was_renamed_are_refused_with_the_repair(context: ToolContext) -> None:
    dataset = save_banking(context.workspace, LABELS, 10)
    task = context.workspace.task("bank")
    renamed = (Label(name="new"), *task.labels[1:])
    context.workspace.save_task(task.model_copy(update={"labels": renamed}))
    with pytest.raises(
        InvalidInput, match=f"'{dataset}': has labels that the task no longer has: '{task.labels[0].name}'"
    ):
        augmented(context, dataset=dataset)


def measured(verdict: str, rows_to_tell: int | None = None) -> MeasuredGain:
    """A gain of three points on 50 rows, with this verdict."""
    return MeasuredGain(
        method="gan",
        gain=Estimate(value=0.03, low=-0.01, high=0.07),
        expected=0.02,
        advice=Advice(verdict=verdict, rows=50, rows_to_tell=rows_to_tell),  # type: ignore[arg-type]
        **dict.fromkeys(("accuracy", "without", "train_on_generated", "test_on_generated"), 0.5),
        penalty=1.0,
        penalty_without=1.0,
    )


def test_the_advice_is_one_sentence_with_one_of_three_answers() -> None:
    gain = "held-out rows gain +3.0 points of accuracy (-1.0 to +7.0), and +2.0 is expected"
    least = "a gain of 1 point or more, the least that is worth it, is improbable"
    assert advice_on(measured("do not use it")) == f"Do not use it, because {least}: {gain}."
    assert advice_on(measured("cannot be told", 240)) == (
        f"It cannot be told from 50 rows whether to use it: {gain}; about 240 would tell."
    )
    alike = measured("cannot be told").model_copy(update={"balanced_accuracy": 0.58, "balanced_without": 0.5})
    assert f"{gain}, and +8.0 where labels count alike" in advice_on(alike)
    rare = measured("use it").model_copy(update={"judged_by": "balanced accuracy", "accuracy": 0.48})
    assert "gain +3.0 points of balanced accuracy (-1.0 to +7.0), and +2.0 is expected, and -2.0 of accuracy" in (
        advice_on(rare)
    )
    used = advice_on(measured("use it"), ("Mode collapse: they are alike.",), transfers=True)
    assert used.startswith(f"Use it, because {gain}; by itself that may be chance, but such rows gained on other sets")
    assert used.endswith("so train on it directly if you may; mode collapse: they are alike.")


def test_a_collapse_of_a_rare_label_is_told_and_no_collapse_is_not() -> None:
    uneven = material(38).take(np.arange(43))  # 38 rows of one label, 5 of the other
    made = generate(Recipe("smote", target=100, weight=1.0, seed=0), uneven)
    collapsed = dataclasses.replace(made, embeddings=uneven.embeddings[np.arange(len(made)) % 38])

    assert not any("Label collapse" in warning for warning in examine(uneven, made, 0).warnings)
    assert any("hardly mean 'yes'" in warning for warning in examine(uneven, collapsed, 0).warnings)


def test_one_fold_tells_no_gain_however_often_it_is_repeated() -> None:
    embeddings, labels = clouds(12, 3)
    rows = np.arange(17)  # of the second label five rows in two groups: one fold alone leaves two rows of it
    alike = Material(embeddings[rows], labels.argmax(axis=1)[rows], np.repeat([0, 1, 2], [12, 4, 1]), ("no", "yes"))

    (found,) = measure_gains([Recipe("smote", None, 1.0, 0)], alike, 3, progress=lambda *_: None)

    assert (found.gain.low, found.gain.high) == (-1, 1)
    assert found.advice.verdict == "do not use it"  # SMOTE gained nothing elsewhere


def test_folds_that_all_gain_alike_tell_no_interval() -> None:
    apart = np.eye(2, 8, dtype=np.float32)[np.repeat([0, 1], 20)]
    easy = Material(apart, np.repeat([0, 1], 20), np.arange(40), ("no", "yes"))

    (found,) = measure_gains([Recipe("mixup", None, 1.0, 0)], easy, 2, progress=lambda *_: None)

    assert found.without == 1
    assert (found.gain.low, found.gain.high) == (-1, 1)
    assert found.gain.value == pytest.approx(0, abs=0.02)


def test_real_validation_rows_are_evidence_beside_the_folds() -> None:
    few, checked = material(6), material(100, seed=1)

    (alone,) = measure_gains([Recipe("mixup", None, 1.0, 0)], few, 1, progress=lambda *_: None)
    (beside,) = measure_gains([Recipe("mixup", None, 1.0, 0)], few, 1, checked=checked, progress=lambda *_: None)

    assert (alone.advice.rows, beside.advice.rows) == (12, 212)
    assert beside.gain.high - beside.gain.low < (alone.gain.high - alone.gain.low) / 2


def test_where_a_label_is_rare_labels_count_alike_in_the_gain() -> None:
    rare = material(60).take(np.r_[np.arange(60), 60 + np.arange(8)])

    (found,) = measure_gains([Recipe("smote", 60, None, 0)], rare, 2, progress=lambda *_: None)
    (even,) = measure_gains([Recipe("smote", 60, None, 0)], material(20), 2, progress=lambda *_: None)

    assert (found.judged_by, even.judged_by) == ("balanced accuracy", "accuracy")
    assert found.balanced_accuracy is not None
    assert found.balanced_without is not None
    assert found.gain.value * (found.balanced_accuracy - found.balanced_without) >= 0


def test_no_fold_is_measured_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    from classwright_tools.augmentation import gain

    few = Material(*(clouds(6, 0)[0], np.repeat([0, 1], 6), np.arange(12) // 3, ("no", "yes")))
    measured_on = []

    def noting(recipe: Recipe, rows: Material) -> object:
        measured_on.append(rows.embeddings.tobytes())
        return generate(recipe, rows)

    monkeypatch.setattr(gain, "generate", noting)
    measure_gains([Recipe("mixup", None, 1.0, 0)], few, 10, progress=lambda *_: None)

    assert len(measured_on) == len(set(measured_on)) > 1


def test_pairs_lie_on_a_sphere_and_come_back_as_the_features_that_they_were(context: ToolContext) -> None:
    pairs = [row.content for row in pair_rows()]
    features = encoder_for("pair", open_encoder(context.encoder)).embed(pairs)
    placed = on_sphere("pair", features)
    np.testing.assert_allclose(np.linalg.norm(placed, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(as_features("pair", placed), features, atol=1e-4)
    np.testing.assert_array_equal(as_features("text", on_sphere("text", features)), features)


@pytest.mark.parametrize("method", ["gan", "distribution_calibration"])
def test_pairs_are_generated_that_fit_or_do_not_and_a_training_sees_their_features(
    method: str, context: ToolContext
) -> None:
    workspace, kinds = context.workspace, tuple(KINDS)
    pair_task(workspace)
    dataset = save_pairs(workspace, {"train": pair_rows(kinds[:6])})
    result = augmented(context, task="shop", method=method)
    assert (result.real_rows, result.faithfulness is not None) == (48, True)
    made = load_augmentation(workspace, "shop-g1").rows
    cosines = _cosines(as_features("pair", made.embeddings))
    real = _cosines(encoder_for("pair", open_encoder(context.encoder)).embed([row.content for row in pair_rows()]))
    fits = np.tile([True, False], len(real) // 2)
    assert cosines[made.labels == 0].mean() == pytest.approx(real[fits].mean(), abs=0.1)
    assert cosines[made.labels == 1].mean() == pytest.approx(real[~fits].mean(), abs=0.1)

    request = TrainClassifierRequest(task="shop", dataset=dataset, method="probe", augmentation="shop-g1")
    model = load_model(workspace, train_classifier(request, dataclasses.replace(context, run_key="train")).model)
    held_out = pair_rows(kinds[6:])
    answers = model.predict_proba([row.content for row in held_out]).argmax(axis=1)
    assert np.mean([model.labels[answer] == row.label for answer, row in zip(answers, held_out, strict=True)]) > 0.8


def _cosines(features: np.ndarray) -> np.ndarray:
    """Return how alike the texts of each pair are, by the part of its features (n, 1536) that holds their product."""
    products: np.ndarray = features[:, 3 * 384 :].sum(axis=1) / 16
    return products


def test_a_corpus_of_the_other_kind_is_refused(context: ToolContext) -> None:
    workspace = context.workspace
    save_banking(workspace, LABELS, 6)
    pair_task(workspace)
    pairs = save_pairs(workspace, {"train": pair_rows()})
    with pytest.raises(InvalidInput, match="holds pairs, and the task is about single texts"):
        augmented(context, "one", pretrain_dataset=pairs)
    with pytest.raises(InvalidInput, match="holds single texts, and the task is about pairs"):
        augmented(context, "two", task="shop", pretrain_dataset=save_corpus(workspace))


def test_fewer_than_five_rows_of_a_label_are_refused_by_name(context: ToolContext) -> None:
    save_banking(context.workspace, LABELS, 4)
    with pytest.raises(NotEnoughData, match=r"'card_arrival' \(4\).*synthesize_examples"):
        augmented(context)


def test_labels_whose_rows_are_too_alike_to_measure_a_gain_are_named() -> None:
    labels = np.repeat(np.arange(6), 6)
    groups = np.arange(36)
    groups[labels > 0] = np.tile([0, 0, 0, 0, 0, 1], 5) + 100 * labels[labels > 0]
    alike = Material(np.eye(36, dtype=np.float32), labels, groups, tuple("abcdef"))
    said = r"5 of 6 labels.*no part can be held out and leave two rows.*: 'b', 'c', 'd', 'e', 'f'.*these labels"
    with pytest.raises(NotEnoughData, match=said):
        measure_gains([Recipe("smote", target=20, weight=1.0, seed=0)], alike, 2, progress=lambda *_: None)


def test_a_target_that_every_label_has_is_refused(context: ToolContext) -> None:
    save_banking(context.workspace, LABELS, 10)
    with pytest.raises(InvalidInput, match="every label has that many rows"):
        augmented(context, target=10)


def test_a_training_refuses_an_augmentation_that_does_not_fit(context: ToolContext) -> None:
    workspace = context.workspace
    dataset = save_banking(workspace, LABELS, 6)
    augmented(context, method="mixup")
    other = save_dataset(workspace, "bank", {}, parent=dataset, run_key="n", made_by="import_examples").id

    def refusal(**arguments: object) -> str:
        with pytest.raises(ClasswrightError) as caught:
            train_classifier(
                TrainClassifierRequest(task="bank", augmentation="bank-g1", **arguments),  # type: ignore[arg-type]
                context,
            )
        return str(caught.value)

    assert "Use method='probe'" in refusal(method="contrastive", dataset=dataset)
    assert f"was generated from '{dataset}'" in refusal(method="probe", dataset=other)
    assert "imbalance='auto'" in refusal(method="probe", dataset=dataset, imbalance="auto")
    folder = workspace.artifact("bank-g1", "augmentation").path
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    card["encoder"] |= {"digest": "0" * 64, "name": "another"}
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    assert "was generated with the encoder 'another'" in refusal(method="probe", dataset=dataset)
    (folder / "rows.safetensors").write_bytes(b"")
    with pytest.raises(DamagedArtifact, match="Make it again"):
        load_augmentation(workspace, "bank-g1")


def _lines() -> list[str]:
    return (Path(BANKING) / "validation.jsonl").read_text(encoding="utf-8").splitlines()
