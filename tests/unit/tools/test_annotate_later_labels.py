"""`annotate_examples` while labels change: no answer is lost, and a text whose label is no more is asked again."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from classwright_tools.annotate_examples import AnnotateExamplesRequest, AnnotateExamplesResult, annotate_examples
from classwright_tools.annotation.answers import AnnotationAnswers
from classwright_tools.chronicle.open_work import open_work
from classwright_tools.context import ToolContext
from classwright_tools.domain.annotation import Annotation, Answer, RowToLabel
from classwright_tools.domain.example import Split
from classwright_tools.domain.kinds import KINDS
from classwright_tools.domain.task import Task
from classwright_tools.domain.writer import Completion, WritingRequest
from classwright_tools.errors import NotEnoughData
from classwright_tools.workspace.datasets import read_rows
from support.editing import Editor, editor
from support.learning import save_rows, unlabelled_rows, written_rows
from support.writing_verbs import ScriptedWriter

pytestmark = pytest.mark.usefixtures("embedded")
TEXTS = unlabelled_rows(refund=12)
OWN = {row.id for row in TEXTS}
SPLIT = {
    "action": "split_label",
    "label": "refund",
    "into": [{"label": "money", "rows": {"where": {"text": "money"}}}, {"label": "return"}],
}
KEEPS_THE_NAME = {**SPLIT, "into": [SPLIT["into"][0], {"label": "refund"}]}
REMOVE = {"action": "remove_label", "label": "refund"}
RENAME = {"action": "rename_label", "label": "refund", "to": "money"}


@pytest.fixture
def edit(task: Task, context: ToolContext) -> Editor:
    save_rows(context.workspace, written_rows(), [], unlabelled=TEXTS)
    return editor(context)


def begin(context: ToolContext, run_key: str = "ask", **more: Any) -> tuple[AnnotateExamplesResult, list[RowToLabel]]:
    """Return the first answer of an annotation of all texts, and its rows that are no checks."""
    made = annotate_examples(AnnotateExamplesRequest(task="support", **more), replace(context, run_key=run_key))
    annotation = context.workspace.document(made.annotation, "annotation", Annotation)
    return made, [row for row in annotation.rows if row.row in OWN]


def answer(context: ToolContext, rows: list[RowToLabel], label: str = "", **more: Any) -> AnnotateExamplesResult:
    labels = {row.id: (label,) for row in rows}
    request = AnnotateExamplesRequest(task="support", annotation="support-n1", labels=labels, **more)
    return annotate_examples(request, context)


def labels_in(context: ToolContext, dataset: str | None, split: Split = "train") -> dict[str, str | None]:
    return {row.id: row.label for row in read_rows(context.workspace, str(dataset), split) if row.id in OWN}


@pytest.mark.parametrize(
    ("change", "now", "by"),
    [
        (SPLIT, "return", "person: In\u00e9s"),
        (KEEPS_THE_NAME, "refund", "model"),
        (REMOVE, "account", "model"),
    ],
    ids=["split", "split and kept", "removed"],
)
def test_texts_answered_with_a_label_that_ended_are_asked_again_in_the_annotation_that_is_open(
    context: ToolContext, edit: Editor, change: dict[str, Any], now: str, by: str
) -> None:
    _, own = begin(context)
    answer(context, own[:5], "refund", decided_by=by)
    edited = edit(change)
    ended = "answered before with 'refund', which was split or taken away since"

    assert f"support-n1 is still open, and 5 texts of it were {ended}: annotate_examples(" in edited.summary
    [*_, open_] = open_work(context.workspace, context.workspace.task("support"), None)
    assert open_.startswith("Of support-n1 0 of ")
    goes_on = answer(context, own[5:], "delivery")
    assert f"5 texts are asked again now: {ended}." in goes_on.summary
    assert {row.id for row in own[:5]} <= {text.id for text in goes_on.texts}
    assert now in goes_on.rules[-1], "the labels have changed since they were told"
    assert not answer(context, own[:1], now, decided_by=by).rules
    last = answer(context, own[1:5], now, decided_by=by, finish=True)
    assert labels_in(context, last.dataset) == {row.row: now if row in own[:5] else "delivery" for row in own}
    newest = edit({"action": "rename_label", "label": now, "to": "other"}).dataset
    repeated = answer(context, own[5:], "delivery")
    assert (repeated.have, repeated.dataset, repeated.agreement) == (last.have, last.dataset, last.agreement)
    assert f"train_classifier(task='support', dataset={newest!r})" in repeated.next_step
    assert "asked again" not in last.summary


def test_texts_answered_with_a_label_that_ended_before_the_end_come_first_in_the_next_annotation(
    context: ToolContext, edit: Editor
) -> None:
    _, own = begin(context, rows=10)
    answer(context, own[:6], "refund")
    split = edit(SPLIT)
    last = answer(context, own[6:], "delivery", finish=True)
    assert "6 texts are asked again by the next annotation: answered before with 'refund'" in last.summary
    assert "4 rows got a label from a model and are training rows now." in last.summary
    edit(undo=split.dataset)  # the label is there again, and the rows still have none

    drawn, _ = begin(context, "drawn", order="random")
    again, first = begin(context, "next", rows=7)
    few, _ = begin(context, "few", rows=3)

    assert "6 rows may be asked again: answered before with 'refund'" in drawn.summary
    assert "6 rows come again, first: answered before with 'refund'" in again.summary
    assert "6 asked again and 1 typical one of 8 unlabelled rows" in again.summary
    assert {row.row for row in own[:6]} < {row.row for row in first}
    assert "3 asked again of 8 unlabelled rows" in few.summary
    assert "3 rows come again, first" in few.summary
    assert not re.search("not asked again|from_dataset", again.summary)


def test_a_text_is_not_asked_again_where_its_label_waits_for_a_dataset_or_it_was_removed(
    context: ToolContext, edit: Editor
) -> None:
    _, own = begin(context)
    removed = [row.row for row in own[:2]]
    edit({"action": "remove", "rows": {"ids": removed}})
    annotation = context.workspace.document("support-n1", "annotation", Annotation)
    answers = {row.row: Answer(labels=("refund",)) for row in own}
    AnnotationAnswers(context.workspace, "support-n1", annotation).receive(answers, datetime.now(UTC), finish=True)

    with pytest.raises(NotEnoughData, match=r"12 rows that have a label in support-n1 are not asked again"):
        begin(context, "next", dataset="support-d1")  # the call was cut off before it made the dataset
    brought = annotate_examples(
        AnnotateExamplesRequest(task="support", annotation="support-n1", finish=True), replace(context, run_key="again")
    )
    assert labels_in(context, brought.dataset) == dict.fromkeys(OWN - {*removed}, "refund")
    with pytest.raises(NotEnoughData, match=rf"10 rows that have a label in {brought.dataset} are not asked again"):
        begin(context, "next", dataset="support-d1")


def test_answers_follow_a_label_that_is_renamed_or_merged_and_the_checks_with_them(
    context: ToolContext, edit: Editor
) -> None:
    asked, own = begin(context)
    checks = [text.id for text in asked.texts if text.id not in {row.id for row in own}]
    annotation = context.workspace.document("support-n1", "annotation", Annotation)
    label_of = {row.id: row.label for row in written_rows()}
    known = {row.id: str(label_of[row.row]) for row in annotation.rows if row.id in checks}
    answer(context, own[:4], "refund")
    answer(context, own[4:8], "account")
    edit(RENAME, {"action": "add_label", "label": "refund"})
    edit({"action": "merge_label", "label": "account", "to": "money"})

    now = {"refund": "money", "account": "money", "delivery": "delivery"}
    request = AnnotateExamplesRequest(
        task="support", annotation="support-n1", labels={id_: (now[label],) for id_, label in known.items()}
    )
    annotate_examples(request, context)
    last = answer(context, own[8:], "refund", finish=True)

    assert labels_in(context, last.dataset) == {row.row: "refund" if row in own[8:] else "money" for row in own}
    assert (last.checked, last.agreement and last.agreement.value) == (len(checks), 1.0)


@pytest.mark.parametrize(
    ("change", "now"),
    [(RENAME, "money"), ({"action": "merge_label", "label": "refund", "to": "account"}, "account")],
    ids=["renamed", "merged"],
)
def test_answers_of_a_writer_follow_a_label_that_changes_while_it_labels(
    context: ToolContext, edit: Editor, change: dict[str, Any], now: str
) -> None:
    last = labelled_during(context, edit, change)

    assert labels_in(context, last.dataset) == dict.fromkeys(OWN, now)
    assert last.agreement
    assert last.agreement.value > 0, "the checks are told under the names of now"


@pytest.mark.parametrize("change", [SPLIT, KEEPS_THE_NAME], ids=["split", "split and kept"])
def test_texts_whose_label_a_writer_gave_while_it_was_split_are_asked_again(
    context: ToolContext, edit: Editor, change: dict[str, Any]
) -> None:
    last = labelled_during(context, edit, change)
    again, own = begin(context, "next")

    assert last.dataset is None
    assert "12 texts are asked again by the next annotation: answered before with 'refund'" in last.summary
    assert "12 rows come again, first: answered before with 'refund'" in again.summary
    assert len(own) == 12


@pytest.mark.parametrize("change", [SPLIT, {"action": "add_label", "label": "greeting"}], ids=["split", "added"])
def test_random_texts_do_not_tell_the_shares_of_labels_that_some_could_not_be_given_or_have_no_more(
    context: ToolContext, edit: Editor, change: dict[str, Any]
) -> None:
    _, own = begin(context, order="random")
    answer(context, own[:6], "refund")
    edit(change)

    last = answer(context, own[6:], "delivery", finish=True)

    assert last.dataset
    assert "Labels of" not in last.summary


def test_an_edit_that_is_saved_is_told_though_an_open_annotation_does_not_read_back(
    context: ToolContext, edit: Editor
) -> None:
    _, own = begin(context)
    answer(context, own[:5], "refund")
    (context.workspace.artifact("support-n1", "annotation").path / KINDS["annotation"].document).write_text("{")

    edited = edit(SPLIT, {"action": "add_label", "label": "greeting"})

    assert edited.dataset == "support-d2"
    assert "support-n1" not in edited.summary


def test_answers_count_where_the_newest_version_went_back_to_one_of_another_line(
    context: ToolContext, edit: Editor
) -> None:
    _, own = begin(context)
    answer(context, own[:5], "refund")
    flag = {"action": "flag", "rows": {"ids": [written_rows()[0].id]}}
    ahead = edit(flag).dataset
    other = edit({"action": "approve", "rows": flag["rows"]}, dataset="support-d1").dataset
    other = edit(flag, dataset=other).dataset
    edit(revert_to=other, dataset=ahead)

    last = answer(context, own[5:], "delivery", finish=True)

    assert labels_in(context, last.dataset) == {row.row: "refund" if row in own[:5] else "delivery" for row in own}


def labelled_during(context: ToolContext, edit: Editor, change: dict[str, Any]) -> AnnotateExamplesResult:
    """Return what comes of a writer that answers 'refund' to all texts, while a label changes."""
    changes = iter([change])

    def reply(request: WritingRequest) -> Completion:
        for one in changes:
            edit(one)
        return Completion(items=tuple(f"{text.id}: refund" for text in request.texts))

    return annotate_examples(
        AnnotateExamplesRequest(task="support"), replace(context, run_key="write", writer=ScriptedWriter(reply))
    )
