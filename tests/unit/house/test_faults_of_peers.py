"""Silent faults that were found in a neighbouring project's generator; none of them may happen here.

Its annotator attached labels by the order of completion; a reply of n texts was stored n times, so that copies crossed
the random split; "Label: 10" was read as 1; and a failed worker shrank a class without a word.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classwright_tools.context import ToolContext
from classwright_tools.domain.assignment import Assignment
from classwright_tools.domain.example import Example, make_example
from classwright_tools.domain.regeneration import RegenerationItem, RegenerationPlan
from classwright_tools.domain.task import Label, Task
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.domain.writer import Completion, WritingRequest
from classwright_tools.errors import WriterFailed
from classwright_tools.submit_examples import SubmitExamplesRequest, submit_examples
from classwright_tools.synthesize_examples import SynthesizeExamplesRequest, synthesize_examples
from classwright_tools.workspace.datasets import read_rows, save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.writing_verbs import ScriptedWriter, save_tree, sentence, texts_of, well_written

NUMERALS = ("1", "10", "0")


@pytest.fixture
def numerals(workspace: Workspace) -> Task:
    """A task whose labels are numerals, one of them the beginning of another."""
    task = Task(slug="stars", instruction="Rate a review.", labels=tuple(Label(name=name) for name in NUMERALS))
    return workspace.save_task(task)


def written_by(context: ToolContext, writer: ScriptedWriter, **request: object) -> list[Example]:
    """Return the training rows that `writer` makes of the request."""
    result = synthesize_examples(
        SynthesizeExamplesRequest.model_validate({"task": "stars"} | request),
        replace(context, writer=writer, run_key=f"run of {writer.name}"),
    )
    assert result.dataset
    return read_rows(context.workspace, result.dataset, "train")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6))
def test_labels_stay_with_their_texts_in_any_order_of_completion(
    seed: int, workspace: Workspace, context: ToolContext, numerals: Task
) -> None:
    save_tree(workspace, numerals, topics=2, subtopics=2, source_types=2)
    asked: dict[str, Cell | None] = {}

    def remembers(request: WritingRequest) -> Completion:
        items = texts_of(request)
        asked.update(dict.fromkeys(items, request.cell))
        return Completion(items=items)

    writer = ScriptedWriter(remembers, turns=random.Random(seed), name=f"writer {seed}")
    empty = save_dataset(workspace, "stars", {}, parent=None, run_key=f"empty {seed}", made_by="test")

    rows = written_by(context, writer, dataset=empty.id)

    assert len(rows) == 48
    for row in rows:
        assert row.provenance
        assert row.provenance.cell == asked[row.text]
        assert row.provenance.cell is not None
        assert row.label == row.provenance.cell.label


@pytest.mark.parametrize("n", [1, 2, 3, 5, 25, 26])
def test_n_texts_asked_in_a_cell_give_n_rows_and_not_n_squared(context: ToolContext, numerals: Task, n: int) -> None:
    save_tree(context.workspace, numerals, topics=1, subtopics=1, source_types=1)

    rows = written_by(context, ScriptedWriter(name=f"asked for {n}"), rows=3 * n)

    assert Counter(row.label for row in rows) == {"1": n, "10": n, "0": n}
    assert len({row.text for row in rows}) == 3 * n


def test_label_10_is_never_read_as_1(context: ToolContext, numerals: Task) -> None:
    plan = RegenerationPlan(
        task="stars",
        model="stars-m1",
        dataset="stars-d1",
        round=1,
        items=(
            RegenerationItem(label="10", contrast="1", count=3, reason="confused"),
            RegenerationItem(label="1", contrast="0", count=4, reason="confused"),
            RegenerationItem(label="0", contrast="10", count=5, reason="confused"),
        ),
    )
    context.workspace.publish_document("plan", "stars", plan, run_key="plan")
    save_tree(context.workspace, numerals)

    rows = written_by(context, ScriptedWriter(name="numerals"), plan="stars-p1")

    pairs = Counter((row.label, row.provenance.contrast) for row in rows if row.provenance)
    assert pairs == {("10", "1"): 3, ("1", "0"): 4, ("0", "10"): 5}


def test_batches_b1_and_b10_and_labels_1_and_10_are_kept_apart_in_submissions(
    context: ToolContext, numerals: Task
) -> None:
    save_tree(context.workspace, numerals)
    handed = synthesize_examples(SynthesizeExamplesRequest(task="stars", rows=450), context)
    assert handed.assignment
    batches = context.workspace.document(handed.assignment, "assignment", Assignment).batches
    expected = {}
    for number in (0, 9):
        batch = batches[number]
        texts = tuple(sentence(100 * number + turn) for turn in range(3))
        expected |= dict.fromkeys(texts, batch.label)
        request = SubmitExamplesRequest(
            assignment=handed.assignment, texts={batch.batch: texts}, finish=batch.batch == "b10"
        )
        result = submit_examples(request, context)

    assert result.dataset
    rows = read_rows(context.workspace, result.dataset, "train")
    assert {row.text: row.label for row in rows} == expected
    assert set(expected.values()) == {"1", "10"}


def test_a_failing_worker_is_reported_and_never_swallowed(context: ToolContext, numerals: Task) -> None:
    save_tree(context.workspace, numerals)

    def fails_for_10(request: WritingRequest) -> Completion:
        assert request.cell
        if request.cell.label == "10":
            raise WriterFailed("the model", "ran into its own filter", "Ask for something else.")
        return well_written(request)

    result = synthesize_examples(
        SynthesizeExamplesRequest(task="stars"), replace(context, writer=ScriptedWriter(fails_for_10))
    )

    assert (result.wanted, result.accepted) == (48, 32)
    assert {shortfall.cell.label for shortfall in result.missing} == {"10"}
    assert sum(shortfall.missing for shortfall in result.missing) == 16
    assert "ran into its own filter" in result.summary


def test_a_defect_of_the_writer_is_raised_and_never_swallowed(context: ToolContext, numerals: Task) -> None:
    save_tree(context.workspace, numerals)

    def broken(request: WritingRequest) -> Completion:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        synthesize_examples(SynthesizeExamplesRequest(task="stars"), replace(context, writer=ScriptedWriter(broken)))


def test_no_copy_of_a_row_crosses_into_the_training_rows(context: ToolContext, numerals: Task) -> None:
    save_tree(context.workspace, numerals)
    held_out = [make_example(sentence(number), "1") for number in range(6)]
    save_dataset(
        context.workspace,
        "stars",
        {"test": held_out[:3], "validation": held_out[3:]},
        parent=None,
        run_key="import",
        made_by="import_examples",
    )
    copies = tuple(text for row in held_out for text in (row.text, row.text.upper() + "!!", f" {row.text}"))

    rows = written_by(
        context, ScriptedWriter(lambda request: Completion(items=(*copies, *texts_of(request)))), candidates_per_row=1
    )

    assert len(rows) == 48
    assert not {row.text.casefold().strip("! ") for row in rows} & {row.text.casefold() for row in held_out}


def test_what_one_reply_repeats_is_stored_once(context: ToolContext, numerals: Task) -> None:
    save_tree(context.workspace, numerals)

    rows = written_by(context, ScriptedWriter(lambda request: Completion(items=texts_of(request) * 3)))

    assert len({row.id for row in rows}) == len(rows) == 48


def test_no_reply_of_a_cell_is_found_on_both_sides_of_the_training_split(context: ToolContext, numerals: Task) -> None:
    save_tree(context.workspace, numerals)

    rows = written_by(context, ScriptedWriter())

    groups = {row.provenance.group: row.label for row in rows if row.provenance}
    assert len(groups) == 24  # what grouped splits keep together: one group a cell
