"""`propose_topics` and `synthesize_examples` where a server's writer writes texts with several labels."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import count

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.regeneration import RegenerationItem, RegenerationPlan
from classwright_tools.domain.task import Label
from classwright_tools.domain.topic_tree import TopicTree
from classwright_tools.domain.writer import Completion
from classwright_tools.edit_examples import EditExamplesRequest, edit_examples
from classwright_tools.errors import InvalidInput, NotFound
from classwright_tools.propose_topics import ProposeTopicsRequest, propose_topics
from classwright_tools.submit_examples import SubmitExamplesRequest, submit_examples
from classwright_tools.synthesize_examples import SynthesizeExamplesRequest, synthesize_examples
from classwright_tools.writing.prompts.render import chat_messages
from support.several import LABELS, script, several_dataset, several_task, written_for
from support.synthesize import asked_of, train_rows, with_writer
from support.writing_verbs import save_tree

NUMBERS = count()


def proposed(**more: object) -> ProposeTopicsRequest:
    task = several_task()
    given = {"task": task.slug, "instruction": task.instruction, "labels": task.labels, "multi_label": True}
    return ProposeTopicsRequest.model_validate(given | more)


def test_the_tree_has_topics_for_texts_without_a_label(context: ToolContext) -> None:
    context = with_writer(context, script)

    result = propose_topics(proposed(topics_per_label=2), context)

    tree = context.workspace.document(result.topic_tree or "", "topics", TopicTree)
    assert [branch.label for branch in tree.labels] == [*LABELS, "|"]
    (none,) = [one for one in asked_of(context) if one.kind == "topics" and one.cell and one.cell.label == "|"]
    assert "to which no label of the task applies" in chat_messages(none)[1]["content"]
    assert "with one label, with two, and with none" in result.next_step


def test_rows_have_the_labels_that_they_were_written_for_beside_those_that_were_there(context: ToolContext) -> None:
    context = with_writer(context, script)
    there = several_dataset(context.workspace)
    propose_topics(proposed(), context)
    before = train_rows(context, there)

    result = synthesize_examples(SynthesizeExamplesRequest(task="mail", rows=60), replace(context, run_key="write"))

    assert (result.accepted, result.missing) == (60, ())
    rows = train_rows(context, result.dataset)
    assert rows[: len(before)] == before
    written = rows[len(before) :]
    assert all(row.label is None and row.origin == "written" for row in written)
    assert all(row.provenance and row.provenance.cell for row in written)
    assert {row.labels_name for row in written} >= {*LABELS, "refund|delivery", "|"}
    assert all(
        row.provenance.cell.label == row.labels_name for row in written if row.provenance and row.provenance.cell
    )
    assert Counter(row.provenance.round for row in written if row.provenance) == {0: 60}


def test_a_writer_is_told_all_labels_and_shown_the_others(context: ToolContext) -> None:
    context = with_writer(context, script)
    context.workspace.save_task(several_task())
    save_tree(context.workspace, several_task())

    synthesize_examples(SynthesizeExamplesRequest(task="mail", labels=("account|refund",), rows=2), context)

    asked = asked_of(context)
    assert {one.cell and one.cell.label for one in asked} == {"refund|account"}
    prompt = chat_messages(asked[0])[1]["content"]
    assert "a text may have several labels, or none" in prompt
    own, others = prompt.index("labels that every one of the texts has"), prompt.index("The other labels")
    assert own < prompt.index('"name": "refund"') < prompt.index('"name": "account"') < others
    assert prompt.index('"name": "delivery"') > others
    assert "would give it every one of them, and no other label" in prompt
    assert "None would rather belong to another label" not in prompt


def test_a_text_that_was_written_for_other_labels_before_is_refused(context: ToolContext) -> None:
    context = with_writer(context, script)
    context.workspace.save_task(several_task())
    save_tree(context.workspace, several_task())
    request = SynthesizeExamplesRequest(task="mail", labels=("Refund|account",), rows=1)
    first = synthesize_examples(request, context)
    (row,) = train_rows(context, first.dataset)
    again = with_writer(context, lambda _: Completion(items=(row.text,)), run_key="again")

    result = synthesize_examples(request.model_copy(update={"labels": ("refund",)}), again)

    assert (result.dataset, set(result.refused)) == (None, {"duplicate"})
    assert "('refund|account')" in result.refusals[0].reason


@pytest.mark.parametrize(("labels", "unknown"), [("refund|payment", "payment"), ("payment", "payment")])
def test_a_label_that_the_task_does_not_have_is_named(context: ToolContext, labels: str, unknown: str) -> None:
    context.workspace.save_task(several_task())

    with pytest.raises(NotFound, match=f"label '{unknown}': does not exist"):
        synthesize_examples(SynthesizeExamplesRequest(task="mail", labels=(labels,), rows=2), context)


def test_a_tree_without_topics_for_no_label_is_not_filled(context: ToolContext) -> None:
    context.workspace.save_task(several_task())
    save_tree(context.workspace, several_task(), branches=LABELS)

    with pytest.raises(InvalidInput, match=r"has no topics for 1 of the task's labels: '\|'"):
        synthesize_examples(SynthesizeExamplesRequest(task="mail", rows=8), context)


def test_a_set_is_shown_the_examples_of_each_of_its_labels(context: ToolContext) -> None:
    labels = tuple(Label(name=name, examples=(f"this is how one asks for {name}",)) for name in LABELS)
    context.workspace.save_task(several_task().model_copy(update={"labels": labels}))

    result = synthesize_examples(
        SynthesizeExamplesRequest(task="mail", labels=("refund|account", "|"), rows=4), context
    )

    assert [batch.label for batch in result.batches] == ["refund|account", "|"]
    assert list(result.style) == ["refund", "account"]
    assert any("'|' alone says that they have none" in rule for rule in result.rules)


def test_a_plan_is_spread_over_the_topics_of_either_label_and_a_contrast_says_what_does_not_apply(
    context: ToolContext,
) -> None:
    context.workspace.save_task(several_task())
    save_tree(context.workspace, several_task())
    items = (
        RegenerationItem(label="refund|account", count=8, reason="3 rows were not labelled so"),
        RegenerationItem(label="|", contrast="delivery", count=2, reason="2 rows were given 'delivery'"),
    )
    plan = RegenerationPlan(task="mail", model="mail-m1", dataset="mail-d1", round=1, items=items)
    saved = context.workspace.publish_document("plan", "mail", plan, run_key="plan").id
    context = with_writer(context, script)

    result = synthesize_examples(SynthesizeExamplesRequest(task="mail", plan=saved), context)

    rows = train_rows(context, result.dataset)
    assert Counter((row.labels, row.provenance and row.provenance.contrast) for row in rows) == {
        (("refund", "account"), None): 8,
        ((), "delivery"): 2,
    }
    topics = {str(row.provenance.cell.topic) for row in rows if row.labels and row.provenance and row.provenance.cell}
    assert {topic.split()[-1] for topic in topics} == {"refund", "account"}
    (contrast,) = [one for one in asked_of(context) if one.contrast]
    prompt = chat_messages(contrast)[1]["content"]
    assert '"labels": []' in prompt
    assert '"seems_to_apply": {"name": "delivery"' in prompt


def test_labels_that_are_renamed_or_taken_away_are_followed_in_rows_and_cells_there_and_on_their_way(
    context: ToolContext,
) -> None:
    context.workspace.save_task(several_task())
    wanted = SynthesizeExamplesRequest(task="mail", labels=("refund|account", "|", "delivery|account"), rows=3)
    synthesize_examples(wanted, with_writer(context, script, run_key="before"))
    handed = synthesize_examples(wanted, replace(context, run_key="handed out"))
    changes = [
        {"action": "rename_label", "label": "account", "to": "login"},
        {"action": "remove_label", "label": "delivery"},
        {"action": "add_label", "label": "praise"},
    ]
    edited = edit_examples(
        EditExamplesRequest.model_validate({"task": "mail", "reason": "clearer", "changes": changes}),
        replace(context, run_key="edit"),
    )
    texts = {b.batch: written_for(b.label, NUMBERS, b.count) for b in handed.batches if "delivery" not in b.label}
    sent = SubmitExamplesRequest(assignment=handed.assignment or "", texts=texts, finish=True)  # type: ignore[arg-type]
    submitted = submit_examples(sent, replace(context, run_key="submit"))
    ended = next(batch.batch for batch in handed.batches if "delivery" in batch.label)

    left = {("refund", "login"): "refund|login", (): "|", ("login",): "login"}
    there = train_rows(context, edited.dataset)
    assert {row.labels: row.provenance and row.provenance.cell and row.provenance.cell.label for row in there} == left
    arrived = [row for row in train_rows(context, submitted.dataset) if row not in there]
    assert {row.labels for row in arrived} == {("refund", "login"), ()}
    assert all(row.provenance and row.provenance.cell for row in arrived)
    assert {row.provenance.cell.label for row in arrived if row.provenance and row.provenance.cell} == {
        "refund|login",
        "|",
    }
    with pytest.raises(InvalidInput, match=f"label 'delivery' of batch '{ended}': has ended"):
        submit_examples(sent.model_copy(update={"texts": {ended: ("where is it",)}}), context)
