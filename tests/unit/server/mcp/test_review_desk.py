"""The answers to the review page: what is shown in part is counted, and others' decisions mark every row of theirs."""

from __future__ import annotations

import base64
from dataclasses import replace

import numpy as np
import pytest

from classwright_server.mcp import review_desk
from classwright_server.mcp.page_arguments import (
    DecideAllRequest,
    DecideRequest,
    HistoryRequest,
    Looked,
    NewsRequest,
    OpenRequest,
    RowsRequest,
)
from classwright_server.mcp.review_desk import ReviewDesk
from classwright_tools.context import ToolContext
from classwright_tools.domain.example import Provenance, make_example
from classwright_tools.domain.task import Task
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.edit_examples import EditExamplesRequest, edit_examples
from classwright_tools.errors import BudgetExceeded
from classwright_tools.finish_review import FinishReviewRequest, finish_review
from classwright_tools.measurement.doubts import Doubts, keep_doubts
from classwright_tools.review.pictures import MOST_CELLS
from classwright_tools.workspace.datasets import read_rows, read_table
from classwright_tools.workspace.workspace import Workspace
from support.measurement import context_on, dataset_of
from support.review import review_dataset

FLAGGED = 34  # rows outside the test split


def flag_all(desk: ReviewDesk, workspace: Workspace, dataset: str) -> None:
    fields = {"dataset": dataset, "person": "bob", "id": "decision-of-bob", "action": "flag", "rows": FLAGGED}
    desk.decide_all(workspace, DecideAllRequest.model_validate(fields))


def test_a_decision_of_another_person_about_many_rows_marks_each_of_them(workspace: Workspace, task: Task) -> None:
    desk, dataset = ReviewDesk(), review_dataset(workspace, task)
    flag_all(desk, workspace, dataset)

    answer = desk.decide(workspace, DecideRequest(dataset=dataset, person="ann"))

    (other,) = answer["others"]
    assert len(set(other["rows"])) == FLAGGED
    assert answer["others_left"] == 0


@pytest.mark.parametrize("is_heard", [True, False])
def test_a_decision_about_all_rows_that_are_one_counts_as_on_that_row(
    workspace: Workspace, task: Task, *, is_heard: bool
) -> None:
    desk, dataset = ReviewDesk(), review_dataset(workspace, task)
    row = read_rows(workspace, dataset, "train")[0].id
    look = {"where": {}, "ids": [row]}
    for number, (person, label) in enumerate((("Bea-p2", "account"), ("Ann-p1", "delivery"), ("Ines-p3", "refund"))):
        after = desk.news(workspace, NewsRequest(dataset=dataset, person=person))["cursor"] if is_heard else 0
        fields = {"dataset": dataset, "id": f"decision-{number}", "action": "relabel", "rows": 1, "look": look}
        asked = DecideAllRequest.model_validate({**fields, "person": person, "label": label, "after": after})
        told = desk.decide_all(workspace, asked)

    figures = desk.figures(workspace, Looked(dataset=dataset))["people"]
    assert bool(figures["agreement"]) != is_heard
    assert told["disputed"] == (0 if is_heard else 1)


