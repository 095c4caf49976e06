"""The end of an assignment: finished early, cut off, by several at once, and beside other changes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from classwright_tools.context import ToolContext
from classwright_tools.domain.assignment import Assignment
from classwright_tools.domain.example import Example, make_example
from classwright_tools.domain.task import Task
from classwright_tools.errors import StorageFailed
from classwright_tools.synthesize_examples import SynthesizeExamplesRequest, synthesize_examples
from classwright_tools.workspace.datasets import read_card, read_rows, save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.postgres import ON_BOTH
from support.submitting import numbered, sentences, submit
from support.workspace_process import FORKING
from support.writing_verbs import import_beside, save_tree, sentence


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

    with FORKING.Pool(4) as pool:
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
    assert "its 6 of 120 texts are in support-d3; left out: 1 repeats a row that came there meanwhile" in result.summary


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
