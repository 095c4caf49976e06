"""`annotate_examples`: who decided, rows for validation, and texts that no label fits."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from classwright_tools.annotate_examples import AnnotateExamplesRequest, AnnotateExamplesResult, annotate_examples
from classwright_tools.annotation.random_rows import RandomLabels, shares_of_task, wanted_of
from classwright_tools.context import ToolContext
from classwright_tools.domain.annotation import Annotation
from classwright_tools.domain.example import Example, Split, make_example
from classwright_tools.domain.source import GivenRow
from classwright_tools.domain.task import Task
from classwright_tools.edit_examples import EditExamplesRequest, edit_examples
from classwright_tools.errors import NotEnoughData
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.find_examples import FindExamplesRequest, find_examples
from classwright_tools.import_examples import ImportExamplesRequest, import_examples
from classwright_tools.learning.training_data import counted_validation, read_training_data, unlabelled_texts
from classwright_tools.measurement.rows_compared import fair_rows
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.datasets import read_edits, read_rows
from support.editing import editor
from support.learning import real_rows, save_rows, unlabelled_rows, written_rows

pytestmark = pytest.mark.usefixtures("embedded")
TEXTS = unlabelled_rows(delivery=40, refund=30, account=20)
LABEL_OF = {
    row.id: label for row, label in zip(TEXTS, ["delivery"] * 40 + ["refund"] * 30 + ["account"] * 20, strict=True)
}


@pytest.fixture
def dataset(task: Task, context: ToolContext) -> str:
    return save_rows(context.workspace, written_rows(), [], unlabelled=TEXTS)


def ask(context: ToolContext, run_key: str = "ask", **more: Any) -> tuple[str, Annotation]:
    made = annotate_examples(AnnotateExamplesRequest(task="support", **more), replace(context, run_key=run_key))
    return made.annotation, context.workspace.document(made.annotation, "annotation", Annotation)


def labelled(
    context: ToolContext, asked: tuple[str, Annotation], fits_none: int = 0, **more: Any
) -> AnnotateExamplesResult:
    """Answer with the labels that the texts have, but for the first, which fit none."""
    id_, annotation = asked
    own = [row for row in annotation.rows if row.row in LABEL_OF]
    labels = {row.id: [LABEL_OF[row.row]] for row in own[fits_none:]}
    unfit = [row.id for row in own[:fits_none]]
    request = AnnotateExamplesRequest(
        task="support", annotation=id_, labels=labels, fits_none=unfit, finish=True, **more
    )
    return annotate_examples(request, context)


def rows_of(context: ToolContext, split: Split, dataset: str = "support-d2") -> list[Example]:
    return [row for row in read_rows(context.workspace, dataset, split) if row.id in LABEL_OF]


def test_random_texts_become_validation_rows_that_a_training_is_measured_by(context: ToolContext, dataset: str) -> None:
    asked = ask(context, rows=60, split="validation")
    result = labelled(context, asked)

    assert asked[1].order == "random"
    assert "60 rows got a label from a model and are validation rows now" in result.summary
    assert {row.origin for row in rows_of(context, "validation")} == {"annotated"}
    assert not rows_of(context, "train")
    trained = train_classifier(TrainClassifierRequest(task="support", method="probe"), replace(context, run_key="m"))
    assert (trained.validation.data, trained.validation.rows) == ("annotated", 60)
    assert list(trained.shares) == ["delivery", "refund", "account"]


def test_of_validation_rows_it_is_told_that_labels_by_a_model_do_not_count_beside_enough_real_ones(
    task: Task, context: ToolContext
) -> None:
    real = real_rows(copies=30)
    save_rows(context.workspace, written_rows(), real, unlabelled=TEXTS)
    told = f"{len(real)} real validation rows are there, so that only labels by a person count"

    request = AnnotateExamplesRequest(task="support", rows=10, split="validation")
    begun = annotate_examples(request, replace(context, run_key="first"))
    by_model = labelled(context, ask(context, "by-model", rows=10, split="validation"))
    by_person = labelled(context, ask(context, "by-person", rows=10, split="validation"), decided_by="person")
    trains = labelled(context, ask(context, "trains", rows=10, order="random"))

    assert told in begun.summary
    assert told in by_model.summary
    assert "validation rows now" in by_person.summary
    assert told not in by_person.summary
    assert told not in trains.summary


@pytest.mark.parametrize("order", ["typical", "informative"])
def test_validation_rows_are_of_no_other_order(order: str) -> None:
    with pytest.raises(ValidationError, match="validation rows are a random sample"):
        AnnotateExamplesRequest(task="support", split="validation", order=order)  # type: ignore[arg-type]  # one of them


def test_what_a_person_labelled_is_real_and_vouched_for(context: ToolContext, dataset: str) -> None:
    labelled(context, ask(context, rows=10), decided_by="person")

    rows = rows_of(context, "train")
    found = find_examples(FindExamplesRequest(task="support", mark="person"), context)
    assert [(row.origin, row.provenance) for row in rows] == [("real", None)] * 10
    assert {row.id for row in found.rows} == {row.id for row in rows}
    assert {row.id: row.label for row in rows} == {row.id: LABEL_OF[row.id] for row in rows}
    model = EditExamplesRequest.model_validate(
        {
            "task": "support",
            "reason": "seems so",
            "decided_by": "model",
            "changes": [{"action": "relabel", "rows": {"ids": [rows[0].id]}, "label": "account"}],
        }
    )
    assert "Left as they are" in edit_examples(model, context).summary


def test_a_person_who_answers_by_name_is_named_by_the_row_by_the_history_and_where_rows_are_found(
    context: ToolContext, dataset: str
) -> None:
    id_, annotation = ask(context, rows=4)
    one, two, *_ = (row for row in annotation.rows if row.row in LABEL_OF)
    for row, by in ((one, "person: Zo\u00eb B."), (two, "person")):
        fields = {"task": "support", "annotation": id_, "labels": {row.id: (LABEL_OF[row.row],)}, "decided_by": by}
        annotate_examples(
            AnnotateExamplesRequest.model_validate({**fields, "finish": row is two}), replace(context, run_key=row.id)
        )

    told = find_examples(FindExamplesRequest(task="support", history=True), context).history[0]
    shown = find_examples(FindExamplesRequest(task="support", ids=(one.row,)), context)
    where = FindExamplesRequest.model_validate({"task": "support", "where": {"decided_by": "zo\u00eb b."}})

    assert told.by == "Zo\u00eb B. (1), a person (1)"
    assert "(by Zo\u00eb B., " in shown.rows[0].note
    assert {row.id for row in find_examples(where, context).rows} == {one.row}
    kept = {edit.person: set(edit.rows) for edit in read_edits(context.workspace, told.id)}
    assert kept == {"Zo\u00eb B.": {one.row}, None: {two.row}}


@pytest.mark.parametrize("by", ["Ann", "claude", "person:", "person: <b>", "model: Ann"])
def test_who_answers_is_a_person_or_a_model_and_no_other_word_counts_as_one(by: str) -> None:
    with pytest.raises(ValidationError, match="is 'model', 'person', or a person by a plain name"):
        AnnotateExamplesRequest(task="support", annotation="support-n1", fits_none=("t1",), decided_by=by)


def test_one_annotation_may_have_answers_of_a_person_and_of_a_model(context: ToolContext, dataset: str) -> None:
    id_, annotation = ask(context, rows=4)
    one, two = [row for row in annotation.rows if row.row in LABEL_OF][:2]

    for row, by in ((one, "person"), (two, "model")):
        request = AnnotateExamplesRequest(
            task="support",
            annotation=id_,
            labels={row.id: (LABEL_OF[row.row],)},
            decided_by=by,  # type: ignore[arg-type]  # one of them
            finish=by == "model",
        )
        result = annotate_examples(request, context)

    assert "(1 from a person, 1 from a model)" in result.summary
    assert {row.id: row.origin for row in rows_of(context, "train")} == {one.row: "real", two.row: "annotated"}


def test_a_row_tells_which_annotation_labelled_it_when_and_in_which_version(context: ToolContext, dataset: str) -> None:
    asked = ask(context, rows=4)
    made = labelled(context, asked).dataset

    ids = tuple(row.id for row in rows_of(context, "train"))
    day = context.workspace.artifact(str(made), "dataset").created
    said = f"labelled by a model ({day:%Y-%m-%d}, {asked[0]}, in {made})"
    assert {row.note for row in find_examples(FindExamplesRequest(task="support", ids=ids), context).rows} == {said}
    changed = find_examples(FindExamplesRequest(task="support", compare_to=dataset), context)
    assert {row.note for row in changed.rows} == {f"relabelled, was no label; moved, was in unlabelled; {said}"}


def test_labels_of_a_version_beside_are_told_wherever_they_are_out_of_reach(context: ToolContext, dataset: str) -> None:
    made = labelled(context, ask(context, rows=10), fits_none=2).dataset
    more = (GivenRow(text="a parcel that nobody asked about"),)
    request = ImportExamplesRequest(task="support", split="unlabelled", rows=more, dataset=dataset)
    beside = import_examples(request, replace(context, run_key="beside"))

    assert f"What was added to {dataset} as {made} is not in {beside.dataset}: import_examples(" in beside.summary
    edited = editor(context)({"action": "add_label", "label": "other"}, dataset=dataset)
    assert f"What was added to {dataset} as {beside.dataset}, {made} is not in {edited.dataset}" in edited.summary
    asked = AnnotateExamplesRequest(task="support", dataset=beside.dataset, rows=5)
    said = annotate_examples(asked, replace(context, run_key="again")).summary
    call = f"import_examples(task='support', split='train', dataset={beside.dataset!r}, from_dataset={made!r})"
    assert f"8 rows that have a label in {made} are not asked again: {call} brings it." in said
    assert "2 rows that were answered without a single label" in said


def test_labels_in_an_annotation_that_is_still_open_are_told_with_the_call_that_brings_them(
    context: ToolContext, dataset: str
) -> None:
    id_, annotation = ask(context, rows=len(TEXTS), order="random")
    own = [row for row in annotation.rows if row.row in LABEL_OF]

    def then(rows: slice, next_: str) -> str:
        given = {row.id: (LABEL_OF[row.row],) for row in own[rows]}
        annotate_examples(AnnotateExamplesRequest(task="support", annotation=id_, labels=given), context)
        asked = AnnotateExamplesRequest(task="support", order="random")
        return annotate_examples(asked, replace(context, run_key=next_)).summary

    told = f"a label in {id_} are not asked again: annotate_examples(task='support', annotation='{id_}', finish=true)"
    said = then(slice(60), "second")
    assert f"60 rows that have {told}" in said
    assert "without a single label" not in said
    with pytest.raises(NotEnoughData, match=re.escape(f"90 rows that have {told}")):
        then(slice(60, None), "third")
    ended = annotate_examples(AnnotateExamplesRequest(task="support", annotation=id_, finish=True), context)
    assert "90 rows got a label" in ended.summary


@pytest.mark.parametrize(
    "more",
    [{"split": "validation"}, {"rows": 7}, {"order": "random"}, {"dataset": "support-d1"}, {"max_tokens": 9}],
    ids=str,
)
def test_what_the_first_call_has_set_is_refused_with_answers(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=f"leave '{next(iter(more))}' out"):
        AnnotateExamplesRequest(task="support", annotation="support-n1", finish=True, **more)
    stored = AnnotateExamplesRequest(task="support", annotation="support-n1").model_dump(mode="json")
    assert AnnotateExamplesRequest.model_validate(stored).annotation == "support-n1"  # as older jobs keep it


def test_who_decided_is_said_with_answers_alone() -> None:
    with pytest.raises(ValidationError, match="go with `annotation`"):
        AnnotateExamplesRequest(task="support", decided_by="person")


def test_texts_that_no_label_fits_keep_a_mark_and_are_given_one_in_a_call(context: ToolContext, dataset: str) -> None:
    result = labelled(context, ask(context, rows=60, order="random"), fits_none=4)

    found = find_examples(FindExamplesRequest(task="support", mark="fits_none"), context)
    assert (found.total, set(found.splits)) == (4, {"unlabelled"})
    assert "Of random texts 7% (3% to 16%) of 60 fit no label" in result.summary
    assert "Labels of 60 random texts: 'delivery' " in result.summary
    assert "'rows': {'mark': 'fits_none'}" in result.next_step
    [said] = [edit for edit in read_edits(context.workspace, str(result.dataset)) if edit.action == "fits_none"]
    assert said.none_of == context.workspace.task("support").label_names
    changes = [
        {"action": "add_label", "label": "other"},
        {"action": "relabel", "label": "other", "rows": {"mark": "fits_none"}},
    ]
    edit = EditExamplesRequest.model_validate({"task": "support", "reason": "they are", "changes": changes})
    edit_examples(edit, context)
    assert not find_examples(FindExamplesRequest(task="support", mark="fits_none"), context).total
    assert find_examples(FindExamplesRequest(task="support"), context).labels["other"] == 4


def test_texts_that_no_label_fitted_and_that_were_imported_with_one_since_are_not_among_them(
    context: ToolContext, dataset: str
) -> None:
    result = labelled(context, ask(context, rows=10), fits_none=4)
    marked = find_examples(FindExamplesRequest(task="support", mark="fits_none"), context).rows
    rows = [GivenRow(text=row.text, label="account") for row in marked[:2]]
    request = ImportExamplesRequest(task="support", split="train", rows=rows)

    imported = import_examples(request, replace(context, run_key="import"))

    assert imported.dataset != result.dataset
    found = find_examples(FindExamplesRequest(task="support", mark="fits_none"), context)
    assert {row.id for row in found.rows} == {row.id for row in marked[2:]}
    later = labelled(context, ask(context, "later", rows=5))
    assert "add_label" in result.next_step
    assert "add_label" not in later.next_step


def test_two_texts_that_no_label_fits_make_a_version_but_no_suggestion(context: ToolContext, dataset: str) -> None:
    asked = ask(context, rows=2)

    result = labelled(context, asked, fits_none=2)

    assert result.dataset == "support-d2"
    assert "add_label" not in result.next_step


def test_texts_that_no_label_fits_are_counted_beside_the_shares_of_the_labels(
    context: ToolContext, dataset: str, task: Task
) -> None:
    made = labelled(context, ask(context, rows=90, order="random"), fits_none=20).dataset

    shares, _ = shares_of_task(context.workspace, task, str(made))

    assert shares
    assert (shares.texts, shares.fits_none) == (70, 20)
    assert "those of 70 random texts that were labelled, beside which 20 fit no label" in shares.in_words


@pytest.mark.parametrize(
    ("labelled", "answered", "labels", "told"),
    [
        (350, 400, 3, "350 of 400 random texts that were answered have a label: too few to tell how frequent each "),
        (350, 400, 3, "360 are needed. Give the others one: edit_examples. To state the shares: propose_topics("),
        (80, 80, 20, "100 are needed. Have more labelled: annotate_examples(order='random'). To state the shares: "),
    ],
)
def test_random_texts_that_are_too_few_to_tell_shares_are_counted_with_what_is_missing(
    labelled: int, answered: int, labels: int, told: str
) -> None:
    found = RandomLabels(Counter(refund=labelled), answered=answered, wanted=wanted_of(labels))

    assert not found.tell
    assert told in found.why_not
    assert not RandomLabels(Counter(refund=20), answered=40, wanted=wanted_of(3)).why_not, "too few to speak of"


@pytest.mark.parametrize("by", ["person", "model"])
def test_texts_that_were_labelled_still_tell_shares_whoever_labelled_them(
    context: ToolContext, dataset: str, by: str
) -> None:
    before = set(unlabelled_texts(context.workspace, dataset))

    result = labelled(context, ask(context, rows=30), decided_by=by)

    assert result.dataset
    assert set(unlabelled_texts(context.workspace, result.dataset)) == before


def test_rows_that_a_model_labelled_count_in_validation_until_enough_real_ones_are_there(task: Task) -> None:
    real, annotated, written = (
        [make_example(f"{origin} {n}", "refund", origin=origin) for n in range(50)]  # type: ignore[arg-type]  # one
        for origin in ("real", "annotated", "written")
    )

    assert counted_validation([*real, *annotated, *written]) == real
    assert counted_validation([*real[:49], *annotated, *written]) == [*real[:49], *annotated]
    assert counted_validation(written) == written


def test_the_rows_that_a_training_reads_of_a_validation_split_are_those_that_count(
    context: ToolContext, dataset: str, task: Task
) -> None:
    labelled(context, ask(context, rows=60, split="validation"))

    validation = read_training_data(context.workspace, "support-d2", task).validation

    assert validation
    assert (validation.origin, len(validation)) == ("annotated", 60)


@pytest.mark.parametrize("real", [30, 55])
def test_validation_rows_of_real_texts_are_named_by_the_least_real_and_those_that_count_alone_are_measured(
    context: ToolContext, task: Task, real: int
) -> None:
    own = [*unlabelled_rows(delivery=60), *unlabelled_rows(refund=25)]
    texts = [row.text for row in own]
    validation = [make_example(text, "delivery") for text in texts[:real]]
    validation += [make_example(text, "refund", origin="annotated") for text in texts[60:]]
    validation += [make_example("by a model, the money is gone", "refund", origin="written")]
    dataset = save_rows(context.workspace, written_rows(), validation)
    data, rows = ("real", 55) if real == 55 else ("annotated", 55)

    trained = train_classifier(TrainClassifierRequest(task="support", method="probe"), replace(context, run_key="m"))
    measured = evaluate(EvaluateRequest(model=trained.model), replace(context, run_key="e"))

    assert (trained.validation.data, trained.validation.rows) == (data, rows)
    assert trained.validation.measured_on == f"{rows} {data} validation rows"
    assert (measured.dataset, measured.data, measured.figures.rows, measured.left_out) == (dataset, data, rows, 0)
    beside = "26 more validation rows are" if real == 55 else "1 more validation row is"
    assert f"{beside} not counted: a model gave the text or the label" in measured.summary
    sure = "real texts" if real == 55 else "real texts (some or all labelled by a model)"
    assert f"% of {sure} like the validation rows" in trained.summary


@pytest.mark.parametrize("by", ["person", "model"])
def test_rows_that_were_picked_as_hard_judge_no_model_whoever_labelled_them(
    context: ToolContext, dataset: str, by: str
) -> None:
    train_classifier(TrainClassifierRequest(task="support", method="probe"), replace(context, run_key="m"))
    labelled(context, ask(context, rows=5, order="informative"), decided_by=by)
    known = [make_example("the parcel has come", "delivery")]

    fair = fair_rows(context.workspace, "support", [*rows_of(context, "train"), *known])

    assert fair == {known[0].id}
    trained = train_classifier(TrainClassifierRequest(task="support", method="probe"), replace(context, run_key="m2"))
    assert "5 of these rows were picked because a model was unsure there" in " ".join(trained.notes)
