"""`submit_examples`: the calling model's texts become a dataset, batch by batch, and what is still wanted is told."""

from __future__ import annotations

import itertools
from dataclasses import replace

from classwright_tools.context import ToolContext
from classwright_tools.domain.assignment import Assignment
from classwright_tools.domain.example import make_example
from classwright_tools.domain.regeneration import RegenerationItem, RegenerationPlan
from classwright_tools.domain.task import Task
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.synthesize_examples import SynthesizeExamplesRequest, synthesize_examples
from classwright_tools.workspace.datasets import read_card, read_rows
from support.submitting import cells_of, numbered, sentences, submit, submit_all
from support.writing_verbs import import_beside, save_tree, sentence


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
    assert result.rules == ("Label 'refund': the customer wants money back",)  # the others came with the assignment
    assert "submit_examples" in result.next_step


def test_what_a_label_means_is_told_with_its_batches_also_in_the_answer_to_a_call_that_is_sent_again(
    context: ToolContext, assignment: Assignment
) -> None:
    texts = numbered(assignment.batches)

    told = [submit(context, batch, texts[batch]).rules for batch in ("b1", "b2", "b2", "b3", "b4")]

    refund = "Label 'refund': the customer wants money back"
    delivery = "Label 'delivery': the customer asks where a parcel is"
    account = "Label 'account': the customer cannot log in or wants to change account data"
    assert told == [(refund,), (delivery,), (delivery,), (delivery,), (account,)]


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


def test_contexts_of_any_run_key_share_one_assignment(context: ToolContext, assignment: Assignment) -> None:
    submit(replace(context, run_key="one"), "b1", sentences(100, 2))

    result = submit(replace(context, run_key="two"), "b1", sentences(102, 2), finish=True)

    assert (result.have, result.dataset) == (4, "support-d2")
