"""Texts that `submit_examples` refuses, counts once, or has no room for: each is named with its reason."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from classwright_tools.context import ToolContext
from classwright_tools.domain.assignment import Assignment
from classwright_tools.domain.task import Task
from classwright_tools.errors import InvalidInput, NotFound
from classwright_tools.submit_examples import SubmitExamplesRequest, submit_examples
from classwright_tools.workspace.datasets import read_rows
from support.submitting import cells_of, sentences, submit, submit_all
from support.writing_verbs import sentence


def test_what_is_refused_is_asked_for_again_in_its_cell(context: ToolContext, assignment: Assignment) -> None:
    first = assignment.batches[0]
    texts = sentences(100, first.count)
    cells = cells_of(first)
    lacking = cells[0], cells[2], cells[-1]

    refused = submit(context, "b1", ["broken \ud800", texts[1], texts[1], *texts[3:-1], "no"])
    again = refused.next_batches[0]
    submit(context, "b1", sentences(500, 3))

    assert [cell.cell for cell in again.cells for _ in range(cell.count)] == list(lacking)
    result = submit(context, "b1", [*sentences(500, 1), *texts[1:-1], *sentences(501, 1)], finish=True)
    rows = {row.text: row.provenance for row in read_rows(context.workspace, str(result.dataset), "train")}
    assert [getattr(rows[text], "cell", None) for text in sentences(500, 3)] == list(lacking)


def test_texts_that_are_sent_twice_count_once_and_are_not_refused(context: ToolContext, assignment: Assignment) -> None:
    submit(context, "b1", sentences(100, 5))

    again = submit(context, "b1", sentences(100, 6))

    assert (again.accepted, again.already_accepted, again.refused, again.have) == (1, 5, (), 6)


def test_a_text_of_another_batch_is_a_duplicate(context: ToolContext, assignment: Assignment) -> None:
    submit(context, "b1", sentences(100, 1))

    (refused,) = submit(context, "b6", sentences(100, 1)).refused

    assert refused.reason.startswith("duplicate")


def test_a_text_twice_in_one_call_is_kept_once(context: ToolContext, assignment: Assignment) -> None:
    result = submit(context, "b1", [sentence(100), sentence(101), sentence(100)])

    assert result.accepted == 2
    assert [(text.index, text.reason) for text in result.refused] == [(2, "duplicate: it is text 0 of 'b1' again")]


def test_texts_for_a_batch_that_there_is_not_leave_those_of_the_others_out_too(
    context: ToolContext, assignment: Assignment
) -> None:
    with pytest.raises(NotFound, match="batch 'b66'"):
        submit_all(context, {"b1": sentences(100, 2), "b66": sentences(102, 2)})

    assert submit(context, "b1", sentences(100, 2)).accepted == 2


def test_refused_texts_are_named_by_their_place_with_reason_and_repair(
    context: ToolContext, assignment: Assignment
) -> None:
    texts = ["", "x" * 30_000, f"broken \ud800 {sentence(5)}", sentence(1), sentence(2), sentence(100), "refund"]

    result = submit(context, "b1", texts)

    assert result.accepted == 1
    assert [(text.index, text.reason.split(":")[0]) for text in result.refused] == [
        (0, "too short"),
        (1, "too long"),
        (2, "unparsable"),
        (3, "duplicate"),
        (4, "near-duplicate of a test row"),
        (6, "too short"),
    ]
    assert all(text.repair for text in result.refused)


def test_what_a_batch_has_no_room_for_counts_for_the_next_one_of_its_label(
    context: ToolContext, assignment: Assignment
) -> None:
    first, second = assignment.batches[:2]
    assert first.label == second.label

    result = submit(context, "b1", sentences(100, first.count + 3))
    again = submit(context, "b1", sentences(100, first.count + 3))

    assert (result.accepted, result.refused) == (first.count + 3, ())
    assert (again.accepted, again.already_accepted, again.have) == (0, first.count + 3, first.count + 3)
    assert [(batch.batch, batch.count) for batch in again.next_batches[:1]] == [("b2", second.count - 3)]
    assert sum(cell.count for cell in again.next_batches[0].cells) == second.count - 3


def test_the_last_batch_of_a_label_fills_the_ones_before_it_and_keeps_no_more(
    context: ToolContext, assignment: Assignment
) -> None:
    room = sum(batch.count for batch in assignment.batches[:2])

    result = submit(context, "b2", sentences(100, room + 2))

    assert result.accepted == room
    assert [text.reason for text in result.refused] == ["batch is full"] * 2
    assert result.next_batches[0].batch == "b3"


def test_every_refused_text_is_told_however_many_there_are(context: ToolContext, assignment: Assignment) -> None:
    result = submit(context, "b1", ["ä" * 25_000 + str(number) for number in range(100)])

    assert [refused.index for refused in result.refused] == list(range(100))
    assert "100 refused (too long 100)" in result.summary


def test_unknown_assignments_and_batches_are_named_with_the_nearest_one(
    context: ToolContext, assignment: Assignment
) -> None:
    with pytest.raises(NotFound, match=r"assignment 'support-a2'.*'support-a1'"):
        submit_examples(SubmitExamplesRequest(assignment="support-a2", texts={"b1": ("a b",)}), context)
    with pytest.raises(NotFound, match=r"batch 'b66'.*'b6'"):
        submit(context, "b66", ["a b"])


def test_a_batch_whose_label_the_task_has_lost_is_refused(
    context: ToolContext, assignment: Assignment, task: Task
) -> None:
    context.workspace.save_task(task.model_copy(update={"labels": task.labels[1:]}))

    with pytest.raises(InvalidInput, match="label 'refund' of batch 'b1': has ended"):
        submit(context, "b1", sentences(100, 1))


@pytest.mark.parametrize("texts", [{}, {"b1": ["a b"] * 101}, {"b1": ["a b"] * 60, "b2": ["a b"] * 60}])
def test_arguments_out_of_bounds_are_refused_by_name(texts: dict[str, list[str]]) -> None:
    with pytest.raises(ValidationError, match="texts"):
        SubmitExamplesRequest.model_validate({"assignment": "support-a1", "texts": texts})
