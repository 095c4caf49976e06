"""The end of a review: all decisions that wait become one version, none is lost without a word, each can be undone."""

from __future__ import annotations

from functools import partial

import pytest

from classwright_tools.curation.row_sources import row_sources
from classwright_tools.domain.decided import Decided
from classwright_tools.domain.decision import Decision
from classwright_tools.domain.example import Example, example_id
from classwright_tools.domain.labels_since import fitting_none
from classwright_tools.domain.task import Task
from classwright_tools.edit_examples import EditExamplesRequest, edit_examples
from classwright_tools.editing.row_table import keyed
from classwright_tools.errors import InvalidInput, NotEnoughData
from classwright_tools.finish_review import FinishReviewRequest, FinishReviewResult, finish_review
from classwright_tools.review.decisions import store
from classwright_tools.review.desk import Desk
from classwright_tools.review.standing import Standing
from classwright_tools.undo_decision import UndoDecisionRequest, UndoDecisionResult, undo_decision
from classwright_tools.workspace.datasets import read_card, read_edits, read_rows, read_table
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
        {"action": "fits_none", "rows": [NUMBERED[3]]},
    )
    labels = tuple(label for label in task.labels if label.name != "account")
    workspace.save_task(task.model_copy(update={"labels": labels}))

    result = finish(workspace)

    assert "1 whose label the task no longer has" in result.summary
    assert "1 whose new text another row has" in result.summary
    assert "1 whose row is no longer there" in result.summary
    assert "1 that no label fits, whose row got one meanwhile" in result.summary
    assert rows(workspace, result.dataset) == rows(workspace, dataset)
    standing = Standing(workspace, "support")
    standing.refresh()
    assert standing.waiting == []


def undo(workspace: Workspace, number: int) -> UndoDecisionResult:
    request = UndoDecisionRequest(task="support", person="ann", id=f"undo-{number:04}", undoes=f"decision-{number}")
    return undo_decision(request, context_on(workspace))


def test_a_saved_decision_is_taken_back_alone_and_its_row_is_all_that_it_was(
    workspace: Workspace, task: Task, dataset: str
) -> None:
    first = len(_stored)
    new = "an altogether new text"
    decide(
        workspace,
        dataset,
        {"action": "relabel", "rows": [NUMBERED[0]], "label": "account"},
        {"action": "remove", "rows": [NUMBERED[1]]},
        {"action": "accept", "rows": [NUMBERED[2]]},
        {"action": "edit", "rows": [NUMBERED[3]], "text": new},
        {"action": "flag", "rows": [NUMBERED[4]]},
        {"action": "relabel", "rows": [BARE[0]], "label": "delivery"},
        {"action": "fits_none", "rows": [BARE[1]]},
        {"action": "relabel", "rows": [NUMBERED[5]], "label": "account"},
        {"action": "flag", "rows": [NUMBERED[5]]},
    )
    saved = finish(workspace).dataset
    whole = rows(workspace, dataset)
    edits = read_edits(workspace, saved)
    assert [(edit.by, edit.person) for edit in fitting_none(edits, task.label_names).values()] == [("person", None)]
    assert not fitting_none(edits, [*task.label_names, "weather"]), "a label that comes later may fit it"

    for number, row in enumerate([*NUMBERED[:5], *BARE], first):
        before = rows(workspace, saved)
        made = undo(workspace, number)
        now, decided = rows(workspace, made.dataset), Decided(read_edits(workspace, made.dataset))
        assert now[row] == whole[row]
        assert row not in {*decided.by_person, *decided.flagged, *decided.fits_none}
        changed = {id_ for id_ in {*now, *before} if now.get(id_) != before.get(id_)}
        assert changed <= {row, example_id(new)}, "the others stay as they are"
        assert workspace.artifact(made.dataset, "dataset").parent == saved
        assert read_card(workspace, made.dataset).note.startswith("Taken back on the review page: ")
        saved = made.dataset

    last = undo(workspace, first + 8)  # one of two decisions on a row
    assert rows(workspace, last.dataset)[NUMBERED[5]].label == "account"
    decided = Decided(read_edits(workspace, last.dataset))
    assert NUMBERED[5] in decided.by_person.keys() - decided.flagged
    desk = Desk(
        last.dataset,
        keyed(read_table(workspace, last.dataset)),
        task.label_names,
        read_edits(workspace, last.dataset),
        partial(row_sources, workspace, last.dataset),
    )
    standing = Standing(workspace, "support")
    standing.refresh()
    assert set(desk.tally(standing).actions) == {NUMBERED[5]}, "the others are to be decided again"


