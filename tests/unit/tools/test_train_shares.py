"""A model knows the shares of the labels where it is used: stated ones, or those that unlabelled texts tell."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from classwright_tools.annotate_examples import AnnotateExamplesRequest, annotate_examples
from classwright_tools.classify import ClassifyRequest, classify
from classwright_tools.context import ToolContext
from classwright_tools.domain.annotation import Annotation
from classwright_tools.domain.example import Example, make_example
from classwright_tools.domain.task import Task
from classwright_tools.domain.threshold import threshold_in_words
from classwright_tools.evaluate import EvaluateRequest, EvaluateResult, evaluate
from classwright_tools.export_model import ExportModelRequest, export_model
from classwright_tools.learning.calibration import LEAST_SURE, softmax
from classwright_tools.learning.classifier import HEAD
from classwright_tools.learning.head import Head
from classwright_tools.learning.model import Model, load_model
from classwright_tools.train_classifier import TrainClassifierRequest, TrainClassifierResult, train_classifier
from classwright_tools.workspace.datasets import read_rows
from support.editing import editor
from support.learning import real_rows, save_rows, unlabelled_rows, written_rows

pytestmark = pytest.mark.usefixtures("embedded")
STATED = {"refund": 0.02, "delivery": 0.9, "account": 0.08}
UNCLEAR = "a question about money, a parcel and my password"


def trained(context: ToolContext, **arguments: object) -> TrainClassifierResult:
    request = TrainClassifierRequest(task="support", **({"method": "probe"} | arguments))  # type: ignore[arg-type]
    return train_classifier(request, dataclasses.replace(context, run_key="training"))


def model_of(context: ToolContext, result: TrainClassifierResult) -> Model:
    return load_model(context.workspace, result.model)


def rows_with(context: ToolContext, *unlabelled: Example) -> str:
    return save_rows(context.workspace, written_rows(), real_rows(copies=10), unlabelled=list(unlabelled))


def test_unlabelled_texts_tell_the_shares_and_put_the_probabilities_at_them(context: ToolContext, task: Task) -> None:
    rows_with(context, *unlabelled_rows(delivery=80, refund=12, account=8))
    result = trained(context)
    model = model_of(context, result)

    assert model.card.shares
    assert (model.card.shares.source, model.card.shares.texts) == ("estimated", 100)
    assert model.card.shares.values == pytest.approx((0.12, 0.8, 0.08), abs=0.05)
    assert "estimated from 100 texts that came without labels" in " ".join(result.notes)
    assert "The precision of 'account'" in " ".join(result.notes)
    assert "33.3% of these rows" in " ".join(result.notes)

    delivery = model.labels.index("delivery")
    own, as_trained = (model.predict_proba([UNCLEAR], as_trained=choice)[0] for choice in (False, True))
    assert own.sum() == pytest.approx(1)
    assert own[delivery] > as_trained[delivery]


def test_where_only_labels_by_a_person_would_count_a_training_asks_for_these(context: ToolContext, task: Task) -> None:
    rows = real_rows(copies=10)
    few = [row for row in rows if row.label == "account"][:3]
    others = [row for row in rows if row.label != "account"]
    real = [*others, *few, *(make_example(f"indeed, {row.text}", row.label) for row in others[::3])]
    save_rows(context.workspace, written_rows(), real, unlabelled=unlabelled_rows(delivery=80, refund=12, account=8))

    result = trained(context)

    told = " ".join(result.notes)
    assert "1 has fewer: 'account' 3. Get more validation rows from a person: " in told
    assert f"Labels by a model do not count, as {len(real)} real rows do." in told
    assert "Have a person answer (decided_by='person'): labels by a model do not count there." in result.next_step


def test_classify_leaves_the_shares_out_where_it_is_asked_to(context: ToolContext, task: Task) -> None:
    rows_with(context, *unlabelled_rows(delivery=80, refund=12, account=8))
    model = model_of(context, result := trained(context))

    def probability(prior: str) -> float:
        request = ClassifyRequest(model=result.model, texts=(UNCLEAR,), prior=prior)  # type: ignore[arg-type]
        return dict(classify(request, context).results[0].likeliest)["delivery"]

    delivery = model.labels.index("delivery")
    assert probability("task") == pytest.approx(model.predict_proba([UNCLEAR])[0, delivery])
    assert probability("training") == pytest.approx(model.predict_proba([UNCLEAR], as_trained=True)[0, delivery])


def test_an_export_gives_the_probabilities_at_the_shares(context: ToolContext, task: Task) -> None:
    rows_with(context, *unlabelled_rows(delivery=80, refund=12, account=8))
    result = trained(context)
    run = dataclasses.replace(context, run_key="export")
    made = export_model(ExportModelRequest(model=result.model, onnx=False), run)
    head = Head.load(context.workspace.artifact(made.export, "export").path / HEAD)
    model = model_of(context, result)
    proba = softmax(head.logits(model.embed([UNCLEAR])))
    np.testing.assert_allclose(proba, model.predict_proba([UNCLEAR]), atol=1e-5)


@pytest.mark.parametrize("validation", [10, 0])
def test_stated_shares_go_before_those_that_texts_tell(context: ToolContext, task: Task, validation: int) -> None:
    context.workspace.save_task(task.model_copy(update={"expected_shares": STATED}))
    texts = unlabelled_rows(delivery=10, refund=50, account=40)
    save_rows(context.workspace, written_rows(), real_rows(validation), unlabelled=texts)
    result = trained(context)
    card = model_of(context, result).card
    assert card.shares
    assert card.shares.source == "stated"
    assert card.shares.values == pytest.approx((0.02, 0.9, 0.08))
    assert "At the shares as stated ('delivery' 90.0%, 'account' 8.0%, 'refund' 2.0%; each" in " ".join(result.notes)


def test_where_nobody_knows_the_shares_and_the_model_leans_to_others_those_of_the_validation_rows_are_taken(
    context: ToolContext, task: Task
) -> None:
    unclear = [make_example(f"{UNCLEAR} {number}", "delivery") for number in range(20)]
    dataset = save_rows(context.workspace, written_rows(), [*real_rows(copies=10), *unclear])
    result = trained(context)
    model = model_of(context, result)

    assert model.card.shares
    assert model.card.shares.source == "validation rows"
    assert model.card.shares.values == pytest.approx((1 / 4, 1 / 2, 1 / 4))
    assert "At the shares of the validation rows (" in " ".join(result.notes)
    delivery = model.labels.index("delivery")
    own, as_trained = (model.predict_proba([UNCLEAR], as_trained=choice)[0] for choice in (False, True))
    assert own[delivery] > as_trained[delivery]
    # Figures on rows as they come are figures at their shares: nobody said that there are others.
    run = dataclasses.replace(context, run_key="again")
    other = train_classifier(TrainClassifierRequest(task="support", method="probe", seed=1), run).model
    measured = evaluate(EvaluateRequest(model=result.model, dataset=dataset, against=other), context)
    assert "At the shares" not in measured.summary
    assert measured.comparison
    assert not measured.comparison.at_shares


def test_validation_rows_that_came_with_shares_of_their_own_go_before_those_that_texts_tell(
    context: ToolContext, task: Task
) -> None:
    more = [make_example(row.text, "delivery") for row in unlabelled_rows(delivery=40)]
    texts = unlabelled_rows(refund=80, account=20)
    save_rows(context.workspace, written_rows(), [*real_rows(copies=10), *more], unlabelled=texts)
    result = trained(context)
    card = model_of(context, result).card

    assert card.shares is None or card.shares.source == "validation rows"
    assert "the 100 texts that came without labels have other shares than the validation rows: 'delivery'" in " ".join(
        result.notes
    )
    assert "against 60%" in " ".join(result.notes)
    assert "propose_topics(expected_shares=...)" in " ".join(result.notes)


@pytest.mark.parametrize(
    ("order", "rows", "source"),
    [("random", 60, "random rows"), ("typical", 60, "estimated"), ("random", 40, "estimated")],
)
def test_labels_for_random_texts_tell_the_shares_before_a_model_does(
    context: ToolContext, task: Task, order: str, rows: int, source: str
) -> None:
    """Enough of them do, and only where no others were picked for what they tell."""
    texts = unlabelled_rows(delivery=80, refund=12, account=8)
    rows_with(context, *texts)
    label_of = {
        row.id: label for row, label in zip(texts, ["delivery"] * 80 + ["refund"] * 12 + ["account"] * 8, strict=True)
    }
    label_of |= {row.id: str(row.label) for row in (*real_rows(copies=10), *written_rows())}
    asked = annotate_examples(
        AnnotateExamplesRequest(task="support", rows=rows, order=order),  # type: ignore[arg-type]  # one of them
        dataclasses.replace(context, run_key="ask"),
    )
    every = context.workspace.document(asked.annotation, "annotation", Annotation).rows
    labels = {row.id: (label_of[row.row],) for row in every}
    annotate_examples(AnnotateExamplesRequest(task="support", annotation=asked.annotation, labels=labels), context)

    result = trained(context)
    shares = model_of(context, result).card.shares

    assert shares
    assert shares.source == source
    if source == "random rows":
        given = [label_of[row.row] for row in every if row.row in {text.id for text in texts}]
        assert shares.texts == len(given) == 60
        assert shares.of(["delivery"]) == (given.count("delivery") / 60,)
        assert "At the shares of 60 random texts that were labelled (" in " ".join(result.notes)


def test_where_the_model_leans_to_no_label_nothing_is_changed(context: ToolContext, task: Task) -> None:
    rows_with(context)
    result = trained(context)
    card = model_of(context, result).card
    assert (card.shares, card.offsets) == (None, ())
    assert "shares" not in " ".join(result.notes)


@pytest.mark.parametrize(
    ("validation", "unlabelled", "imbalance", "told"),
    [
        (10, 40, "none", "cannot be told: these are 40, and 50 are needed"),
        (0, 90, "none", "cannot be told without 50 real validation rows"),
        (10, 90, "class_weights", "With imbalance 'class_weights' labels count alike"),
    ],
)
def test_why_shares_are_not_known_is_said_before_a_text_is_embedded_in_vain(
    context: ToolContext, task: Task, validation: int, unlabelled: int, imbalance: str, told: str
) -> None:
    real = real_rows(copies=validation) if validation else []
    save_rows(context.workspace, written_rows(), real, unlabelled=unlabelled_rows(delivery=unlabelled))
    result = trained(context, imbalance=imbalance)
    assert told in " ".join(result.notes)
    assert ("split='validation'" in result.next_step) == (not validation)
    assert (result.texts_embedded, result.texts_reused) == (0, len({row.text for row in (*written_rows(), *real)}))
    assert model_of(context, result).card.known_shares is None


def test_texts_with_the_shares_of_the_labelled_rows_change_nothing(context: ToolContext, task: Task) -> None:
    rows_with(context, *unlabelled_rows(delivery=40, refund=40, account=40))
    result = trained(context)
    assert "may well be those of the labelled rows, so nothing is changed" in " ".join(result.notes)
    assert model_of(context, result).card.offsets == ()


def test_evaluate_tells_the_figures_at_the_shares_and_whose_rows_count_for_them(
    context: ToolContext, task: Task
) -> None:
    dataset = rows_with(context, *unlabelled_rows(delivery=80, refund=15, account=5))
    result = trained(context)
    told = evaluate(EvaluateRequest(model=result.model, dataset=dataset), context).summary
    assert "At the shares estimated from 100 texts that came without labels ('delivery'" in told
    assert "each label's rows count for its share" in told
    assert "of 100 others (at most 5) are taken for it" in told
    assert "a bias a label, which real validation rows gave: on these the figures flatter it a little" in told


def test_test_rows_take_the_thresholds_that_a_training_gave_where_no_evaluation_gave_others(
    context: ToolContext, task: Task
) -> None:
    context.workspace.save_task(task.model_copy(update={"expected_shares": STATED}))
    held = [make_example(f"{row.text} at last", row.label) for row in real_rows(copies=10)]
    dataset = save_rows(context.workspace, written_rows(), real_rows(copies=10), test=held)
    result = trained(context)
    chosen = model_of(context, result).card.rare
    assert chosen
    assert f"To miss few of 'refund': from {threshold_in_words(chosen.points[0].threshold)} on" in " ".join(
        result.notes
    )

    def measured(split: str) -> EvaluateResult:
        run = dataclasses.replace(context, run_key=f"by {split} rows")
        return evaluate(EvaluateRequest(model=result.model, dataset=dataset, split=split), run)  # type: ignore[arg-type]  # one of two

    told = measured("test").summary
    assert f"Its thresholds are those that its training gave ({result.model}), unchanged." in told
    assert f"To miss few of 'refund': from {threshold_in_words(chosen.points[0].threshold)} on" in told
    assert "of an export to predict.py: --threshold refund=" in told
    assert ", which these rows chose with the calibration, it is not sure." in result.summary
    report = measured("validation").report
    assert f"Its thresholds are those that validation rows gave ({report}), unchanged." in measured("test").summary


def test_training_card_and_evaluation_count_the_same_decisions(context: ToolContext, task: Task) -> None:
    context.workspace.save_task(task.model_copy(update={"expected_shares": STATED}))
    unclear = [make_example(f"{UNCLEAR} {label} {number}", label) for label in STATED for number in range(5)]
    dataset = save_rows(context.workspace, written_rows(), [*real_rows(copies=10), *unclear])
    result = trained(context)
    measured = evaluate(EvaluateRequest(model=result.model, dataset=dataset), context).figures
    effect = model_of(context, result).card.shares_effect
    assert effect
    assert effect.by_own > result.validation.accuracy.value
    accuracy = f"an accuracy of {result.validation.accuracy.value:.3f}"
    assert f"{accuracy}, and their own shares would have {effect.by_own:.3f}" in result.summary
    assert "It decides for label shares (as stated)" in result.summary
    figures = evaluate(EvaluateRequest(model=result.model, dataset=dataset), context).summary
    assert f"each label's rows count for its share) the accuracy is {effect.at_shares:.3f}" in figures
    for figure in ("accuracy", "balanced_accuracy", "macro_f1"):
        assert getattr(result.validation, figure) == getattr(measured, figure)
    model = model_of(context, result)
    assert model.card.validation == result.validation
    texts = [row.content for row in unclear]
    own, as_trained = (model.predict_proba(texts, as_trained=choice).argmax(axis=1) for choice in (False, True))
    assert (own != as_trained).any()  # else figures without the shares would be the same


def test_the_threshold_is_the_one_at_the_shares(context: ToolContext, task: Task) -> None:
    rows_with(context)
    alike = trained(context).threshold
    context.workspace.save_task(task.model_copy(update={"expected_shares": STATED}))
    result = train_classifier(TrainClassifierRequest(task="support", method="probe"), context)
    model = model_of(context, result)
    rows = real_rows(copies=10)
    proba = model.predict_proba([row.content for row in rows])
    weights = np.array([STATED[row.label or ""] for row in rows])
    kept = proba.max(axis=1) >= result.threshold
    right = np.array([model.labels[i] for i in proba.argmax(axis=1)]) == [row.label for row in rows]
    assert weights[kept & right].sum() / weights[kept].sum() >= 0.95
    assert result.threshold != alike or alike == LEAST_SURE


def test_texts_that_were_annotated_still_tell_how_many_there_are_of_each_label(
    context: ToolContext, task: Task
) -> None:
    unlabelled = unlabelled_rows(delivery=80, refund=12, account=8)
    save_rows(context.workspace, written_rows(), real_rows(copies=10), unlabelled=unlabelled)
    before = model_of(context, trained(context)).card.shares
    picked, left = unlabelled[:60], unlabelled[60:]
    annotated = [row.model_copy(update={"label": "delivery", "origin": "annotated"}) for row in picked]
    save_rows(context.workspace, [*written_rows(), *annotated], real_rows(copies=10), unlabelled=left)
    request = TrainClassifierRequest(task="support", method="probe")
    after = model_of(context, train_classifier(request, dataclasses.replace(context, run_key="again"))).card.shares

    assert before
    assert after
    assert after.texts == before.texts == 100
    assert after.values == pytest.approx(before.values, abs=0.05)


def test_a_training_tells_how_well_the_rarest_label_is_found_and_names_the_model_that_was_kept(
    context: ToolContext, task: Task
) -> None:
    more = [make_example(row.text, "delivery") for row in unlabelled_rows(delivery=70)]
    dataset = save_rows(context.workspace, written_rows(), [*real_rows(copies=10), *more])
    first = trained(context, imbalance="class_weights")
    assert "The precision of 'refund' (15.4% of the rows)" in " ".join(first.notes)
    again = dataclasses.replace(context, run_key="again")
    second = train_classifier(TrainClassifierRequest(task="support", method="probe", imbalance="class_weights"), again)
    request = EvaluateRequest(model=second.model, dataset=dataset, against=first.model)
    assert evaluate(request, context).comparison

    third = train_classifier(
        TrainClassifierRequest(task="support", method="probe"), dataclasses.replace(context, run_key="third")
    )
    assert f"against={first.model!r}" in third.next_step


def test_a_split_that_leaves_too_few_rows_to_decide_for_shares_says_so_and_so_does_a_comparison(
    context: ToolContext, task: Task
) -> None:
    dataset = rows_with(context, *unlabelled_rows(delivery=80, refund=12, account=8))
    first = trained(context).model
    of_account = {
        split: [row.id for row in read_rows(context.workspace, dataset, split) if row.label == "account"]  # type: ignore[arg-type]  # names of splits
        for split in ("train", "validation")
    }
    edit = editor(context)
    few = {"label": "log-in", "rows": {"ids": [*of_account["train"][:5], *of_account["validation"][-3:]]}}
    parts = edit({"action": "split_label", "label": "account", "into": [few, {"label": "account"}]})
    later = edit({"action": "approve", "rows": {"ids": of_account["train"][:1]}})

    lost = "every label needs 5 validation rows, and there are of 'log-in' 3. Bring some in, labelled by a person: "
    assert lost in parts.summary
    assert lost not in later.summary  # it was so before

    second = train_classifier(
        TrainClassifierRequest(task="support", method="probe"), dataclasses.replace(context, run_key="second")
    )
    request = EvaluateRequest(model=second.model, against=first)
    found = evaluate(request, dataclasses.replace(context, run_key="compared"))
    assert f"{first} alone decides for label shares" in found.summary
