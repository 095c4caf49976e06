"""Decisions where rows may have several labels: sets that fit, what a blind one says, and the version made of them."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from classwright_server.mcp.page_arguments import DecideRequest, Looked, OpenRequest, RowsRequest
from classwright_server.mcp.review_desk import ReviewDesk
from classwright_tools.context import ToolContext
from classwright_tools.domain.changes import Change
from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Label
from classwright_tools.edit_examples import EditExamplesRequest, edit_examples
from classwright_tools.find_examples import FindExamplesRequest, find_examples
from classwright_tools.finish_review import FinishReviewRequest, finish_review
from classwright_tools.measurement.judging import doubts_about
from classwright_tools.undo_decision import UndoDecisionRequest, undo_decision
from classwright_tools.workspace.datasets import read_edits, read_table
from classwright_tools.workspace.workspace import Workspace
from support.editing import row_with, rows_of
from support.measurement import dataset_of
from support.review import SHORT, review_of_sets
from support.several import several_task


@pytest.fixture
def dataset(workspace: Workspace) -> str:
    return review_of_sets(workspace, "mail")


def decide(workspace: Workspace, dataset: str, *decisions: dict[str, Any]) -> dict[str, Any]:
    numbered = [{"id": f"decision-{number}", **one} for number, one in enumerate(decisions)]
    request = DecideRequest.model_validate({"dataset": dataset, "person": "ann", "decisions": numbered})
    return ReviewDesk().decide(workspace, request)


def test_sets_are_decided_and_a_version_has_them(workspace: Workspace, context: ToolContext, dataset: str) -> None:
    short, bare = row_with(workspace, dataset, SHORT), row_with(workspace, dataset, "where is my box")
    right = row_with(workspace, dataset, "what a lovely shop")

    answer = decide(
        workspace,
        dataset,
        {"action": "relabel", "rows": [short.id], "labels": ["delivery", "refund"]},
        {"action": "relabel", "rows": [bare.id], "labels": []},
        {"action": "accept", "rows": [right.id]},
    )
    made = finish_review(FinishReviewRequest(task="mail"), context)

    assert answer["refused"] == []
    rows = rows_of(workspace, made.dataset)
    assert rows[short.id].labels == ("refund", "delivery")
    assert rows[bare.id].labels == ()
    assert rows[right.id] == right
    assert {edit.action for edit in read_edits(workspace, made.dataset)} == {"relabel", "approve"}


def test_sets_that_wait_go_with_a_label_that_is_merged_in_the_order_of_the_task(
    workspace: Workspace, context: ToolContext, dataset: str
) -> None:
    short = row_with(workspace, dataset, SHORT)
    both = next(row for row in rows_of(workspace, dataset).values() if len(row.labels or ()) == 2)
    given = {"action": "relabel", "labels": ["refund", "delivery"]}
    decide(workspace, dataset, {**given, "rows": [short.id]}, {**given, "rows": [both.id]})
    change = Change(action="merge_label", label="refund", to="account")
    merged = EditExamplesRequest(task="mail", reason="one", changes=(change,))
    parent = edit_examples(merged, replace(context, run_key="merge")).dataset

    made = finish_review(FinishReviewRequest(task="mail"), replace(context, run_key="save"))

    rows = rows_of(workspace, made.dataset)
    assert rows[short.id].labels == rows[both.id].labels == ("delivery", "account")
    own = {edit.action: {*edit.rows} for edit in read_edits(workspace, made.dataset) if edit.dataset == parent}
    assert own == {"relabel": {short.id}, "approve": {both.id}}


def test_saved_decisions_on_sets_are_taken_back_one_by_one_and_labels_have_the_names_of_now(
    workspace: Workspace, context: ToolContext, dataset: str
) -> None:
    short, bare = row_with(workspace, dataset, SHORT), row_with(workspace, dataset, "where is my box")
    both = next(row for row in rows_of(workspace, dataset).values() if len(row.labels or ()) == 2)
    decide(
        workspace,
        dataset,
        {"action": "relabel", "rows": [short.id], "labels": ["account"]},
        {"action": "relabel", "rows": [bare.id], "labels": ["refund"]},
        {"action": "remove", "rows": [both.id]},
    )
    finish_review(FinishReviewRequest(task="mail"), replace(context, run_key="save"))
    change = Change(action="rename_label", label="delivery", to="parcels")
    edit_examples(
        EditExamplesRequest(task="mail", reason="clearer", changes=(change,)), replace(context, run_key="rename")
    )

    for number in range(3):
        asked = UndoDecisionRequest(task="mail", person="ann", id=f"undo-{number:04}", undoes=f"decision-{number}")
        made = undo_decision(asked, replace(context, run_key=f"undo {number}"))

    rows = rows_of(workspace, made.dataset)
    assert rows[short.id].labels == ("parcels",)
    assert rows[bare.id] == bare
    assert both.labels is not None
    assert rows[both.id].labels == tuple(name.replace("delivery", "parcels") for name in both.labels)
    assert len(rows) == len(rows_of(workspace, dataset))


def test_a_version_is_made_of_a_set_that_is_longer_than_a_label(workspace: Workspace, context: ToolContext) -> None:
    names = [f"{letter}, a label whose name is of forty letters" for letter in "abc"]
    workspace.save_task(several_task().model_copy(update={"labels": tuple(Label(name=name) for name in names)}))
    row = make_example("all three", None, labels=names[:1])
    dataset = dataset_of(workspace, "mail", train=[row])

    decide(workspace, dataset, {"action": "relabel", "rows": [row.id], "labels": names})
    made = finish_review(FinishReviewRequest(task="mail"), context)

    assert rows_of(workspace, made.dataset)[row.id].labels == tuple(names)


@pytest.mark.parametrize(("labels", "right"), [(["delivery"], True), (["refund", "delivery"], False), ([], False)])
def test_a_blind_decision_is_right_where_the_whole_set_is(
    workspace: Workspace, dataset: str, labels: list[str], right: bool
) -> None:
    row = row_with(workspace, dataset, SHORT)

    answer = decide(workspace, dataset, {"action": "relabel", "rows": [row.id], "labels": labels, "blind": True})

    assert (answer["sample"]["rows"], answer["sample"]["right"]) == (1, int(right))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"action": "relabel", "label": "refund"}, "may have several labels: pass `labels`"),
        ({"action": "relabel", "labels": ["refund", "thanks"]}, "no label 'thanks'"),
        ({"action": "accept"}, "no label that could be accepted"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason(
    workspace: Workspace, dataset: str, fields: dict[str, Any], reason: str
) -> None:
    bare = row_with(workspace, dataset, "where is my box")

    answer = decide(workspace, dataset, {"rows": [bare.id], **fields})

    assert reason in answer["refused"][0]["reason"]


def test_the_row_with_a_label_too_few_is_the_most_doubtful_and_is_found_by_what_was_added(
    workspace: Workspace, context: ToolContext, dataset: str
) -> None:
    doubts = doubts_about(context, dataset, None, mapped=True)
    desk = ReviewDesk()

    opened = desk.opened(workspace, OpenRequest())
    first = desk.rows(workspace, RowsRequest(dataset=dataset, limit=1))["rows"][0]
    look = {"added": "refund", "where": {"labels": ["delivery"]}}
    added = desk.rows(workspace, RowsRequest.model_validate({"dataset": dataset, "look": look}))
    figures = desk.figures(workspace, Looked(dataset=dataset))["confusion"]
    points = desk.points(workspace, Looked(dataset=dataset))
    decide(workspace, dataset, {"action": "flag", "rows": [first["id"]]})
    counts = [opened["doubts"]["disagrees"], desk.opened(workspace, OpenRequest())["doubts"]["disagrees"]]

    assert counts == [int(doubts.of_kind("disagrees").sum()) - decided for decided in (0, 1)]
    assert (first["text"], first["labels"], first["disagrees"]) == (SHORT, ["delivery"], True)
    assert {name for name, _ in first["guesses"][: first["given"]]} == {"refund", "delivery"}
    assert SHORT in [row["text"] for row in added["rows"]]
    assert (opened["multi_label"], opened["label_rows"]["|"]) == (True, 12)
    assert figures["right"] == figures["rows"] - int(doubts.of_kind("disagrees").sum())
    assert points["labels"][-2:] == ["several labels", "none of the labels"]


def test_each_cell_of_the_matrix_opens_the_rows_that_it_counts_also_those_where_nothing_was_missed_or_added(
    workspace: Workspace, context: ToolContext, dataset: str
) -> None:
    doubts_about(context, dataset, None, mapped=True)
    desk = ReviewDesk()
    figures = desk.figures(workspace, Looked(dataset=dataset))["confusion"]
    labels, none = figures["labels"], len(figures["labels"])
    counted = {}
    for own, guess, rows in figures["cells"]:
        if own == guess < none:
            look: dict[str, Any] = {"where": {"labels": [labels[own]]}, "guess": labels[guess]}
        else:
            look = {"where": {"labels": ["|"]}} if own == none else {"missed": [*labels, "", "|"][own]}
            look |= {"guess": "|"} if guess == none else {"added": [*labels, "", "|"][guess]}
        answer = desk.rows(workspace, RowsRequest.model_validate({"dataset": dataset, "look": look, "limit": 0}))
        assert answer["total"] == rows, (own, guess)
        counted[own, guess] = rows

    assert counted[none + 1, labels.index("refund")] >= 1, "the row with a label too few has all that it has"
    assert counted.get((none, none), 0) + counted[none + 1, none + 1] == figures["right"]
    assert figures["of"][none] == 12
    assert all(rows <= figures["of"][own] for (own, _), rows in counted.items())


def test_the_map_has_what_was_decided_before_it_is_saved(
    workspace: Workspace, context: ToolContext, dataset: str
) -> None:
    doubts_about(context, dataset, None, mapped=True)
    bare = row_with(workspace, dataset, "where is my box")

    def label() -> str:
        points = ReviewDesk().points(workspace, Looked(dataset=dataset))
        place = read_table(workspace, dataset)["id"].to_pylist().index(bare.id)
        number = int(np.frombuffer(b64decode(points["label"]), "<u2")[place])
        return [*points["labels"], "no label"][number]

    assert label() == "no label"
    decide(workspace, dataset, {"action": "relabel", "rows": [bare.id], "labels": ["refund"]})
    assert label() == "refund"


def test_a_label_is_put_in_where_it_is_probable_and_told_apart_in_real_rows(
    workspace: Workspace, context: ToolContext, dataset: str
) -> None:
    doubts = doubts_about(context, dataset, None, mapped=True)
    place = read_table(workspace, dataset)["text"].to_pylist().index("where is my box, i want my money back")

    assert doubts.told.all()
    assert doubts.suggested(place) == ("refund",)
    assert doubts.chances[place, 0] > 0.5
    assert doubts.sure(place) == ("refund",)
    assert replace(doubts, chances=doubts.chances / 4).sure(place) == ()
    unknown = replace(doubts, told=doubts.labels == "delivery")
    assert "refund" not in unknown.sure(place)
    desk = ReviewDesk()
    look = {"dataset": dataset, "look": {"unlabelled": True}}
    (shown,) = desk.rows(workspace, RowsRequest.model_validate(look))["rows"]
    assert shown["sure"] == ["refund"]


def test_doubts_are_told_in_the_chat_and_drawn(workspace: Workspace, context: ToolContext, dataset: str) -> None:
    request = FindExamplesRequest(task="mail", dataset=dataset, doubt="disagrees", picture=True)

    found = find_examples(request, context)

    assert found.rows[0].text == SHORT
    assert (found.rows[0].note or "").startswith("given: ")
    assert " + " in (found.rows[0].note or "")
    assert found.picture
