"""A pair task through the verbs: train, evaluate, analyse, classify, and what refuses it."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

import classwright
from classwright import predict
from classwright.predict import MOST_COLUMNS, told_labels
from classwright_tools.annotate_examples import AnnotateExamplesRequest, annotate_examples
from classwright_tools.annotation.picking import unlabelled_pool
from classwright_tools.annotation.random_rows import shares_of_task
from classwright_tools.classify import ClassifyRequest, classify
from classwright_tools.context import ToolContext
from classwright_tools.domain.annotation import LabelledByAnnotation
from classwright_tools.domain.example import Example, make_example
from classwright_tools.domain.pair import joined
from classwright_tools.domain.task import Task
from classwright_tools.edit_examples import EditExamplesRequest, edit_examples
from classwright_tools.error_analysis import ErrorAnalysisRequest, error_analysis
from classwright_tools.errors import InvalidInput, NotEnoughData
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.export_model import ExportModelRequest, export_model
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.learning.model import load_model
from classwright_tools.learning.pair_encoder import PairEncoder, encoder_for, pair_features
from classwright_tools.learning.pair_options import PairOptions, untried_in_words, why_no_matcher
from classwright_tools.measurement.error_report import ErrorReport
from classwright_tools.measurement.errors_in_words import analysis_next_step
from classwright_tools.measurement.label_shares import calibrating_lost
from classwright_tools.propose_topics import ProposeTopicsRequest, propose_topics
from classwright_tools.reading import rows as read
from classwright_tools.statistics.ranking import average_precision_of
from classwright_tools.statistics.share_interval import wilson
from classwright_tools.synthesize_examples import SynthesizeExamplesRequest, synthesize_examples
from classwright_tools.train_classifier import TrainClassifierRequest, TrainClassifierResult, train_classifier
from classwright_tools.workspace.datasets import read_card
from classwright_tools.workspace.workspace import Workspace
from support.filled import Filled
from support.filled import dataset as dataset
from support.filled import trained as trained
from support.filled import workspace as workspace
from support.pair import KINDS, pair_rows, pair_task, save_pairs
from support.readme_code import code_blocks, printed_numbers, run_code

TRAINING, HELD_OUT = tuple(KINDS)[:6], tuple(KINDS)[6:]
LABELS = [{"name": "fits"}, {"name": "mismatch"}]
SHARES = {"fits": 0.9, "mismatch": 0.1}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """A probe on pairs, and a dataset whose test rows are about other queries than its training rows."""

    def fill(workspace: Workspace) -> str:
        pair_task(workspace)
        return save_pairs(workspace, {"train": pair_rows(TRAINING), "test": pair_rows(HELD_OUT)})

    return Filled(tmp_path_factory.mktemp("filled"), fill, task="shop")


def contents(rows: list[Example]) -> list[str]:
    return [row.content for row in rows]


def test_the_features_of_a_pair_are_both_embeddings_how_they_differ_and_where_they_agree() -> None:
    query, item = np.array([[0.6, 0.8]], np.float32), np.array([[0.8, 0.6]], np.float32)

    features = pair_features(query, item)

    assert features.dtype == np.float32
    assert features == pytest.approx(np.array([[0.6, 0.8, 0.8, 0.6, 0.8, 0.8, 7.68, 7.68]]), rel=1e-5)


def test_no_text_of_a_pair_is_embedded_twice(trained: TrainClassifierResult) -> None:
    rows = pair_rows(TRAINING)
    texts = {row.text for row in rows} | {row.text_pair for row in rows}

    assert trained.texts_embedded == len(texts)


def test_an_encoder_of_pairs_says_how_long_its_features_are(context: ToolContext) -> None:
    encoder = encoder_for("pair", open_encoder(context.encoder))

    assert isinstance(encoder, PairEncoder)
    assert encoder.embed(contents(pair_rows(("drill",)))).shape == (8, encoder.dimension)
    assert encoder_for("text", open_encoder(context.encoder)) is open_encoder(context.encoder)


def test_a_probe_on_pairs_tells_unseen_queries_apart_and_evaluate_ranks_the_mismatches(
    trained: TrainClassifierResult, context: ToolContext
) -> None:
    result = evaluate(EvaluateRequest(model=trained.model, split="test"), context)

    assert result.figures.rows == 16
    assert result.figures.accuracy.value > 0.8
    assert result.figures.average_precision is not None
    assert result.figures.average_precision.value > 0.9
    assert "Average precision of the mismatches" in result.summary
    assert f", where guessing reaches {result.figures.guessing_ranked:.3f}." in result.summary


def test_an_evaluation_says_what_to_hide_mismatches_takes(
    trained: TrainClassifierResult, context: ToolContext, workspace: Workspace
) -> None:
    rows = pair_rows(HELD_OUT)
    rows += [make_example(f"blue {row.text}", row.label, text_pair=row.text_pair) for row in rows]
    checked = save_pairs(workspace, {"validation": rows}, run_key="checked")

    result = evaluate(EvaluateRequest(model=trained.model, dataset=checked), context)

    page = (workspace.artifact(result.report, "report").path / "report.html").read_text(encoding="utf-8")
    for told in (result.summary, page):
        assert "Hiding pairs with a `probability_mismatch` of" in told
        assert "of 100 that do." in told


def test_a_training_says_what_to_hide_mismatches_takes_as_an_evaluation_does(trained: TrainClassifierResult) -> None:
    assert "The precision of 'mismatch' (50.0% of the rows)" in " ".join(trained.notes)
    assert "Hiding pairs with a `probability_mismatch` of" in " ".join(trained.notes)


def test_where_imbalance_is_treated_that_is_why_a_matcher_was_not_tried(workspace: Workspace) -> None:
    task = pair_task(workspace)

    assert "was not tried: it is not for imbalance='class_weights'." in why_no_matcher(
        task, [0, 1] * 50, ["probe"], "class_weights"
    )
    assert "1 training row is 'mismatch'" in why_no_matcher(task, [0, 1], ["probe"], "none")
    assert not why_no_matcher(task, [0, 1] * 50, ["probe", "matcher"], "none")


def test_options_of_a_matcher_that_a_time_limit_left_out_counted_for_nothing(context: ToolContext) -> None:
    given, encoder = PairOptions(negatives="random"), open_encoder(context.encoder)

    told = untried_in_words(given, "none", pair_task(context.workspace), [0, 1], ["probe"], encoder, cut=True)

    assert told == ["So `negatives` counted for nothing."]


def test_a_model_of_pairs_loads_back_to_the_same_probabilities_without_pickle(
    trained: TrainClassifierResult, workspace: Workspace
) -> None:
    rows = contents(pair_rows(HELD_OUT))
    first, second = (load_model(workspace, trained.model, remember=False) for _ in range(2))

    assert first.card.kind == "pair"
    assert first.card.mismatch == "mismatch"
    assert (first.predict_proba(rows) == second.predict_proba(rows)).all()
    files = workspace.artifact(trained.model, "model").path.rglob("*")
    assert {path.suffix for path in files} <= {".json", ".safetensors"}


def test_auto_trains_on_pairs(dataset: str, context: ToolContext) -> None:
    request = TrainClassifierRequest(task="shop", dataset=dataset, epochs=50)

    assert train_classifier(request, context).method == "probe"


@pytest.mark.parametrize("method", ["contrastive", "finetune"])
def test_a_method_for_single_texts_is_refused(method: str, dataset: str, context: ToolContext) -> None:
    request = TrainClassifierRequest.model_validate({"task": "shop", "dataset": dataset, "method": method})

    with pytest.raises(InvalidInput, match=f"method '{method}': does not train on pairs of texts.*'probe'"):
        train_classifier(request, context)


def test_queries_that_were_trained_on_with_other_items_are_told(
    trained: TrainClassifierResult, context: ToolContext, workspace: Workspace
) -> None:
    known = [row.model_copy(update={"id": f"{number:016x}", "text_pair": "a bench"}) for number, row in
             enumerate(pair_rows(("drill",)))]  # fmt: skip
    mixed = save_pairs(workspace, {"validation": known}, run_key="mixed")

    result = evaluate(EvaluateRequest(model=trained.model, dataset=mixed), context)

    assert "8 of these rows have a query that was trained on" in result.summary


def test_classify_answers_pairs_and_refuses_single_texts_for_them(
    trained: TrainClassifierResult, context: ToolContext
) -> None:
    pairs = [{"text": "red lamp", "text_pair": "red table lamp"}, {"text": "red lamp", "text_pair": "garden hose"}]
    request = ClassifyRequest.model_validate({"model": trained.model, "pairs": pairs, "threshold": 0})

    assert [answer.label for answer in classify(request, context).results] == ["fits", "mismatch"]
    with pytest.raises(InvalidInput, match=r"classifies pairs of texts.*Pass `pairs`"):
        classify(ClassifyRequest(model=trained.model, texts=("red lamp",)), context)
    assert classify(request, context).summary.startswith("Classified 2 pairs; ")
    pairs = [*request.pairs, {"text": "red lamp", "text_pair": None}]
    found = classify(ClassifyRequest.model_validate({"model": trained.model, "pairs": pairs}), context)
    assert [answer.label for answer in found.results] == ["fits", "mismatch", None]
    assert "1 pair has no answer: pairs[2].text_pair is empty." in found.summary


def test_the_errors_of_pairs_are_explained_without_a_plan(
    dataset: str, trained: TrainClassifierResult, context: ToolContext, workspace: Workspace
) -> None:
    wrong = [row.model_copy(update={"label": "fits" if row.label == "mismatch" else "mismatch"}) for row in
             pair_rows(HELD_OUT)[:4]]  # fmt: skip
    checked = save_pairs(workspace, {"train": pair_rows(TRAINING), "validation": wrong}, run_key="checked")

    result = error_analysis(ErrorAnalysisRequest(model=trained.model, dataset=checked), context)

    assert result.data == "real"
    assert result.errors >= 3
    assert result.plan is None
    report, task = workspace.document(result.report, "report", ErrorReport), workspace.task("shop")
    for matrix, brings in (
        (((9, 1), (3, 2)), "call synthesize_examples with task='shop'"),
        (((9, 3), (1, 2)), "purchases"),
    ):
        turned = report.model_copy(update={"confusion_matrix": matrix})
        told = analysis_next_step(turned, None, task, texts=5_000, labels_gained_nothing="")
        assert f"{matrix[1][0]} mismatch" in told
        assert f"missed and {matrix[0][1]} that fit were called one: " in told
        assert brings in told
    assert f"doubt='disagrees', model={trained.model!r}" in result.next_step
    assert any(" \u2192 " in text for pair in result.confused_pairs for text in pair.examples)


def test_a_pair_task_is_made_without_topics(context: ToolContext) -> None:
    request = {"task": "shop", "instruction": "Does it fit?", "labels": LABELS, "kind": "pair", "mismatch": "mismatch"}

    result = propose_topics(ProposeTopicsRequest.model_validate(request), context)

    assert (result.topic_tree, result.cells, result.wanted) == (None, 0, None)
    assert "import_examples(task='shop', split={'train': 2, 'validation': 1, 'test': 1}" in result.next_step
    task = context.workspace.task("shop")
    assert (task.kind, task.mismatch) == ("pair", "mismatch")
    topics = [{"label": "fits", "topics": [{"name": "a", "subtopics": ["b"]}]}]
    with pytest.raises(InvalidInput, match="the pairs of task 'shop' are imported"):
        propose_topics(ProposeTopicsRequest.model_validate(request | {"topics": topics}), context)
    with pytest.raises(InvalidInput, match="`source_types`: is of a topic tree, and the pairs of task 'shop'"):
        propose_topics(ProposeTopicsRequest.model_validate(request | {"source_types": ["email"]}), context)
    with pytest.raises(InvalidInput, match="models of pairs, as of task 'shop', take no account of them"):
        propose_topics(ProposeTopicsRequest.model_validate(request | {"expected_shares": SHARES}), context)
    with pytest.raises(InvalidInput, match="exists with kind 'pair'"):
        propose_topics(ProposeTopicsRequest.model_validate(request | {"kind": "text", "mismatch": None}), context)
    with pytest.raises(InvalidInput, match="none of the labels"):
        propose_topics(ProposeTopicsRequest.model_validate(request | {"mismatch": "other"}), context)


def test_a_task_of_pairs_without_a_mismatch_is_led_to_name_it_by_a_call_that_works(
    workspace: Workspace, context: ToolContext
) -> None:
    said = []

    def called(**fields: Any) -> Task:
        request = {"task": "shop", "instruction": "Does it fit?", "kind": "pair", **fields}
        said.append(propose_topics(ProposeTopicsRequest.model_validate(request), context))
        return workspace.task("shop")

    bare = called(labels=LABELS)
    save_pairs(workspace, {"train": pair_rows(TRAINING), "validation": pair_rows(HELD_OUT)})
    trained = train_classifier(TrainClassifierRequest(task="shop"), replace(context, run_key="train"))
    analysed = error_analysis(ErrorAnalysisRequest(model=trained.model), replace(context, run_key="errors"))
    with pytest.raises(InvalidInput) as refusal:
        synthesize_examples(SynthesizeExamplesRequest(task="shop"), replace(context, run_key="write"))

    assert "'matcher', which is for pairs, was not tried: the task does not say" in " ".join(trained.notes)
    for told in (" ".join(trained.notes), analysed.next_step, str(refusal.value)):
        assert "propose_topics(task='shop', kind='pair', instruction=the task's, mismatch=" in told
        assert "of 'fits', 'mismatch'" in told
    named = called(mismatch="mismatch")
    assert (named.labels, named.mismatch) == (bare.labels, "mismatch")
    assert "Models trained before are not measured by how they rank 'mismatch': train again." in said[-1].summary
    assert said[-1].next_step == f"Call train_classifier(task='shop', dataset={trained.dataset!r})."
    assert synthesize_examples(SynthesizeExamplesRequest(task="shop"), replace(context, run_key="write again")).batches


def test_shares_are_stated_of_the_labels_that_are_there(workspace: Workspace, context: ToolContext, task: Task) -> None:
    request = {"task": task.slug, "instruction": task.instruction}
    shares = {name: 1 / len(task.labels) for name in task.label_names}

    propose_topics(ProposeTopicsRequest.model_validate({**request, "expected_shares": shares}), context)

    assert (workspace.task(task.slug).labels, workspace.task(task.slug).expected_shares) == (task.labels, shares)


def test_nothing_is_told_of_shares_that_a_task_of_pairs_has_from_before(workspace: Workspace) -> None:
    task = pair_task(workspace).model_copy(update={"expected_shares": SHARES})
    enough = save_pairs(workspace, {"train": pair_rows(TRAINING), "validation": pair_rows(HELD_OUT)})
    few = save_pairs(workspace, {"train": pair_rows(TRAINING), "validation": pair_rows(HELD_OUT)[:4]}, run_key="few")

    assert shares_of_task(workspace, task, enough) == (None, "")
    assert not calibrating_lost(task, read_card(workspace, enough), read_card(workspace, few))


def test_pairs_with_the_query_of_another_split_are_not_handed_out_and_counted_where_they_get_labels(
    workspace: Workspace, context: ToolContext
) -> None:
    pair_task(workspace)
    drill, lamp, new = ("red drill", "small lamp", "blue rug")
    bought = [make_example(query, None, text_pair="a box of screws") for query in (f"{drill}!", lamp, new)]
    rows = {"train": pair_rows(("drill",)), "validation": pair_rows(("lamp",)), "unlabelled": bought}
    asked = save_pairs(workspace, rows)  # type: ignore[arg-type]  # splits

    def pool(split: LabelledByAnnotation) -> set[str]:
        return {row.text for row in unlabelled_pool(workspace, asked, (), 0, split=split).rows}

    assert (pool("train"), pool("validation")) == ({f"{drill}!", new}, {lamp, new})
    change = {"action": "relabel", "label": "mismatch", "rows": {"ids": [row.id for row in bought]}}
    request = EditExamplesRequest.model_validate({"task": "shop", "reason": "seen", "changes": [change]})
    edited = edit_examples(request, context)
    assert "1 row has a query that another split has too" in edited.summary
    save_pairs(workspace, rows | {"unlabelled": bought[1:2]}, run_key="known")
    with pytest.raises(NotEnoughData, match=r"whose query no split but train has \(1 have others' queries\)"):
        annotate_examples(AnnotateExamplesRequest(task="shop"), context)


def test_what_a_call_does_not_name_stays_as_it_is(workspace: Workspace, context: ToolContext) -> None:
    def called(**fields: Any) -> Task:
        request = {"task": "shop", "instruction": "Passt es?", **fields}
        propose_topics(ProposeTopicsRequest.model_validate(request), context)
        return workspace.task("shop")

    called(labels=LABELS, kind="pair", mismatch="mismatch", languages=["de"])
    again = called(instruction="Passt es wirklich?")
    relabelled = called(labels=[*LABELS, {"name": "unsure"}], kind="pair")

    assert (again.kind, again.mismatch, again.languages) == ("pair", "mismatch", ("de",))
    assert relabelled.languages == ("de",)
    assert called(languages=["de", "fr"], expected_shares=None, labels=LABELS, kind="pair").languages == ("de", "fr")


def test_an_export_of_a_model_of_pairs_runs_without_us_and_gives_its_probabilities(
    trained: TrainClassifierResult, context: ToolContext, workspace: Workspace
) -> None:
    result = export_model(ExportModelRequest(model=trained.model), context)

    folder = workspace.artifact(result.export, "export").path
    assert not {"model.onnx", "model_head.pkl"} & {file.name for file in result.files}
    assert "take single texts" in result.summary
    codes = code_blocks(folder)
    own = load_model(workspace, trained.model).predict_proba([joined("a query", "an item")])
    assert len(codes) == 2
    for code in codes:
        assert printed_numbers(run_code(folder, code)) == pytest.approx(own[0].tolist(), abs=1e-5)
    (folder / "in.csv").write_text("query,item\na query,an item\na query,\n", encoding="utf-8")
    assert (predict.USUAL_PAIR, predict.OTHER_PAIR) == (read.USUAL_PAIR, read.OTHER_PAIR), "as an import has them"
    run_code(folder, "import predict; predict.main(['in.csv', '-o', 'out.csv'])")
    first, second = csv.DictReader((folder / "out.csv").read_text(encoding="utf-8").splitlines())
    assert float(first["probability_mismatch"]) == pytest.approx(own[0, 1], abs=1e-5)
    assert second["probability_mismatch"] == ""
    assert "Sort by `probability_mismatch` to have the worst pairs first." in (folder / "README.md").read_text(
        encoding="utf-8"
    )


def test_an_export_of_before_that_names_no_mismatch_gives_its_answers_without_one(
    trained: TrainClassifierResult, context: ToolContext, workspace: Workspace, tmp_path: Path
) -> None:
    result = export_model(ExportModelRequest(model=trained.model), replace(context, run_key="of before"))
    folder = tmp_path / "export"
    shutil.copytree(workspace.artifact(result.export, "export").path, folder)
    facts = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    labels = tuple(facts["labels"])

    assert classwright.load(folder).mismatch == facts.pop("mismatch") == "mismatch"
    (folder / "labels.json").write_text(json.dumps(facts), encoding="utf-8")
    old = classwright.load(folder)

    many = (*labels, *map(str, range(MOST_COLUMNS)))
    assert old.mismatch is None
    assert old.predict([("a query", "an item")]).labels[0] in labels
    assert told_labels(labels, {}, old.mismatch) == labels
    assert told_labels(many, {}, old.mismatch) == ()
    assert told_labels(many, {"mismatch": 0.3}, old.mismatch) == ("mismatch",)


def test_the_training_says_how_well_mismatches_are_ranked(trained: TrainClassifierResult) -> None:
    assert trained.validation.average_precision is not None
    assert "average precision of the mismatches" in trained.summary


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=30))
def test_average_precision_is_scikit_learns(rows: list[tuple[bool, int]]) -> None:
    positive, scores = np.array([p for p, _ in rows]), np.array([s / 5 for _, s in rows])
    assume(positive.any())

    ours = average_precision_of(np.ones((1, len(rows))), positive, scores)

    assert ours[0] == pytest.approx(average_precision_score(positive, scores))


def test_average_precision_of_rows_drawn_twice_is_that_of_the_rows_repeated() -> None:
    positive, scores = np.array([True, False, True, False]), np.array([0.9, 0.8, 0.4, 0.4])
    times = np.array([1, 2, 0, 3])

    ours = average_precision_of(times[None, :].astype(float), positive, scores)

    assert ours[0] == pytest.approx(average_precision_score(np.repeat(positive, times), np.repeat(scores, times)))


def test_two_models_of_pairs_are_compared_by_how_they_rank_mismatches(
    trained: TrainClassifierResult, dataset: str, context: ToolContext
) -> None:
    few = save_pairs(context.workspace, {"train": pair_rows(TRAINING[:1])}, run_key="few")
    request = TrainClassifierRequest(task="shop", dataset=few, method="probe")
    weaker = train_classifier(request, replace(context, run_key="weaker")).model

    asked = EvaluateRequest(model=trained.model, dataset=dataset, split="test", against=weaker)
    result = evaluate(asked, replace(context, run_key="compare"))

    assert result.comparison is not None
    gain = result.comparison.average_precision_gain
    assert gain is not None
    assert gain.low <= gain.value <= gain.high
    assert result.comparison.test == "sign-flip test over queries"
    assert "average precision of the mismatches, which pairs are judged by (" in result.summary
    assert "; sign-flip test over queries, p = " in result.summary
    own = evaluate(asked.model_copy(update={"against": None, "model": weaker}), replace(context, run_key="own"))
    assert result.figures.average_precision is not None
    assert own.figures.average_precision is not None
    assert gain.value == pytest.approx(result.figures.average_precision.value - own.figures.average_precision.value)


def test_the_rows_of_a_query_count_as_one_draw_in_all_intervals(
    trained: TrainClassifierResult, context: ToolContext, workspace: Workspace
) -> None:
    other = {"fits": "mismatch", "mismatch": "fits"}
    rows = [
        row.model_copy(update={"label": other[str(row.label)]}) if row.text.endswith(HELD_OUT[0]) else row
        for row in pair_rows(HELD_OUT)
    ]  # of each query both rows are right or both wrong, nearly
    checked = save_pairs(workspace, {"train": pair_rows(TRAINING), "validation": rows}, run_key="checked")

    result = evaluate(EvaluateRequest(model=trained.model, dataset=checked), replace(context, run_key="evaluate"))
    errors = error_analysis(ErrorAnalysisRequest(model=trained.model, dataset=checked), context)
    page = workspace.artifact(errors.report, "report").path

    right = round(result.figures.accuracy.value * 16)
    alone = wilson(right, 16)
    assert result.figures.accuracy.high - result.figures.accuracy.low > 1.1 * (alone.high - alone.low)
    assert ErrorReport.model_validate_json((page / "report.json").read_text()).accuracy == result.figures.accuracy
    trained_on = wilson(round(trained.validation.accuracy.value * trained.validation.rows), trained.validation.rows)
    assert trained.validation.accuracy.low < trained_on.low
