"""`synthesize_examples` by a RegenerationPlan: contrasts and cells, as many as it says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.regeneration import RegenerationItem, RegenerationPlan
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.domain.writer import Completion, WritingRequest
from classwright_tools.errors import InvalidInput, NotFound
from classwright_tools.synthesize_examples import SynthesizeExamplesRequest, synthesize_examples
from classwright_tools.workspace.workspace import Workspace
from classwright_tools.writing.prompts.render import chat_messages
from support.synthesize import asked_of, train_rows, with_writer


def save_plan(workspace: Workspace, *items: RegenerationItem) -> str:
    plan = RegenerationPlan(task="support", model="support-m1", dataset="support-d1", round=1, items=items)
    return workspace.publish_document("plan", "support", plan, run_key=f"plan {len(items)}").id


def test_a_contrast_is_written_as_the_plan_says(context: ToolContext, tree: str) -> None:
    item = RegenerationItem(
        label="refund", contrast="delivery", count=12, reason="confused 9 times", style=("where is my parcel",)
    )
    plan = save_plan(context.workspace, item)
    context = with_writer(context)

    result = synthesize_examples(SynthesizeExamplesRequest(task="support", plan=plan), context)

    (request,) = asked_of(context)
    assert (request.kind, request.contrast, request.count, request.round) == ("contrast", "delivery", 12, 1)
    assert request.cell == Cell(label="refund")
    assert request.style == ("where is my parcel",)
    rows = train_rows(context, result.dataset)
    assert {(row.label, row.provenance and row.provenance.contrast) for row in rows} == {("refund", "delivery")}
    assert len(rows) == 12


def test_a_plan_and_a_tree_are_not_named_together(context: ToolContext, tree: str) -> None:
    request = SynthesizeExamplesRequest(task="support", plan="support-p1", topic_tree=tree)

    with pytest.raises(InvalidInput, match="`topic_tree`: is not read beside `plan`"):
        synthesize_examples(request, context)


def test_a_contrast_keeps_its_cells_and_the_writer_is_told_what_the_plan_says(context: ToolContext, tree: str) -> None:
    cells = tuple(Cell(label="refund", topic="topic 0 of refund", subtopic=f"matter 0.{n}") for n in range(2))
    item = RegenerationItem(
        label="refund",
        contrast="delivery",
        cells=cells,
        count=6,
        reason="confused",
        guidance=("Words of 'refund' rather than of 'delivery': money.",),
        style=("give it back",),
        contrast_style=("where is my parcel",),
    )
    context = with_writer(context)

    result = synthesize_examples(
        SynthesizeExamplesRequest(task="support", plan=save_plan(context.workspace, item)), context
    )

    asked = asked_of(context)
    assert {(request.kind, request.cell, request.count) for request in asked} == {("contrast", c, 3) for c in cells}
    for request in asked:
        assert (request.guidance, request.style, request.contrast_style) == (
            item.guidance,
            item.style,
            item.contrast_style,
        )
        prompt = chat_messages(request)[1]["content"]
        assert all(text in prompt for text in (*item.guidance, *item.style, *item.contrast_style))
    made = [row.provenance for row in train_rows(context, result.dataset)]
    assert {(p.cell, p.contrast) for p in made if p} == {(cell, "delivery") for cell in cells}


def test_a_text_that_copies_one_shown_of_the_neighbour_is_refused(context: ToolContext, tree: str) -> None:
    copied = "where on earth is the parcel that you promised me for monday"
    item = RegenerationItem(label="refund", contrast="delivery", count=2, reason="confused", contrast_style=(copied,))

    def copies(request: WritingRequest) -> Completion:
        return Completion(items=(copied,))

    context = with_writer(context, copies)
    result = synthesize_examples(
        SynthesizeExamplesRequest(task="support", plan=save_plan(context.workspace, item)), context
    )

    assert result.refused["near-duplicate of a shown text"] > 0


def test_the_calling_model_is_told_what_the_plan_says(context: ToolContext, tree: str) -> None:
    item = RegenerationItem(
        label="refund",
        contrast="delivery",
        count=30,
        reason="confused",
        guidance=("Words of 'refund': money.",),
        style=("give it back",),
        contrast_style=("where is my parcel",),
    )

    result = synthesize_examples(
        SynthesizeExamplesRequest(task="support", plan=save_plan(context.workspace, item)), context
    )

    assert [(batch.count, batch.guidance) for batch in result.batches] == [(15, item.guidance)]  # the first of two
    assert result.style == {"refund": item.style, "delivery": item.contrast_style}
    assert any("A subject that they ask for goes before the topic given. They are" in rule for rule in result.rules)

    wished = ("money please", "pay me back", "refund it")
    again = synthesize_examples(
        SynthesizeExamplesRequest(task="support", plan=save_plan(context.workspace, item), examples=wished),
        replace(context, run_key="again"),
    )

    assert again.style["refund"] == (wished[0], *item.style, wished[1])
    assert (again.shown_in_part["style"].shown, again.shown_in_part["style"].total) == (4, 5)
    assert [rule for rule in result.rules if "in `style`" in rule and "where yours end" in rule]


def test_cells_of_a_plan_are_filled_and_items_of_one_place_are_joined(context: ToolContext, tree: str) -> None:
    cells = tuple(Cell(label="account", topic="topic 0 of account", subtopic=f"matter 0.{n}") for n in range(3))
    plan = save_plan(
        context.workspace,
        RegenerationItem(label="account", cells=cells, count=6, reason="thin"),
        RegenerationItem(label="account", cells=cells[:1], count=4, reason="thin"),
        RegenerationItem(label="refund", contrast="account", count=3, reason="confused"),
        RegenerationItem(label="refund", contrast="account", count=2, reason="confused"),
    )
    context = with_writer(context)

    result = synthesize_examples(SynthesizeExamplesRequest(task="support", plan=plan), context)

    assert result.accepted == 15
    assert sorted(request.count for request in asked_of(context)) == [2, 2, 5, 6]


def test_rows_scale_a_plan(context: ToolContext, tree: str) -> None:
    plan = save_plan(
        context.workspace,
        RegenerationItem(label="refund", contrast="account", count=20, reason="confused"),
        RegenerationItem(label="account", contrast="refund", count=10, reason="confused"),
    )
    context = with_writer(context)

    result = synthesize_examples(SynthesizeExamplesRequest(task="support", plan=plan, rows=10), context)

    assert (result.wanted, result.accepted) == (10, 10)
    assert sorted(request.count for request in asked_of(context)) == [3, 7]


def test_a_plan_that_names_a_label_the_task_lacks_is_refused_with_the_nearest_one(
    context: ToolContext, tree: str
) -> None:
    plan = save_plan(
        context.workspace, RegenerationItem(label="refund", contrast="delivry", count=2, reason="confused")
    )

    with pytest.raises(NotFound, match=r"label 'delivry'.*'delivery'"):
        synthesize_examples(SynthesizeExamplesRequest(task="support", plan=plan), with_writer(context))
