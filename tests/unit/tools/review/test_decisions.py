"""Decisions of persons: each counts once, the last one on a row counts, and what is taken back does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest
from pydantic import ValidationError

from classwright_tools.context import ToolContext
from classwright_tools.curation.row_sources import row_sources
from classwright_tools.domain.decision import Decision
from classwright_tools.domain.edits import Edit
from classwright_tools.domain.look import Look
from classwright_tools.domain.selection import RowFilter
from classwright_tools.domain.task import Task
from classwright_tools.finish_review import FinishReviewRequest, finish_review
from classwright_tools.review.decisions import mark_without_change, store
from classwright_tools.review.desk import Desk
from classwright_tools.review.fitting import fitting
from classwright_tools.review.ordering import ordered
from classwright_tools.review.overview import progress
from classwright_tools.review.shown_rows import shown_rows, stands
from classwright_tools.review.standing import Standing
from classwright_tools.workspace.datasets import read_edits, read_table
from classwright_tools.workspace.workspace import Workspace
from support.review import review_dataset


@pytest.fixture
def desk(workspace: Workspace, task: Task) -> Desk:
    dataset = review_dataset(workspace, task)
    return Desk(dataset, read_table(workspace, dataset), task.label_names, (), partial(row_sources, workspace, dataset))


def decide(workspace: Workspace, desk: Desk, *decisions: Decision, person: str = "ann") -> Standing:
    """Store decisions that fit, and return where the rows stand."""
    good, refused = fitting(decisions, desk, standing_of(workspace))
    assert not refused
    store(workspace, "support", desk.dataset, person, good)
    return standing_of(workspace)


def standing_of(workspace: Workspace) -> Standing:
    found = Standing(workspace, "support")
    found.refresh()
    return found


def about(desk: Desk, place: int, action: str, **more: object) -> Decision:
    fields = {"id": f"decision-{place}-{action}", "action": action, "rows": (desk.ids[place],), **more}
    return Decision.model_validate(fields)


def test_a_decision_that_is_sent_twice_counts_once(workspace: Workspace, desk: Desk) -> None:
    one = about(desk, 0, "relabel", label="account")

    assert store(workspace, "support", desk.dataset, "ann", [one]) == 1
    assert store(workspace, "support", desk.dataset, "ann", [one]) == 0
    assert len(standing_of(workspace).waiting) == 1


def test_the_last_decision_on_a_row_counts_until_it_is_taken_back(workspace: Workspace, desk: Desk) -> None:
    decide(workspace, desk, about(desk, 0, "relabel", label="account"))
    standing = decide(workspace, desk, about(desk, 0, "remove"), person="bob")
    first, last = standing.entries[::-1]
    assert standing.of(desk.ids[0]) == last

    standing = decide(workspace, desk, Decision(id="undo-the-last", action="undo", undoes=last.decision.id))

    assert standing.of(desk.ids[0]) == first
    assert [entry.decision.id for entry in standing.waiting] == [first.decision.id]


def test_decisions_of_others_are_read_from_where_one_left_off(workspace: Workspace, desk: Desk) -> None:
    standing = decide(workspace, desk, about(desk, 0, "accept"))
    store(workspace, "support", desk.dataset, "bob", [about(desk, 1, "flag")])

    assert [entry.person for entry in standing.refresh()] == ["bob"]
    assert standing.refresh() == []


def test_a_decision_that_a_version_has_is_not_taken_back_by_itself(workspace: Workspace, desk: Desk) -> None:
    standing = decide(workspace, desk, about(desk, 0, "remove"))
    entry = standing.entries[0]
    mark_without_change(workspace, desk.dataset, [entry.number])
    standing.refresh()

    _, refused = fitting([Decision(id="undo-it-now", action="undo", undoes=entry.decision.id)], desk, standing)

    assert desk.dataset in refused["undo-it-now"]
    assert standing.waiting == []


@pytest.mark.parametrize(
    ("split", "action", "more", "reason"),
    [
        ("test", "remove", {}, "test rows"),
        ("train", "relabel", {"label": "weather"}, "no label 'weather'"),
        ("unlabelled", "accept", {}, "choose one"),
        ("train", "fits_none", {}, "the row has a label"),
        ("train", "edit", {"text": "\u200b"}, "no characters"),
        ("train", "edit", {"text": "lost \ufffd here"}, "U+FFFD"),
        ("train", "edit", {"text": "long " * 4_001}, "more than 20,000 characters"),
        ("train", "edit", {"text": "a", "text_pair": "b"}, "one text"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason(
    workspace: Workspace, desk: Desk, split: str, action: str, more: dict[str, object], reason: str
) -> None:
    decision = about(desk, desk.splits.index(split), action, **more)

    good, refused = fitting([decision], desk, standing_of(workspace))

    assert good == []
    assert reason in refused[decision.id]


@pytest.mark.parametrize(
    "fields",
    [
        {"action": "relabel", "rows": ("0" * 16,)},
        {"action": "edit", "rows": ("0" * 16, "1" * 16), "text": "a"},
        {"action": "undo"},
        {"action": "remove"},
    ],
)
def test_a_decision_says_all_that_it_needs(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Decision.model_validate({"id": "decision-1", **fields})


def test_a_blind_sample_counts_the_labels_that_were_right(workspace: Workspace, desk: Desk) -> None:
    label = desk.names[desk.label_places[0]]
    other = next(name for name in desk.labels if name != label)

    standing = decide(
        workspace,
        desk,
        about(desk, 0, "relabel", label=label, blind=True),
        about(desk, 1, "relabel", label=other, blind=True),
        about(desk, 2, "relabel", label=label),
    )

    sample = progress(desk, standing)["sample"]
    assert (sample["rows"], sample["right"]) == (2, 1)
    assert sample["low"] < sample["share"] == 0.5 < sample["high"]


def test_rows_are_found_by_what_was_decided_and_by_what_they_are(workspace: Workspace, desk: Desk) -> None:
    standing = decide(workspace, desk, about(desk, 0, "remove"), about(desk, 1, "flag"))
    written = Look(where=RowFilter(origins=("written",)))

    def found(look: Look) -> list[int]:
        return list(desk.find(look, standing, None).tolist())

    assert found(Look(state="decided")) == [0, 1]
    assert found(Look(state="flag")) == [1]
    assert found(written) == list(range(18))
    assert found(written.model_copy(update={"state": "open"})) == list(range(2, 18))
    said = edit_of(desk, "fits_none", desk.ids[2], "of another version")
    desk = replace(desk, edits=(said,))
    assert found(written.model_copy(update={"state": "open"})) == list(range(3, 18))
    by_model = said.model_copy(update={"by": "model", "rows": {desk.ids[3]: "", desk.ids[0]: ""}})
    desk = replace(desk, edits=(said, by_model))
    assert found(written.model_copy(update={"state": "open"})) == list(range(3, 18)), "what a model says is no decision"
    assert found(Look(state="fits_none")) == [2, 3]
    assert [row.get("unfit") for row in shown_rows(desk, [2, 3], standing, None)] == [None, True]
    assert found(Look(unlabelled=True)) == [place for place, split in enumerate(desk.splits) if split == "unlabelled"]
    assert found(Look(places=(3, 5))) == [3, 5]
    assert found(Look(doubt="suspect")) == []


def test_marks_and_a_text_stay_beside_a_label_and_are_found_before_and_after_a_version_has_them(
    workspace: Workspace, context: ToolContext, desk: Desk
) -> None:
    bare = desk.splits.index("unlabelled")
    standing = decide(workspace, desk, about(desk, bare, "flag"), about(desk, bare, "edit", text="my box is lost"))
    assert desk.find(Look(state="decided"), standing, None).tolist() == [], "its label is still to be said"

    decide(workspace, desk, about(desk, 0, "flag"), about(desk, 0, "good_example"), about(desk, 0, "accept"))
    standing = decide(workspace, desk, about(desk, bare, "relabel", label="delivery"))

    assert [*desk.done(desk.ids[bare], standing)] == ["flag", "edit", "relabel"]
    assert [one[0] for one in (stands(desk, standing, desk.ids[bare]) or {})["done"]] == ["flag", "edit", "relabel"]
    assert (stands(desk, standing, desk.ids[bare]) or {})["label"] == "delivery"
    assert desk.find(Look(state="flag"), standing, None).tolist() == [0, bare]
    assert desk.find(Look(state="edit"), standing, None).tolist() == [bare]
    assert progress(desk, standing)["waiting_rows"] == 2
    made = finish_review(FinishReviewRequest(task="support"), context).dataset
    saved = Desk(
        made,
        read_table(workspace, made),
        desk.labels,
        tuple(read_edits(workspace, made)),
        partial(row_sources, workspace, made),
    )
    standing = standing_of(workspace)
    for state, texts in (("flag", {desk.text_of(desk.ids[0]), "my box is lost"}), ("edit", {"my box is lost"})):
        found = saved.find(Look.model_validate({"state": state}), standing, None)
        assert {saved.text_of(saved.ids[place]) for place in found} == texts
    standing = decide(workspace, saved, about(saved, 0, "remove"))
    assert "relabel" not in saved.done(saved.ids[0], standing), "what is removed has no label any more"


def test_a_row_that_a_person_decided_in_the_chat_is_decided(workspace: Workspace, desk: Desk) -> None:
    annotated = edit_of(desk, "relabel", desk.ids[0])
    desk = replace(desk, edits=(annotated, edit_of(desk, "approve", desk.ids[1], by="model")))

    standing = decide(workspace, desk, about(desk, 2, "flag"))

    assert desk.find(Look(state="decided"), standing, None).tolist() == [0, 2]
    assert desk.find(Look(state="relabel"), standing, None).tolist() == [0]
    assert progress(desk, standing)["decided"] == {"relabel": 1, "flag": 1}
    assert [row.get("stands", {}).get("action") for row in shown_rows(desk, [0, 1, 2], standing, None)] == [
        "relabel",
        None,
        "flag",
    ]


def test_what_the_dataset_says_since_counts_above_a_decision_that_an_earlier_version_has(
    workspace: Workspace, desk: Desk
) -> None:
    standing = decide(workspace, desk, *(about(desk, place, "accept") for place in range(4)))
    mark_without_change(workspace, desk.dataset, [entry.number for entry in standing.entries[1:]])
    standing.refresh()
    later = review_dataset(workspace, workspace.task("support"))
    had = edit_of(desk, "approve", desk.ids[0], dataset="support-d0")
    overruled = edit_of(desk, "relabel", desk.ids[1], dataset=desk.dataset)
    desk = replace(desk, dataset=later, edits=(had, overruled))

    assert desk.tally(standing).actions == {desk.ids[0]: "accept", desk.ids[1]: "relabel", desk.ids[3]: "accept"}
    assert desk.entry(desk.ids[2], standing) is None  # one went back to a version before it


def edit_of(desk: Desk, action: str, *rows: str, by: str = "person", dataset: str | None = None) -> Edit:
    fields = {"action": action, "by": by, "reason": "said", "dataset": dataset or desk.dataset}
    return Edit.model_validate({**fields, "when": datetime(2026, 5, 1, tzinfo=UTC), "rows": dict.fromkeys(rows, "")})


def test_a_random_order_is_the_same_each_time(workspace: Workspace, desk: Desk) -> None:
    places = desk.find(Look(), standing_of(workspace), None)

    orders = [ordered(desk, places, "random", None, seed).tolist() for seed in (1, 1, 2)]

    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == places.tolist()
