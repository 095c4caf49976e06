"""The end of a review: all decisions that wait become one version, and none of them is lost without a word."""

from __future__ import annotations

import pytest

from classwright_tools.domain.decision import Decision
from classwright_tools.domain.example import Example, example_id
from classwright_tools.domain.task import Task
from classwright_tools.errors import NotEnoughData
from classwright_tools.finish_review import FinishReviewRequest, FinishReviewResult, finish_review
from classwright_tools.review.decisions import store
from classwright_tools.review.standing import Standing
from classwright_tools.workspace.datasets import read_edits, read_rows
from classwright_tools.workspace.workspace import Workspace
from support.measurement import context_on
from support.review import review_dataset, review_rows

NUMBERED = [row.id for row in review_rows()["train"]]
BARE = [row.id for row in review_rows()["unlabelled"]]


@pytest.fixture
def dataset(workspace: Workspace, task: Task) -> str:
    return review_dataset(workspace, task)


def decide(workspace: Workspace, dataset: str, *fields: dict[str, object]) -> None:
    decisions = [
        Decision.model_validate({"id": f"decision-{number}", **one}) for number, one in enumerate(fields, len(_stored))
    ]
    _stored.extend(decisions)
    store(workspace, "support", dataset, "ann", decisions)


_stored: list[Decision] = []


def finish(workspace: Workspace) -> FinishReviewResult:
    return finish_review(FinishReviewRequest(task="support"), context_on(workspace))


def rows(workspace: Workspace, dataset: str) -> dict[str, Example]:
    return {row.id: row for split in ("train", "unlabelled") for row in read_rows(workspace, dataset, split)}


def test_decisions_of_every_kind_become_one_version(workspace: Workspace, dataset: str) -> None:
    decide(
        workspace,
        dataset,
        {"action": "relabel", "rows": [NUMBERED[0]], "label": "account"},
        {"action": "remove", "rows": [NUMBERED[1], NUMBERED[2]]},
        {"action": "accept", "rows": [NUMBERED[3]]},
        {"action": "edit", "rows": [NUMBERED[4]], "text": "an altogether new text"},
        {"action": "good_example", "rows": [NUMBERED[5]]},
        {"action": "flag", "rows": [NUMBERED[6]]},
        {"action": "relabel", "rows": [BARE[0]], "label": "delivery"},
        {"action": "accept", "rows": [BARE[1]], "label": "account"},
    )

    result = finish(workspace)

    assert (result.decisions, result.rows) == (8, 9)
    now, before = rows(workspace, result.dataset), rows(workspace, dataset)
    assert now[NUMBERED[0]].label == "account"
    assert now[NUMBERED[0]].origin == "written"
    assert set(before) - set(now) == {NUMBERED[1], NUMBERED[2], NUMBERED[4]}
    assert now[example_id("an altogether new text")].label == before[NUMBERED[4]].label
    assert {row.id for row in read_rows(workspace, result.dataset, "unlabelled")} == set()
    assert now[BARE[0]].label == "delivery"
    assert {edit.action for edit in read_edits(workspace, result.dataset)} == {
        "relabel", "remove", "approve", "rewrite", "good_example", "flag",
    }  # fmt: skip


def test_what_is_decided_again_counts_as_it_was_decided_last(workspace: Workspace, dataset: str) -> None:
    decide(
        workspace,
        dataset,
        {"action": "remove", "rows": [NUMBERED[0]]},
        {"action": "relabel", "rows": [NUMBERED[0]], "label": "account"},
        {"action": "edit", "rows": [NUMBERED[0]], "text": "of two decisions both count"},
        {"action": "relabel", "rows": [NUMBERED[1]], "label": "account"},
        {"action": "remove", "rows": [NUMBERED[1]]},
    )

    now = rows(workspace, finish(workspace).dataset)

    assert now[example_id("of two decisions both count")].label == "account"
    assert NUMBERED[1] not in now


def test_a_version_is_made_once_and_what_comes_later_goes_into_the_next(workspace: Workspace, dataset: str) -> None:
    decide(workspace, dataset, {"action": "remove", "rows": [NUMBERED[0]]})
    first = finish(workspace)
    with pytest.raises(NotEnoughData, match="no decision"):
        finish(workspace)
    decide(workspace, dataset, {"action": "remove", "rows": [NUMBERED[1]]})

    second = finish(workspace)

    assert second.decisions == 1
    assert workspace.artifact(second.dataset, "dataset").parent == first.dataset


def test_what_cannot_be_done_any_more_is_counted(workspace: Workspace, task: Task, dataset: str) -> None:
    decide(
        workspace,
        dataset,
        {"action": "relabel", "rows": [NUMBERED[0]], "label": "account"},
        {"action": "edit", "rows": [NUMBERED[1]], "text": review_rows()["train"][2].text},
        {"action": "remove", "rows": ["f" * 16]},
    )
    labels = tuple(label for label in task.labels if label.name != "account")
    workspace.save_task(task.model_copy(update={"labels": labels}))

    result = finish(workspace)

    assert "1 whose label the task no longer has" in result.summary
    assert "1 whose new text another row has" in result.summary
    assert "1 whose row is no longer there" in result.summary
    assert rows(workspace, result.dataset) == rows(workspace, dataset)
    standing = Standing(workspace, "support")
    standing.refresh()
    assert standing.waiting == []