def test_older_decisions_of_others_that_are_too_many_are_counted(
    workspace: Workspace, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, dataset = ReviewDesk(), review_dataset(workspace, task)
    flag_all(desk, workspace, dataset)
    newer = {"dataset": dataset, "person": "bob", "id": "another-of-bob", "action": "remove", "rows": 1}
    look = {"where": {"text": "ignore all rules"}}
    desk.decide_all(workspace, DecideAllRequest.model_validate({**newer, "look": look}))
    monkeypatch.setattr(review_desk, "MOST_OF_OTHERS", FLAGGED)

    answer = desk.decide(workspace, DecideRequest(dataset=dataset, person="ann"))

    assert [other["action"] for other in answer["others"]] == ["remove"]
    assert answer["others_left"] == 1


def test_what_another_person_takes_back_stands_no_longer_and_what_stood_before_stands_again(
    workspace: Workspace, task: Task
) -> None:
    desk, dataset = ReviewDesk(), review_dataset(workspace, task)
    flag_all(desk, workspace, dataset)
    rows = desk.rows(workspace, RowsRequest(dataset=dataset))["rows"]
    decisions: list[dict[str, object]] = [
        {"id": "removal-of-bob", "action": "remove", "rows": [rows[0]["id"]]},
        {"id": "undo-of-bob-1", "action": "undo", "undoes": "removal-of-bob"},
    ]
    for decision in decisions:
        given = {"dataset": dataset, "person": "bob", "decisions": [decision]}
        desk.decide(workspace, DecideRequest.model_validate(given))

    told = desk.news(workspace, NewsRequest(dataset=dataset, person="ann", after=2))
    undo = {"id": "undo-of-bob-2", "action": "undo", "undoes": "decision-of-bob"}
    desk.decide(workspace, DecideRequest.model_validate({"dataset": dataset, "person": "bob", "decisions": [undo]}))
    told_later = desk.news(workspace, NewsRequest(dataset=dataset, person="ann", after=told["cursor"]))

    assert [(other["action"], other["rows"]) for other in told["others"]] == [("flag", [rows[0]["id"]])]
    assert told_later["others"] == []
    assert len(told_later["undecided"]) == FLAGGED


def test_a_version_that_is_made_elsewhere_is_told(workspace: Workspace, task: Task) -> None:
    desk, dataset = ReviewDesk(), review_dataset(workspace, task)
    asked = NewsRequest(dataset=dataset, person="ann")
    assert desk.news(workspace, asked)["newest"] == dataset

    newer = review_dataset(workspace, task)

    assert desk.news(workspace, asked)["newest"] == newer


def test_every_version_can_be_paged_to(workspace: Workspace, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review_desk, "HISTORY_ROWS", 2)
    desk, made = ReviewDesk(), [review_dataset(workspace, task) for _ in range(3)]

    pages = [desk.history(workspace, HistoryRequest(task="support", versions_offset=offset)) for offset in (0, 2)]

    assert [one["id"] for page in pages for one in page["versions"]] == made[::-1]
    assert {page["versions_total"] for page in pages} == {3}


def test_versions_tell_the_reasons_of_their_edits_also_of_those_that_were_gone_back_on(
    workspace: Workspace, task: Task, context: ToolContext
) -> None:
    desk, dataset = ReviewDesk(), review_dataset(workspace, task)
    row = read_rows(workspace, dataset, "train")[0].id
    flagged: dict[str, object] = {"changes": [{"action": "flag", "rows": {"ids": [row]}}]}
    for reason, change in (("Odd.", flagged), ("Not odd.", {"revert_to": dataset}), ("Odd after all.", flagged)):
        asked = {"task": "support", "reason": reason, **change}
        edit_examples(EditExamplesRequest.model_validate(asked), replace(context, run_key=reason))

    told = desk.history(workspace, HistoryRequest(task="support"))["versions"]

    assert [one["reason"] for one in told] == ["Odd after all.", "Not odd.", "Odd.", ""]
    flag_all(desk, workspace, dataset)
    finish_review(FinishReviewRequest(task="support"), context)
    made_by = [one["made_by"] for one in desk.history(workspace, HistoryRequest(task="support"))["versions"]]
    assert made_by == ["finish_review", *["edit_examples"] * 3, "import_examples"]


def test_decisions_that_wait_are_bounded_until_the_review_is_saved_or_one_is_taken_back(
    workspace: Workspace, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_desk, "MOST_WAITING", FLAGGED + 1)
    desk, dataset = ReviewDesk(), review_dataset(workspace, task)
    first, second, *_ = desk.rows(workspace, RowsRequest(dataset=dataset))["rows"]
    flag_all(desk, workspace, dataset)

    def decide(id_: str, **decision: object) -> int:
        given = {"dataset": dataset, "person": "bob", "decisions": [{"id": id_, **decision}]}
        return int(desk.decide(workspace, DecideRequest.model_validate(given))["stored"])

    again = {"dataset": dataset, "person": "bob", "id": "all-over-again", "action": "flag", "rows": FLAGGED}
    with pytest.raises(BudgetExceeded, match="Save it"):
        desk.decide_all(workspace, DecideAllRequest.model_validate(again))
    assert decide("one-more-of-bob", action="remove", rows=[first["id"]]) == 1
    with pytest.raises(BudgetExceeded, match=f"'support': has decisions on {FLAGGED + 1} rows that wait to be saved"):
        decide("too-many-of-bob", action="remove", rows=[second["id"]])
    assert decide("undo-of-bob-1", action="undo", undoes="one-more-of-bob") == 1
    assert decide("another-of-bob", action="remove", rows=[second["id"]]) == 1

    context = ToolContext(workspace=workspace, run_key="save")
    finish_review(FinishReviewRequest(task="support", reason="Looked at."), context)
    assert decide("since-then-of-bob", action="remove", rows=[first["id"]]) == 1


def test_an_excerpt_that_is_cut_says_so(workspace: Workspace, task: Task) -> None:
    dataset = dataset_of(workspace, "support", train=[make_example("word " * 40, "refund")])
    desk, row = ReviewDesk(), read_rows(workspace, dataset, "train")[0].id
    decision = {"id": "decision-1", "action": "flag", "rows": [row]}
    given = {"dataset": dataset, "person": "Zo\u00eb M.-p12345678901", "decisions": [decision]}
    desk.decide(workspace, DecideRequest.model_validate(given))

    (told,) = desk.history(workspace, HistoryRequest(task="support"))["decisions"]

    assert told["excerpt"].endswith("\u2026")
    assert told["person"] == given["person"]


def test_the_cells_with_the_fewest_rows_are_told_with_the_number_of_all(workspace: Workspace, task: Task) -> None:
    cells = [Cell(label="refund", topic=f"topic {number:02}") for number in range(MOST_CELLS + 5)]
    rows = [
        make_example(f"give me back what i paid {place} {again}", "refund", provenance=Provenance(cell=cell))
        for place, cell in enumerate(cells)
        for again in range(1 if place < MOST_CELLS else 2)
    ]
    dataset = dataset_of(workspace, train=rows)

    found = ReviewDesk().figures(workspace, Looked(dataset=dataset))["cells"]

    assert found["total"] == len(cells)
    assert [cell["topic"] for cell in found["fewest"]] == [cell.topic for cell in cells[:MOST_CELLS]]


def test_the_rows_of_a_cell_are_those_that_were_counted(workspace: Workspace, task: Task) -> None:
    cells = [
        Cell(label=label, topic="late", subtopic="a day", source_type=source)
        for label, source in (("refund", "chat"), ("refund", None), ("delivery", "chat"))
    ]
    rows = [
        make_example(f"{cell.label} {cell.source_type} {number}", cell.label, provenance=Provenance(cell=cell))
        for cell in cells
        for number in range(2)
    ]
    desk, dataset = ReviewDesk(), dataset_of(workspace, train=rows)

    told = desk.figures(workspace, Looked(dataset=dataset))["cells"]["fewest"]

    for cell in told:
        look = {"cell": {name: value for name, value in cell.items() if name != "rows"}}
        asked = RowsRequest.model_validate({"dataset": dataset, "look": look})
        assert desk.rows(workspace, asked)["total"] == cell["rows"] == 2
    assert len(told) == 3


@pytest.mark.parametrize("is_saved", [True, False])
def test_a_decision_goes_with_its_label_that_gets_another_name_and_its_row_that_gets_another_text(
    workspace: Workspace, task: Task, *, is_saved: bool
) -> None:
    desk, dataset = ReviewDesk(), review_dataset(workspace, task)
    row = read_rows(workspace, dataset, "train")[0].id
    decision = {"id": "decision-1", "action": "relabel", "rows": [row], "label": "account"}
    given = {"dataset": dataset, "person": "Ann-p1", "decisions": [decision]}
    desk.decide(workspace, DecideRequest.model_validate(given))

    def save() -> str:
        return finish_review(FinishReviewRequest(task="support"), context_on(workspace)).dataset

    def edit(**change: object) -> str:
        asked = EditExamplesRequest.model_validate({"task": "support", "reason": "in the chat", "changes": [change]})
        return str(edit_examples(asked, context_on(workspace)).dataset)

    if is_saved:
        save()
    changed = read_rows(workspace, dataset, "train")[1].id  # in the chat, where the classifier may have said so
    edit(action="relabel", rows={"ids": [changed]}, label="account")
    renamed = edit(action="rename_label", label="account", to="login")
    names = workspace.task("support").label_names
    rows = len(read_table(workspace, renamed))
    as_login = np.full((rows, 1), names.index("login"), np.uint16)
    ones, none = np.ones(rows, np.float32), np.zeros(rows, bool)
    doubts = Doubts(
        labels=np.array(names), guesses=as_login, chances=ones[:, None], given=np.ones(rows, np.uint16), own=ones,
        doubt=ones, disagrees=none, unsure=none, suspect=none, places=np.zeros((rows, 2), np.float32),
        several=np.array(False), told=np.ones(len(names), bool),
    )  # fmt: skip
    keep_doubts(workspace, renamed, None, doubts)
    (shown,) = desk.rows(workspace, RowsRequest.model_validate({"dataset": renamed, "look": {"ids": [row]}}))["rows"]
    opened = desk.opened(workspace, OpenRequest(dataset=renamed))
    points = desk.points(workspace, Looked.model_validate({"dataset": renamed, "look": {"ids": [row]}}))

    assert shown["stands"]["label"] == "login"
    assert (opened["agreement"]["rows"], opened["agreement"]["same"]) == (1, 1)
    assert base64.b64decode(points["label"]) == np.array([names.index("login")], "<u2").tobytes()
    last = edit(action="rewrite", rows={"ids": [row]}, text="they say my sign-in is unknown")
    saved = last if is_saved else save()
    labels = {one.text: one.label for one in read_rows(workspace, saved, "train")}
    assert labels["they say my sign-in is unknown"] == "login"
