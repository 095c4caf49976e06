"""`submit_examples`: the calling model's texts, each judged, counted once, and never lost."""

from __future__ import annotations

import itertools
import multiprocessing
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import event

from classwright_tools.context import ToolContext
from classwright_tools.domain.assignment import Assignment, Batch
from classwright_tools.domain.example import Example, make_example
from classwright_tools.domain.regeneration import RegenerationItem, RegenerationPlan
from classwright_tools.domain.task import Task
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.errors import InvalidInput, NotFound, StorageFailed
from classwright_tools.submit_examples import SubmitExamplesRequest, SubmitExamplesResult, submit_examples
from classwright_tools.synthesize_examples import SynthesizeExamplesRequest, synthesize_examples
from classwright_tools.workspace.datasets import read_card, read_rows, save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.postgres import ON_BOTH
from support.writing_verbs import import_beside, save_tree, sentence


@pytest.fixture
def assignment(context: ToolContext, task: Task) -> Assignment:
    """An assignment of 120 texts in 6 batches, which joins a dataset of one test row and one training row."""
    save_tree(context.workspace, task)
    save_dataset(
        context.workspace,
        "support",
        {"train": [make_example(sentence(1), "refund")], "test": [make_example(sentence(2), "refund")]},
        parent=None,
        run_key="import",
        made_by="import_examples",
    )
    synthesize_examples(SynthesizeExamplesRequest(task="support", rows=120), context)
    return context.workspace.document("support-a1", "assignment", Assignment)


def submit(context: ToolContext, batch: str, texts: list[str], *, finish: bool = False) -> SubmitExamplesResult:
    return submit_all(context, {batch: texts} if texts else {}, finish=finish)


def submit_all(context: ToolContext, texts: dict[str, list[str]], *, finish: bool = False) -> SubmitExamplesResult:
    request = SubmitExamplesRequest.model_validate({"assignment": "support-a1", "texts": texts, "finish": finish})
    return submit_examples(request, context)


def sentences(start: int, count: int) -> list[str]:
    return [sentence(number) for number in range(start, start + count)]


def numbered(batches: tuple[Batch, ...]) -> dict[str, list[str]]:
    """Return good texts for each batch."""
    return {batch.batch: sentences(100 * number, batch.count) for number, batch in enumerate(batches, start=1)}


def test_a_complete_assignment_becomes_a_dataset(context: ToolContext, assignment: Assignment) -> None:
    texts = numbered(assignment.batches)

    results = [submit(context, batch, written) for batch, written in texts.items()]

    assert [result.dataset for result in results] == [None] * (len(texts) - 1) + ["support-d2"]
    assert results[-1].have == results[-1].want == 120
    card = read_card(context.workspace, "support-d2")
    assert (card.parent, card.rows("train", "written"), card.rows("train", "real")) == ("support-d1", 120, 1)
    assert card.rows("test") == 1
    assert "train_classifier" in results[-1].next_step


def test_texts_of_one_call_keep_their_order_batch_by_batch(context: ToolContext, assignment: Assignment) -> None:
    texts = numbered(assignment.batches)
    for batches in (list(texts)[:3], list(texts)[3:]):
        submit_all(context, {batch: texts[batch] for batch in batches}, finish=batches[-1] == list(texts)[-1])

    rows = read_rows(context.workspace, "support-d2", "train")

    assert [row.text for row in rows if row.origin == "written"] == [one for batch in texts.values() for one in batch]


def test_an_assignment_for_a_new_dataset_makes_one_without_the_old_rows(context: ToolContext, task: Task) -> None:
    save_tree(context.workspace, task)
    import_beside(context.workspace, "before", {"train": [make_example(sentence(1), "refund")]})
    handed_out = synthesize_examples(SynthesizeExamplesRequest(task="support", rows=3, new_dataset=True), context)

    result = submit_all(context, numbered(handed_out.batches))

    assert result.dataset
    card = read_card(context.workspace, result.dataset)
    assert (card.parent, card.rows("train")) == (None, 3)


def cells_of(batch: Batch) -> list[Cell]:
    """Return the cell of each text of a batch, in the order in which they are to be written."""
    return [cell.cell for cell in batch.cells for _ in range(cell.count)]


