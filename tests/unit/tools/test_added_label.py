"""A label that is added after rows were labelled: what these rows then tell, and what is said of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from classwright_tools.annotate_examples import TOOL as ANNOTATE
from classwright_tools.annotate_examples import AnnotateExamplesRequest, annotate_examples
from classwright_tools.annotation.random_rows import shares_of_task
from classwright_tools.context import ToolContext
from classwright_tools.domain.annotation import Annotation
from classwright_tools.domain.example import make_example
from classwright_tools.domain.noun import ToolRequest
from classwright_tools.domain.shares import TaskShares
from classwright_tools.domain.task import Task
from classwright_tools.errors import ClasswrightError
from classwright_tools.estimates.running import estimated
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.find_examples import FindExamplesRequest, find_examples
from classwright_tools.learning.model import load_model
from classwright_tools.tool import ToolSpec
from classwright_tools.train_classifier import TOOL as TRAIN
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.datasets import read_rows
from support.editing import Editor
from support.learning import real_rows, save_rows, unlabelled_rows, written_rows

pytestmark = pytest.mark.usefixtures("embedded")
TEXTS = unlabelled_rows(delivery=80, refund=60, account=30)
LABEL_OF = {
    row.id: label for row, label in zip(TEXTS, ["delivery"] * 80 + ["refund"] * 60 + ["account"] * 30, strict=True)
}
ADD = {"action": "add_label", "label": "question", "description": "the customer asks something"}


@pytest.fixture
def dataset(task: Task, context: ToolContext) -> str:
    """Written training rows, sixty real validation rows, and sixty random texts that were labelled, of 170."""
    save_rows(context.workspace, written_rows(), real_rows(10), unlabelled=TEXTS)
    return label_random(context)


def label_random(context: ToolContext, run_key: str = "ask", rows: int = 60) -> str:
    """Answer random texts with the label that they have, and return the dataset of it."""
    request = AnnotateExamplesRequest(task="support", rows=rows, order="random")
    asked = annotate_examples(request, replace(context, run_key=run_key)).annotation
    every = context.workspace.document(asked, "annotation", Annotation).rows
    labels = {row.id: [LABEL_OF[row.row]] for row in every if row.row in LABEL_OF}
    answer = AnnotateExamplesRequest(task="support", annotation=asked, labels=labels, finish=True)
    return str(annotate_examples(answer, context).dataset)


def annotated(context: ToolContext, dataset: str) -> list[str]:
    """Return the ids of the random texts that were labelled, those of questions first."""
    rows = [row for row in read_rows(context.workspace, dataset, "train") if row.id in LABEL_OF]
    return [row.id for row in sorted(rows, key=lambda row: "?" not in row.text)]


def told(context: ToolContext, dataset: str | None) -> tuple[TaskShares | None, str]:
    assert dataset
    return shares_of_task(context.workspace, context.workspace.task("support"), dataset)


@pytest.mark.parametrize("answered", [False, True])
def test_texts_that_were_picked_take_the_shares_from_random_ones_only_once_they_have_a_label(
    context: ToolContext, task: Task, answered: bool
) -> None:
    save_rows(context.workspace, written_rows(), real_rows(10), unlabelled=TEXTS)
    asked = annotate_examples(AnnotateExamplesRequest(task="support", rows=5), replace(context, run_key="picked"))
    if answered:
        answer = AnnotateExamplesRequest(task="support", annotation=asked.annotation, unsure=(asked.texts[0].id,))
        annotate_examples(answer, context)

    shares, why_not = told(context, label_random(context))

    assert (shares is None) == answered
    late = "60 random texts do not tell how frequent each label is (its share): they were drawn after other texts"
    assert (late in why_not) == answered


def test_random_texts_that_were_labelled_before_a_label_was_there_tell_no_shares_and_it_is_said(
    context: ToolContext, dataset: str, edit: Editor
) -> None:
    assert told(context, dataset)[0]
    added = edit(ADD)
    lost = "The labels of 60 random texts do not tell how frequent each label is (its share): 'question' was no label"
    assert lost in added.summary

    questions = [row.id for row in real_rows(10) if "?" in row.text]
    edit({"action": "relabel", "label": "question", "rows": {"ids": questions[:8]}}, confirm=8)
    few = {"action": "relabel", "label": "question", "rows": {"ids": annotated(context, dataset)[:4]}}
    later = edit(few)
    assert "how frequent" not in later.summary  # it was so before

    result = train_classifier(TrainClassifierRequest(task="support", method="probe"), context)
    card = load_model(context.workspace, result.model).card
    assert card.shares is None or card.shares.source != "random rows"
    notes = " ".join(result.notes)
    assert lost in notes
    assert "annotate_examples(order='random')" in notes
    assert "propose_topics(expected_shares=...)" in notes


def test_random_texts_that_were_all_looked_at_since_a_label_was_added_tell_the_shares_by_their_labels_now(
    context: ToolContext, dataset: str, edit: Editor
) -> None:
    edit(ADD)
    ids = annotated(context, dataset)
    questions = {"action": "relabel", "label": "question", "rows": {"ids": ids[:6]}}
    half = edit(questions, {"action": "approve", "rows": {"ids": ids[6:30]}})
    assert told(context, half.dataset)[0] is None
    whole = edit({"action": "approve", "rows": {"ids": ids[30:]}})

    shares, why_not = told(context, whole.dataset)

    assert shares
    assert (shares.texts, shares.of(["question"]), why_not) == (60, (0.1,), "")


def test_random_texts_that_are_labelled_after_a_label_was_added_count_alone(
    context: ToolContext, dataset: str, edit: Editor
) -> None:
    edit(ADD)
    later = label_random(context, "later", 70)
    shares, why_not = told(context, later)
    assert shares
    assert (shares.texts, why_not) == (70, "")


def test_labels_of_random_texts_are_followed_through_a_new_name_a_merge_and_a_split(
    context: ToolContext, dataset: str, edit: Editor
) -> None:
    counts = Counter(LABEL_OF[id_] for id_ in annotated(context, dataset))
    edit({"action": "rename_label", "label": "refund", "to": "money back"})
    merged = edit(ADD, {"action": "merge_label", "label": "account", "to": "delivery"})
    assert told(context, merged.dataset)[0] is None
    edit({"action": "remove_label", "label": "question"})
    parts = [{"label": "lost", "rows": {"where": {"text": "lost"}}}, {"label": "other delivery"}]
    split = edit({"action": "split_label", "label": "delivery", "into": parts}, confirm=1000)

    shares, _ = told(context, split.dataset)

    assert shares
    assert shares.texts == 60
    of_lost = sum("lost" in row.text for row in read_rows(context.workspace, dataset, "train") if row.id in LABEL_OF)
    expected = (counts["refund"], of_lost, counts["delivery"] + counts["account"] - of_lost)
    assert shares.of(["money back", "lost", "other delivery"]) == pytest.approx([count / 60 for count in expected])


def test_a_label_that_no_random_text_has_is_named_with_what_brings_it_back(
    context: ToolContext, dataset: str, edit: Editor
) -> None:
    edit(ADD)
    ids = annotated(context, dataset)
    written = [row.id for row in written_rows()[:4]]
    validated = [row.id for row in real_rows(10) if "?" in row.text][:8]
    edit({"action": "relabel", "label": "question", "rows": {"ids": [*written, *validated]}})
    edit({"action": "approve", "rows": {"ids": ids}}, confirm=60)

    notes = " ".join(train_classifier(TrainClassifierRequest(task="support", method="probe"), context).notes)

    assert "'question' 0.0%" in notes
    assert "At so small a share the model hardly ever gives 'question'" in notes
    assert "classify(prior='training') leaves the shares out" in notes


def test_an_added_label_is_told_with_what_it_means_for_rows_and_for_training(
    context: ToolContext, dataset: str, edit: Editor
) -> None:
    model = train_classifier(TrainClassifierRequest(task="support", method="probe"), context).model

    added = edit(ADD)
    measured = evaluate(EvaluateRequest(model=model), context)
    (line,) = find_examples(FindExamplesRequest(), context).tasks

    assert "Rows so far were labelled without 'question'" in added.summary
    few = "Too few rows to train on ('question' 0; 2 of each label are needed)"
    for told in (added.next_step, measured.next_step, line.open[1]):
        assert few in told
        assert "edit_examples (relabel rows that are of them)" in told
        assert "train_classifier" not in told


def test_test_rows_that_may_be_of_an_added_label_are_named_as_such(
    context: ToolContext, task: Task, edit: Editor
) -> None:
    save_rows(context.workspace, written_rows(), real_rows(), test=[make_example("is the van near?", "delivery")])
    assert "1 test row is not edited: such of it count by their old labels" in edit(ADD).summary


def test_what_a_call_would_refuse_its_dry_run_refuses(context: ToolContext, task: Task, edit: Editor) -> None:
    save_rows(context.workspace, written_rows(), real_rows())
    requests: list[tuple[ToolSpec[Any, Any], ToolRequest]] = [
        (TRAIN, TrainClassifierRequest(task="support", method="probe", train_on_validation=True)),
        (ANNOTATE, AnnotateExamplesRequest(task="support")),
        (ANNOTATE, AnnotateExamplesRequest(task="support", order="informative")),
    ]
    before = [_refusals(tool, request, context) for tool, request in requests]
    edit(ADD)
    after = _refusals(TRAIN, TrainClassifierRequest(task="support", method="probe"), context)

    assert [told for told, _ in [*before, after]] == [told for _, told in [*before, after]]
    assert "are 6, and to train on them 50" in before[0][0]
    assert "has no real unlabelled rows" in before[1][0]
    assert "has fewer than 2 training rows, 'question' (0)" in after[0]


def _refusals(tool: ToolSpec[Any, Any], request: ToolRequest, context: ToolContext) -> tuple[str, str]:
    """Return what the dry run of a call says, and what the call does."""
    with pytest.raises(ClasswrightError) as estimate:
        estimated(tool, request, context)
    with pytest.raises(ClasswrightError) as call:
        tool.run(request, context)
    return str(estimate.value), str(call.value)