def test_of_many_rows_those_that_were_changed_since_stay_and_what_cannot_be_taken_back_says_why(
    workspace: Workspace, dataset: str
) -> None:
    first = len(_stored)
    decide(
        workspace,
        dataset,
        {"action": "relabel", "rows": NUMBERED[:3], "label": "account"},
        {"action": "accept", "rows": [NUMBERED[6]]},
    )
    finish(workspace)
    decide(workspace, dataset, {"action": "remove", "rows": [NUMBERED[1]]}, {"action": "accept", "rows": [NUMBERED[6]]})
    with pytest.raises(InvalidInput, match="waits to be saved"):
        undo(workspace, first + 2)
    finish(workspace)

    made = undo(workspace, first)

    assert made.rows == 2
    assert "1 removed since" in made.summary
    now, whole = rows(workspace, made.dataset), rows(workspace, dataset)
    assert [now.get(id_) for id_ in NUMBERED[:3]] == [whole[NUMBERED[0]], None, whole[NUMBERED[2]]]
    with pytest.raises(InvalidInput, match="taken back before"):
        undo_decision(
            UndoDecisionRequest(task="support", person="ann", id="another-undo", undoes=f"decision-{first}"),
            context_on(workspace),
        )
    with pytest.raises(InvalidInput, match="not changed by it"):
        undo(workspace, first + 3)
    edit_examples(EditExamplesRequest(task="support", reason="back", revert_to=dataset), context_on(workspace))
    with pytest.raises(InvalidInput, match="went back to an earlier version"):
        undo(workspace, first + 2)


def test_a_run_that_is_repeated_tells_of_its_version_and_leaves_what_was_decided_since(
    workspace: Workspace, dataset: str
) -> None:
    decide(
        workspace,
        dataset,
        {"action": "relabel", "rows": [NUMBERED[0]], "label": "account"},
        {"action": "remove", "rows": [NUMBERED[1], NUMBERED[2]]},
    )
    context = context_on(workspace)
    first = finish_review(FinishReviewRequest(task="support"), context)
    decide(workspace, dataset, {"action": "remove", "rows": [NUMBERED[3]]})

    again = finish_review(FinishReviewRequest(task="support"), context)

    assert again == first
    standing = Standing(workspace, "support")
    standing.refresh()
    assert [list(entry.decision.rows) for entry in standing.waiting] == [[NUMBERED[3]]]
    assert NUMBERED[3] not in rows(workspace, finish(workspace).dataset)


def test_an_undo_that_is_repeated_tells_of_its_version(workspace: Workspace, dataset: str) -> None:
    number = len(_stored)
    decide(workspace, dataset, {"action": "edit", "rows": [NUMBERED[0]], "text": "an altogether new text"})
    finish(workspace)
    context = context_on(workspace)
    request = UndoDecisionRequest(task="support", person="ann", id=f"undo-{number:04}", undoes=_stored[number].id)
    first = undo_decision(request, context)

    assert undo_decision(request, context) == first
    assert first.first == NUMBERED[0]


def test_what_is_left_out_is_that_of_the_attempt_which_made_the_version(workspace: Workspace, dataset: str) -> None:
    def edit(**fields: object) -> str:
        request = EditExamplesRequest.model_validate({"task": "support", "reason": "a test", **fields})
        return str(edit_examples(request, context_on(workspace)).dataset)

    edit(changes=[{"action": "remove", "rows": {"ids": [NUMBERED[0]]}}])
    decide(
        workspace,
        dataset,
        {"action": "relabel", "rows": [NUMBERED[0]], "label": "account"},
        {"action": "flag", "rows": [NUMBERED[1]]},
    )
    back: list[str] = []

    def meanwhile(_share: float | None, _what: str) -> None:
        if not back:
            back.append(edit(revert_to=dataset))

    result = finish_review(FinishReviewRequest(task="support"), context_on(workspace, report=meanwhile))

    assert workspace.artifact(result.dataset, "dataset").parent == back[0]
    assert rows(workspace, result.dataset)[NUMBERED[0]].label == "account"
    assert "Left out" not in result.summary