def test_every_text_keeps_the_label_of_its_batch_and_the_cell_of_its_place(
    context: ToolContext, assignment: Assignment
) -> None:
    texts = numbered(assignment.batches)
    for batch in sorted(texts, reverse=True):
        submit(context, batch, texts[batch])

    rows = {row.text: row for row in read_rows(context.workspace, "support-d2", "train")}

    for batch in assignment.batches:
        for text, cell in zip(texts[batch.batch], cells_of(batch), strict=True):
            made = rows[text].provenance
            assert made
            assert (rows[text].label, made.cell, made.writer) == (batch.label, cell, "calling model")


def test_next_batches_hold_what_is_still_wanted(context: ToolContext, assignment: Assignment) -> None:
    result = submit(context, "b1", sentences(100, 4))

    assert (result.accepted, result.have, result.want) == (4, 4, 120)
    assert [(batch.batch, batch.count) for batch in result.next_batches] == [("b1", assignment.batches[0].count - 4)]
    assert result.rules == ()  # they came with the assignment
    assert "submit_examples" in result.next_step


def test_a_label_that_comes_up_is_told_what_it_means_once(context: ToolContext, assignment: Assignment) -> None:
    texts = numbered(assignment.batches)

    told = [submit(context, batch, texts[batch]).rules for batch in ("b1", "b2", "b3", "b4")]

    delivery = "Label 'delivery': the customer asks where a parcel is"
    account = "Label 'account': the customer cannot log in or wants to change account data"
    assert told == [(), (delivery,), (), (account,)]  # that of the first batch came with it


def test_what_is_refused_is_asked_for_again_in_its_cell(context: ToolContext, assignment: Assignment) -> None:
    first = assignment.batches[0]
    texts = sentences(100, first.count)
    lacking = cells_of(first)[0], cells_of(first)[-1]

    refused = submit(context, "b1", ["no", *texts[1:-1], "no"])
    again = refused.next_batches[0]
    submit(context, "b1", sentences(500, 2))

    assert [(cell.cell, cell.count) for cell in again.cells] == [(cell, 1) for cell in lacking]
    result = submit(context, "b1", [*sentences(500, 1), *texts[1:-1], *sentences(501, 1)], finish=True)
    rows = {row.text: row.provenance for row in read_rows(context.workspace, str(result.dataset), "train")}
    assert [getattr(rows[text], "cell", None) for text in sentences(500, 2)] == list(lacking)


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


def test_small_batches_come_and_go_together(context: ToolContext, task: Task) -> None:
    """Twelve cells of which each gets two texts are 24 texts in 12 batches, and one round trip."""
    items = tuple(
        RegenerationItem(
            label=label, contrast=other, count=2, reason="confused", cells=(Cell(label=label, topic=topic),)
        )
        for label, other in itertools.permutations(task.label_names, 2)
        for topic in ("bills", "parcels")
    )
    save_tree(context.workspace, task)
    plan = RegenerationPlan(task="support", model="support-m1", dataset="support-d1", round=1, items=items)
    context.workspace.publish_document("plan", "support", plan, run_key="plan")
    handed = synthesize_examples(SynthesizeExamplesRequest(task="support", plan="support-p1"), context)
    assert [batch.count for batch in handed.batches] == [4] * 6
    assert (
        "submit_examples(assignment='support-a1', texts={'b1': [...], 'b2': [...], 'b3': [...], ...})"
        in handed.next_step
    )

    texts = numbered(handed.batches)
    texts["b2"][0] = "no"
    texts["b6"][3] = texts["b1"][0]
    first = submit_all(context, texts)

    assert first.accepted == 22
    assert [(text.batch, text.index, text.reason.split(":")[0]) for text in first.refused] == [
        ("b2", 0, "too short"),
        ("b6", 3, "duplicate"),
    ]
    assert [(batch.batch, batch.count) for batch in first.next_batches] == [("b2", 1), ("b6", 1)]
    done = submit_all(context, {"b2": sentences(900, 1), "b6": sentences(901, 1)})
    rows = {row.text: row for row in read_rows(context.workspace, str(done.dataset), "train")}
    wanted = {batch.batch: (batch.label, batch.contrast) for batch in handed.batches}
    assert len(rows) == 24
    for batch, own in (texts | {"b2": texts["b2"][1:], "b6": texts["b6"][:3]}).items():
        made = [(rows[text].label, rows[text].provenance and rows[text].provenance.contrast) for text in own]
        assert made == [wanted[batch]] * len(own)


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


