"""What was decided by `edit_examples` holds in what other tools do: writing, importing, labelling, analysing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from classwright_tools.annotate_examples import AnnotateExamplesRequest, annotate_examples
from classwright_tools.classify import ClassifyRequest, classify
from classwright_tools.context import ToolContext
from classwright_tools.domain.assignment import Assignment
from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Task
from classwright_tools.error_analysis import ErrorAnalysisRequest, error_analysis
from classwright_tools.errors import InvalidInput, NotFound
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.import_examples import ImportExamplesRequest, import_examples
from classwright_tools.submit_examples import SubmitExamplesRequest, submit_examples
from classwright_tools.synthesize_examples import SynthesizeExamplesRequest, synthesize_examples
from classwright_tools.workspace.datasets import read_card, read_rows, save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.editing import Editor, row_with, rows_of
from support.importing import given
from support.measurement import WRITTEN, context_on, dataset_of, real_rows, trained_on, written_rows
from support.synthesize import asked_of, train_rows, with_writer
from support.writing_verbs import save_tree, sentence

LAMP = "the lamp came in pieces"


# --- writing more


def test_twenty_more_of_one_label_are_written_in_the_style_of_what_a_person_likes(
    workspace: Workspace, dataset: str, edit: Editor, context: ToolContext, task: Task
) -> None:
    save_tree(workspace, task)
    lamp = row_with(workspace, dataset, LAMP)
    edit({"action": "good_example", "rows": {"ids": [lamp.id]}})
    context = with_writer(context)

    wish = {"labels": ["refund"], "rows": 20, "examples": ["gimme my cash"], "guidance": ["angry, with slips"]}
    result = synthesize_examples(SynthesizeExamplesRequest(task="support", **wish), context)

    assert result.accepted == 20
    written = [
        row for row in train_rows(context, result.dataset) if row.provenance and row.provenance.writer != "recorded"
    ]
    assert {row.label for row in written} == {"refund"}
    for request in asked_of(context):
        assert request.style == ("gimme my cash", lamp.text)
        assert request.guidance == ("angry, with slips",)


def test_the_calling_model_is_shown_the_same_and_the_examples_of_the_labels(
    workspace: Workspace, dataset: str, edit: Editor, context: ToolContext, task: Task
) -> None:
    labels = (task.labels[0].model_copy(update={"examples": ("cash back now",)}), *task.labels[1:])
    workspace.save_task(task.model_copy(update={"labels": labels}))
    save_tree(workspace, task)
    edit({"action": "good_example", "rows": {"where": {"text": LAMP}}})

    request = SynthesizeExamplesRequest(task="support", labels=("refund",), rows=5, guidance=("angry",))
    result = synthesize_examples(request, context)

    assert {batch.label for batch in result.batches} == {"refund"}
    assert result.batches[0].guidance == ("angry",)
    assert result.style["refund"][1:] == ("cash back now",)
    assert result.style["refund"][0].startswith(LAMP)
    assert any("They are in `style`" in rule for rule in result.rules)
    copied = submit_examples(
        SubmitExamplesRequest(assignment=str(result.assignment), texts={"b1": (f"{LAMP}, give me my money back!",)}),
        context,
    )
    assert copied.accepted == 0


def test_a_label_without_topics_is_written_for_by_its_name(
    workspace: Workspace, dataset: str, edit: Editor, context: ToolContext
) -> None:
    edit({"action": "add_label", "label": "voucher"})
    context = with_writer(context)

    result = synthesize_examples(SynthesizeExamplesRequest(task="support", labels=("voucher",), rows=3), context)

    assert result.accepted == 3
    with pytest.raises(NotFound, match="Did you mean 'voucher'"):
        synthesize_examples(
            SynthesizeExamplesRequest(task="support", labels=("vouchers",)), replace(context, run_key="2")
        )
    with pytest.raises(NotFound, match="no topic tree"):
        synthesize_examples(SynthesizeExamplesRequest(task="support"), replace(context, run_key="3"))


def test_what_was_taken_out_is_neither_written_nor_imported_again(
    workspace: Workspace, dataset: str, edit: Editor, context: ToolContext, task: Task
) -> None:
    save_tree(workspace, task)
    row = row_with(workspace, dataset, LAMP)
    edit({"action": "remove", "rows": {"ids": [row.id]}})

    assignment = synthesize_examples(SynthesizeExamplesRequest(task="support", labels=("refund",), rows=2), context)
    sent = SubmitExamplesRequest(assignment=str(assignment.assignment), texts={"b1": (row.text, sentence(1))})
    submitted = submit_examples(sent, context)
    request = ImportExamplesRequest(
        task="support", split="train", rows=given((row.text, "refund"), (sentence(2), "refund"))
    )
    imported = import_examples(request, replace(context, run_key="import"))

    assert [refused.reason for refused in submitted.refused] == ["removed before: it equals a row that was taken out"]
    assert (imported.imported, imported.skipped) == (1, {"removed before by a person": 1})
    assert "edit_examples can restore it" in imported.examples[0].reason


def test_written_rows_that_are_sent_again_with_other_labels_stay_written(
    workspace: Workspace, dataset: str, edit: Editor, context: ToolContext
) -> None:
    """The way round of old: all rows of a dataset in a new one."""
    edit({"action": "rewrite", "rows": {"where": {"text": LAMP}}, "text": "the lamp came in two pieces"})
    rows = [(row.text, "account") for row in read_rows(workspace, "support-d2", "train")]

    again = import_examples(
        ImportExamplesRequest(task="support", split="train", rows=given(*rows), new_dataset=True), context
    )

    slips = [(f"{text}!!" if number < 4 else text, label) for number, (text, label) in enumerate(rows)]
    changed = import_examples(
        ImportExamplesRequest(task="support", split="train", rows=given(*slips), new_dataset=True),
        replace(context, run_key="changed"),
    )

    assert again.origins == {"written": 30}
    assert "nearly repeat" not in again.summary
    assert changed.origins == {"written": 26}
    assert "4 of them nearly repeat texts that were written for support-d3, and count as real now" in changed.summary
    assert {row.origin for row in rows_of(workspace, again.dataset).values()} == {"written"}


# --- labels that change while rows are on their way


def test_texts_that_were_accepted_under_an_old_name_join_under_the_new_one(
    workspace: Workspace, dataset: str, edit: Editor, context: ToolContext, task: Task
) -> None:
    save_tree(workspace, task)
    synthesize_examples(SynthesizeExamplesRequest(task="support", rows=6), context)
    batches = workspace.document("support-a1", "assignment", Assignment).batches
    for number, batch in enumerate(batches[:2]):
        texts = tuple(sentence(10 * number + place) for place in range(batch.count))
        submit_examples(SubmitExamplesRequest(assignment="support-a1", texts={batch.batch: texts}), context)
    first, second = batches[0].label, batches[1].label
    edit({"action": "rename_label", "label": first, "to": "renamed"}, {"action": "remove_label", "label": second})

    late = SubmitExamplesRequest(assignment="support-a1", texts={batches[1].batch: (sentence(50),)})
    with pytest.raises(InvalidInput, match="has ended since the assignment was made"):
        submit_examples(late, context)
    surplus = SubmitExamplesRequest(assignment="support-a1", texts={batches[0].batch: (sentence(51),)})
    assert [refused.reason for refused in submit_examples(surplus, context).refused] == ["batch is full"]

    done = submit_examples(
        SubmitExamplesRequest(assignment="support-a1", texts={batches[2].batch: (sentence(99),)}, finish=True),
        context,
    )

    fresh = [
        row for row in train_rows(context, done.dataset) if row.provenance and row.provenance.writer == "calling model"
    ]
    assert sorted(str(row.label) for row in fresh) == sorted([batches[2].label, "renamed", "renamed"])
    assert read_card(workspace, str(done.dataset)).refused == {"label ended meanwhile": 2}
    assert "left out: 2 are of labels that have ended since." in done.summary


def test_texts_that_were_labelled_under_an_old_name_join_under_the_new_one(
    workspace: Workspace, dataset: str, edit: Editor, context: ToolContext
) -> None:
    handed = annotate_examples(AnnotateExamplesRequest(task="support", rows=6, order="random"), context)
    unlabelled = {row.text for row in read_rows(workspace, dataset, "unlabelled")}
    labels = {text.id: ["refund"] for text in handed.texts if text.text in unlabelled}
    answer = AnnotateExamplesRequest(task="support", annotation=handed.annotation, labels=labels)
    annotate_examples(answer, context)
    edit({"action": "rename_label", "label": "refund", "to": "money back"})

    end = annotate_examples(AnnotateExamplesRequest(task="support", annotation=handed.annotation, finish=True), context)

    moved = [row for row in train_rows(context, end.dataset) if row.origin == "annotated"]
    assert len(moved) == len(labels)
    assert {row.label for row in moved} == {"money back"}


# --- models and what they say


def test_a_label_that_a_person_approved_is_no_label_issue(workspace: Workspace, task: Task, edit: Editor) -> None:
    rows = written_rows()
    swapped = make_example(WRITTEN["account"][0][1], "delivery", origin="written", provenance=rows[6].provenance)
    model = trained_on(workspace, dataset_of(workspace, train=rows, validation=real_rows()))
    parent = dataset_of(workspace, train=[*rows[:12], swapped, *rows[13:]], validation=real_rows())
    before = error_analysis(ErrorAnalysisRequest(model=model, dataset=parent), context_on(workspace))
    assert swapped.id in [issue.example for issue in before.label_issues]

    approved = edit({"action": "approve", "rows": {"ids": [swapped.id]}}).dataset
    after = error_analysis(ErrorAnalysisRequest(model=model, dataset=approved), context_on(workspace))

    assert swapped.id not in [issue.example for issue in after.label_issues]
    assert "Of 1 more the label is doubted, and a person has decided on them" in after.summary


def test_a_model_says_which_labels_it_knows_where_the_task_has_others(
    workspace: Workspace, task: Task, edit: Editor
) -> None:
    parent = dataset_of(workspace, train=written_rows(), validation=real_rows())
    model = trained_on(workspace, parent)
    edit({"action": "add_label", "label": "money back"})
    edit({"action": "relabel", "rows": {"ids": [real_rows()[0].id]}, "label": "money back"})

    answer = classify(ClassifyRequest(model=model, texts=("where is my parcel",)), context_on(workspace))
    told = f"The task's labels have changed since {model} was trained: it does not know 'money back'."
    assert told in answer.summary
    fewer = evaluate(EvaluateRequest(model=model), context_on(workspace))
    assert f"1 row is left out: it has labels that {model} does not know ('money back' 1)." in fewer.summary
    assert fewer.figures.rows == len(real_rows()) - 1
    with pytest.raises(
        InvalidInput, match=r"the model does not know \('money back'\).*train again, on these rows: train_classifier"
    ):
        error_analysis(ErrorAnalysisRequest(model=model), context_on(workspace))
    measured = evaluate(EvaluateRequest(model=model, dataset=parent), context_on(workspace))
    assert told in measured.summary
    assert "Too few rows to train on" in measured.next_step  # none of the new label is


def test_edits_of_one_line_do_not_reach_another(workspace: Workspace, dataset: str, edit: Editor) -> None:
    row = row_with(workspace, dataset, LAMP)
    edit({"action": "remove", "rows": {"ids": [row.id]}})

    other = save_dataset(workspace, "support", {"train": [row]}, parent=None, run_key="o", made_by="import_examples").id
    result = edit({"action": "approve", "rows": {"ids": [row.id]}}, dataset=other)

    assert result.rows == 1


@pytest.mark.usefixtures("task")
def test_real_rows_that_a_model_relabelled_stay_real_and_an_evaluation_says_how_many_count(
    workspace: Workspace, edit: Editor
) -> None:
    parent = dataset_of(workspace, train=written_rows(), validation=real_rows())
    model = trained_on(workspace, parent)
    first, second = (row.id for row in real_rows()[:2])
    changed = edit(
        {"action": "relabel", "rows": {"ids": [first, second]}, "label": "account"}, decided_by="model"
    ).dataset
    vouched = edit({"action": "approve", "rows": {"ids": [second]}}).dataset

    said = [
        evaluate(EvaluateRequest(model=model, dataset=dataset), context_on(workspace))
        for dataset in (parent, changed, vouched)
    ]

    assert {one.data for one in said} == {"real"}
    assert {rows_of(workspace, vouched)[id_].origin for id_ in (first, second)} == {"real"}
    assert "that a model gave in place of another" not in said[0].summary
    assert "2 of these rows have labels that a model gave in place of another" in said[1].summary
    assert "1 of these rows has a label that a model gave in place of another" in said[2].summary