def test_finish_makes_the_dataset_from_what_is_there(context: ToolContext, assignment: Assignment) -> None:
    result = submit(context, "b2", sentences(100, 3), finish=True)

    assert (result.dataset, result.have) == ("support-d2", 3)
    assert read_card(context.workspace, "support-d2").rows("train") == 4


def test_finish_alone_makes_the_dataset_from_what_earlier_calls_brought(
    context: ToolContext, assignment: Assignment
) -> None:
    nothing_yet = submit(context, "b2", [], finish=True)
    assert nothing_yet.dataset is None
    assert "no accepted text yet" in nothing_yet.summary
    submit(context, "b2", sentences(100, 3))

    result = submit(context, "b2", [], finish=True)

    assert (result.accepted, result.dataset, result.have) == (0, "support-d2", 3)


def test_finish_without_a_single_text_makes_none_and_says_so(context: ToolContext, assignment: Assignment) -> None:
    result = submit(context, "b2", ["no"], finish=True)

    assert result.dataset is None
    assert "no accepted text yet" in result.summary
    assert submit(context, "b2", sentences(100, 1)).accepted == 1


@ON_BOTH
def test_a_finished_assignment_takes_no_more_and_says_so(context: ToolContext, assignment: Assignment) -> None:
    submit(context, "b2", sentences(100, 3), finish=True)

    result = submit(context, "b2", sentences(102, 2), finish=True)

    assert (result.accepted, result.already_accepted, result.dataset) == (0, 1, "support-d2")
    assert [text.reason for text in result.refused] == ["the assignment is finished"]
    assert "finished before" in result.summary
    assert len(context.workspace.artifacts("support", "dataset")) == 2


def test_a_finish_that_was_cut_off_before_the_dataset_is_made_good_by_the_next_call(
    context: ToolContext, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    from classwright_tools.writing.assignments import submissions

    def dies(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(submissions, "save_dataset", dies)
        with pytest.raises(KeyboardInterrupt):
            submit(context, "b2", sentences(100, 3), finish=True)

    result = submit(context, "b2", sentences(100, 3), finish=True)

    assert (result.already_accepted, result.dataset) == (3, "support-d2")
    assert read_card(context.workspace, "support-d2").rows("train") == 4


def _submit_all(root: Path, index_url: str | None, batches: list[tuple[str, list[str]]]) -> list[dict[str, Any]]:
    """Submit to the workspace at `root` from a process of its own."""
    context = ToolContext(workspace=Workspace(root, index_url), run_key="another call")
    return [submit(context, batch, texts).model_dump() for batch, texts in batches]


@ON_BOTH
def test_processes_that_submit_at_once_lose_and_double_nothing(
    context: ToolContext, assignment: Assignment, index_url: str | None
) -> None:
    texts = numbered(assignment.batches)
    # Every process sends every text, in halves and in an order of its own.
    halves = [(batch, part) for batch, all_ in texts.items() for part in (all_[: len(all_) // 2], all_)]
    orders = [halves, halves[::-1], halves[3:] + halves[:3], halves[7:] + halves[:7]]

    with multiprocessing.get_context("spawn").Pool(4) as pool:
        answers = pool.starmap(_submit_all, [(context.workspace.root, index_url, order) for order in orders])

    accepted = sum(answer["accepted"] for of_process in answers for answer in of_process)
    rows = read_rows(context.workspace, "support-d2", "train")
    written = Counter(row.text for row in rows if row.origin == "written")
    assert accepted == 120
    assert written == Counter(text for of_batch in texts.values() for text in of_batch)
    assert {answer["dataset"] for of_process in answers for answer in of_process} <= {None, "support-d2"}
    labels = {batch.batch: batch.label for batch in assignment.batches}
    expected = {text: labels[batch] for batch, of_batch in texts.items() for text in of_batch}
    assert {row.text: row.label for row in rows if row.origin == "written"} == expected


def test_a_text_that_comes_while_another_call_is_judged_is_seen_by_it(
    context: ToolContext, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    from classwright_tools.writing.assignments.submissions import Submissions

    read, text = Submissions.accepted, sentence(100)

    def read_just_before_another_call(self: Submissions) -> list[Example]:
        rows = read(self)
        with monkeypatch.context() as undisturbed:
            undisturbed.setattr(Submissions, "accepted", read)
            assert submit(context, "b1", [text]).accepted == 1
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(Submissions, "accepted", read_just_before_another_call)
        result = submit(context, "b6", [f"{text}, indeed"])

    assert [refused.reason.split(":")[0] for refused in result.refused] == ["near-duplicate"]


def test_a_full_disk_is_an_error_and_the_same_call_works_once_there_is_room(
    context: ToolContext, assignment: Assignment
) -> None:
    def limit_pages(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA max_page_count=1")  # SQLite takes the file's present size instead

    engine = context.workspace.engine
    event.listen(engine, "connect", limit_pages)
    engine.dispose()
    with pytest.raises(StorageFailed, match="Free some space"):
        submit(context, "b1", [f"{text} {'and on and on ' * 1000}" for text in sentences(100, 3)])
    event.remove(engine, "connect", limit_pages)
    engine.dispose()

    assert submit(context, "b1", sentences(100, 3)).have == 3


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


def test_rows_imported_while_the_calling_model_writes_are_in_the_dataset_too(
    context: ToolContext, assignment: Assignment
) -> None:
    submit(context, "b1", sentences(100, 5))
    newest = import_beside(
        context.workspace, "beside", {"validation": [make_example(sentence(n), "refund") for n in (3, 103)]}
    )

    result = submit(context, "b2", [sentence(3), *sentences(200, 2)], finish=True)

    assert [refused.reason.split(":")[0] for refused in result.refused] == ["near-duplicate of a validation row"]
    assert result.dataset
    card = read_card(context.workspace, result.dataset)
    assert (card.parent, card.rows("validation"), card.rows("train", "written")) == (newest, 2, 6)
    assert card.refused == {"near-duplicate of a validation row": 1}
    assert "its 6 of 120 texts are in support-d3; 1 repeat rows that came there meanwhile" in result.summary


def test_rows_imported_while_the_dataset_is_made_are_in_it_too(
    context: ToolContext, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    from classwright_tools.writing.assignments import submissions

    def save_just_after_an_import(*arguments: Any, **named: Any) -> Any:
        monkeypatch.undo()
        import_beside(context.workspace, "beside", {"validation": [make_example(sentence(3), "refund")]})
        return save_dataset(*arguments, **named)

    monkeypatch.setattr(submissions, "save_dataset", save_just_after_an_import)
    result = submit(context, "b1", sentences(100, 2), finish=True)

    assert result.dataset == "support-d3"
    card = read_card(context.workspace, "support-d3")
    assert (card.rows("validation"), card.rows("train", "written")) == (1, 2)


def test_an_assignment_for_a_named_dataset_goes_there_whatever_is_made_meanwhile(
    context: ToolContext, task: Task
) -> None:
    save_tree(context.workspace, task)
    save_dataset(
        context.workspace,
        "support",
        {"train": [make_example(sentence(1), "refund")]},
        parent=None,
        run_key="import",
        made_by="import_examples",
    )
    synthesize_examples(SynthesizeExamplesRequest(task="support", rows=60, dataset="support-d1"), context)
    import_beside(context.workspace, "beside", {"validation": [make_example(sentence(3), "refund")]})

    submit(context, "b1", sentences(100, 2), finish=True)

    card = read_card(context.workspace, "support-d3")
    assert (card.parent, card.rows("validation")) == ("support-d1", 0)


def test_contexts_of_any_run_key_share_one_assignment(context: ToolContext, assignment: Assignment) -> None:
    submit(replace(context, run_key="one"), "b1", sentences(100, 2))

    result = submit(replace(context, run_key="two"), "b1", sentences(102, 2), finish=True)

    assert (result.have, result.dataset) == (4, "support-d2")
