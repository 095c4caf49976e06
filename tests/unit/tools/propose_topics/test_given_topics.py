"""Topics that the calling model gives: in one call or several, for new labels, and beside those that are there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Label
from classwright_tools.domain.topic_tree import LabelTopics, Topic, TopicTree
from classwright_tools.edit_examples import EditExamplesRequest, edit_examples
from classwright_tools.errors import InvalidInput
from classwright_tools.propose_topics import propose_topics
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.workspace import Artifact
from support.measurement import dataset_of
from support.topics import LABELS, asked_of, request_for, tree_of, with_writer

PRAISE = (*LABELS, Label(name="praise"))


def about_vouchers(label: str) -> LabelTopics:
    return LabelTopics(label=label, topics=(Topic(name="vouchers", subtopics=("expired",)),))


def test_without_a_writer_the_calling_model_is_told_what_to_write(context: ToolContext) -> None:
    result = propose_topics(request_for(), context)

    assert result.topic_tree is None
    assert result.wanted
    assert result.wanted.labels == ("refund", "delivery", "account")
    assert (result.wanted.topics_per_label, result.wanted.subtopics_per_topic) == (4, 2)
    assert result.wanted.source_types_wanted == 3
    assert "propose_topics" in result.next_step
    assert context.workspace.task("shop").label_names == ("refund", "delivery", "account")


def test_all_topics_in_one_call_make_the_tree(context: ToolContext) -> None:
    result = propose_topics(request_for("account", "refund", "delivery", source_types=("letter", "chat")), context)

    tree = tree_of(context, result)
    assert [branch.label for branch in tree.labels] == ["refund", "delivery", "account"]
    assert (tree.source_types, result.cells) == (("letter", "chat"), 3 * 2 * 2)


def test_labels_may_come_in_several_calls_and_none_is_lost(context: ToolContext) -> None:
    first = propose_topics(request_for("refund", source_types=("letter",)), replace(context, run_key="1"))
    second = propose_topics(request_for("account"), replace(context, run_key="2"))
    third = propose_topics(request_for("delivery"), replace(context, run_key="3"))

    assert first.wanted
    assert first.wanted.labels == ("delivery", "account")
    assert first.wanted.source_types_wanted == 0
    assert second.wanted
    assert second.wanted.labels == ("delivery",)
    assert second.topic_tree is None
    assert [branch.label for branch in tree_of(context, third).labels] == ["refund", "delivery", "account"]
    assert tree_of(context, third).source_types == ("letter",)


@pytest.mark.parametrize("there", [0, 1], ids=["the first topics", "further ones"])
def test_two_calls_at_the_same_time_lose_no_topics(
    there: int, context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    if there:
        propose_topics(request_for("refund", "delivery", "account"), replace(context, run_key="1"))
    publish = context.workspace.publish_document

    def publish_second(*given: Any, **named: Any) -> Artifact:
        monkeypatch.setattr(context.workspace, "publish_document", publish)
        propose_topics(request_for(topics=(about_vouchers("delivery"),)), replace(context, run_key="other"))
        return publish(*given, **named)

    monkeypatch.setattr(context.workspace, "publish_document", publish_second)
    propose_topics(request_for(topics=(about_vouchers("refund"),)), context)

    newest = context.workspace.resolve(None, "topics", "shop")
    labels = context.workspace.document(newest.id, "topics", TopicTree).labels
    assert labels[:2] == (about_vouchers("refund"), about_vouchers("delivery"))
    assert len(labels) == 2 + there


def test_new_topics_of_one_label_replace_its_old_ones_alone(context: ToolContext) -> None:
    propose_topics(request_for("refund", "delivery", "account"), replace(context, run_key="1"))
    edited = about_vouchers("refund")

    result = propose_topics(request_for(topics=(edited,)), replace(context, run_key="2"))

    tree = tree_of(context, result)
    assert tree.labels[0] == edited
    assert [branch.label for branch in tree.labels] == ["refund", "delivery", "account"]


def test_asking_again_without_topics_names_the_tree_that_is_there(context: ToolContext) -> None:
    made = propose_topics(request_for("refund", "delivery", "account"), replace(context, run_key="1"))

    assert propose_topics(request_for(), replace(context, run_key="2")).topic_tree == made.topic_tree


def test_a_label_more_leaves_the_topics_of_the_others_as_they_were(context: ToolContext) -> None:
    made = propose_topics(
        request_for("refund", "delivery", "account", source_types=("chat",)), replace(context, run_key="1")
    )

    asked = propose_topics(request_for(labels=PRAISE), replace(context, run_key="2"))
    result = propose_topics(request_for("praise", labels=PRAISE), replace(context, run_key="3"))

    assert asked.task_version == 2
    assert asked.wanted
    assert asked.wanted.labels == ("praise",)
    assert tree_of(context, result).labels[:3] == tree_of(context, made).labels
    assert tree_of(context, result).source_types == ("chat",)


def test_a_writer_is_asked_for_the_topics_of_the_new_label_alone(context: ToolContext) -> None:
    made = propose_topics(request_for(), with_writer(context))
    later = with_writer(context, run_key="later")

    result = propose_topics(request_for(labels=PRAISE), later)

    assert tree_of(context, result).labels[:3] == tree_of(context, made).labels
    assert {request.cell and request.cell.label for request in asked_of(later)} == {"praise"}


@pytest.mark.parametrize("changes", [{"expected_shares": {"refund": 0.6, "delivery": 0.2, "account": 0.2}}, {}])
def test_a_call_that_names_fields_of_the_task_alone_asks_no_writer_and_leaves_the_tree(
    changes: dict[str, Any], context: ToolContext
) -> None:
    given = request_for("refund", "delivery", "account", source_types=("voice mail",))
    before = propose_topics(given, replace(context, run_key="1"))
    later = with_writer(context, run_key="later")

    result = propose_topics(request_for(languages=("de",), **changes), later)

    assert tree_of(context, result) == tree_of(context, before)
    assert asked_of(later) == []


def test_a_writer_grows_all_topics_anew_where_their_number_is_named(context: ToolContext) -> None:
    given = request_for("refund", "delivery", "account", source_types=("voice mail",))
    propose_topics(given, replace(context, run_key="1"))

    tree = tree_of(context, propose_topics(request_for(topics_per_label=3), with_writer(context, run_key="later")))

    assert all(topic.name != f"{branch.label} matters" for branch in tree.labels for topic in branch.topics)
    assert tree.source_types == ("voice mail",)


def test_topics_of_a_task_about_something_else_are_not_mixed_in_and_are_told_to_be_written_by_meanwhile(
    context: ToolContext,
) -> None:
    before = propose_topics(request_for("refund", "delivery", "account"), replace(context, run_key="1"))
    other = "Sort letters to a ministry."

    result = propose_topics(request_for("praise", labels=PRAISE, instruction=other), replace(context, run_key="2"))
    again = propose_topics(request_for(instruction="Sort letters to a bank."), replace(context, run_key="3"))

    assert result.wanted
    assert result.wanted.labels == ("refund", "delivery", "account")
    assert f"The topics of {before.topic_tree} are" not in result.summary
    assert "are for the task as it was: texts are still written by them until others come." in again.summary


def test_other_languages_leave_the_topics_as_they_are(context: ToolContext) -> None:
    before = propose_topics(request_for("refund", "delivery", "account"), replace(context, run_key="1"))

    result = propose_topics(request_for(languages=("fr", "de", "en")), replace(context, run_key="2"))

    assert result.wanted is None
    assert tree_of(context, result) == tree_of(context, before)


def test_a_label_that_is_described_anew_gets_topics_anew(context: ToolContext) -> None:
    propose_topics(request_for("refund", "delivery", "account"), replace(context, run_key="1"))
    narrowed = (Label(name="refund", description="Money back for goods alone."), *LABELS[1:])

    result = propose_topics(request_for(labels=narrowed), replace(context, run_key="2"))

    assert result.wanted
    assert result.wanted.labels == ("refund",)


def test_of_several_labels_a_new_one_asks_for_topics_of_texts_with_none_and_names_rows_labelled_without_it(
    context: ToolContext,
) -> None:
    propose_topics(request_for("refund", "delivery", "account", "|", multi_label=True), replace(context, run_key="1"))
    first = propose_topics(request_for(labels=PRAISE[:3], multi_label=True), replace(context, run_key="2"))
    dataset_of(context.workspace, "shop", train=[make_example("money back", None, labels=["refund"])])

    result = propose_topics(request_for(labels=PRAISE, multi_label=True), replace(context, run_key="3"))

    assert "labelled without" not in first.summary
    assert "Rows so far were labelled without 'praise'" in result.summary
    assert result.wanted
    assert result.wanted.labels == ("praise", "|")


def test_the_first_labels_are_none_that_earlier_rows_were_labelled_without(context: ToolContext) -> None:
    propose_topics(request_for(labels=(), multi_label=True), replace(context, run_key="1"))
    dataset_of(context.workspace, "shop", unlabelled=[make_example("money back", None)])

    result = propose_topics(request_for(labels=PRAISE, multi_label=True), replace(context, run_key="2"))

    assert "labelled without" not in result.summary


def test_topics_come_for_labels_that_are_there_and_what_was_said_of_these_stays(context: ToolContext) -> None:
    described = tuple(Label(name=label.name, description=f"All on {label.name}.", examples=("a",)) for label in LABELS)
    propose_topics(request_for(labels=described, multi_label=True, languages=("de",)), replace(context, run_key="1"))

    without = propose_topics(request_for("refund", "delivery", labels=()), replace(context, run_key="2"))
    by_name = propose_topics(request_for("account", "|"), replace(context, run_key="3"))

    assert without.wanted
    assert without.wanted.labels == ("account", "|")
    assert len(tree_of(context, by_name).labels) == 4
    task = context.workspace.task("shop")
    assert (task.labels, task.multi_label, task.languages, task.version) == (described, True, ("de",), 1)


def test_a_label_that_is_named_again_has_what_is_said_of_it_now_and_keeps_the_rest(context: ToolContext) -> None:
    propose_topics(
        request_for(labels=[{"name": "refund", "description": "Money.", "examples": ["a"]}, *LABELS[1:]]), context
    )

    propose_topics(request_for(labels=[{"name": "refund", "description": ""}, *PRAISE[1:]]), context)

    named = context.workspace.task("shop").labels[0]
    assert (named.description, named.examples) == ("", ("a",))
    assert context.workspace.task("shop").label_names == ("refund", "delivery", "account", "praise")


@pytest.mark.parametrize("has_rows", [True, False])
def test_a_task_may_come_to_have_several_labels_a_row_while_it_has_none(has_rows: bool, context: ToolContext) -> None:
    propose_topics(request_for(labels=()), context)
    if has_rows:
        dataset_of(context.workspace, "shop", unlabelled=[make_example("money back", None)])

    propose_topics(request_for(labels=LABELS, multi_label=True), context)
    if has_rows:
        given = {"action": "relabel", "rows": {"where": {"text": "money"}}, "label": "refund|delivery"}
        asked = {"task": "shop", "reason": "So it is.", "changes": [given]}
        made = edit_examples(EditExamplesRequest.model_validate(asked), replace(context, run_key="edit"))
        assert made.dataset
        assert read_rows(context.workspace, made.dataset, "train")[0].labels == ("refund", "delivery")

    with pytest.raises(InvalidInput, match="exists with multi_label True"):
        propose_topics(request_for(multi_label=False), context)


def test_how_the_rows_of_a_task_with_one_label_come_into_one_with_several_is_said(context: ToolContext) -> None:
    propose_topics(request_for(), context)
    dataset_of(context.workspace, "shop", train=[make_example("money back", "refund")])

    with pytest.raises(InvalidInput, match=r"another name\. Its rows come along by files: `classwright export DATASET"):
        propose_topics(request_for(multi_label=True), context)


def test_a_task_may_come_to_be_of_pairs_while_it_has_neither_labels_nor_rows(context: ToolContext) -> None:
    propose_topics(request_for(labels=()), context)
    propose_topics(request_for(kind="pair"), replace(context, run_key="1"))
    assert context.workspace.task("shop").kind == "pair"

    propose_topics(request_for(task="other", labels=()), replace(context, run_key="2"))
    dataset_of(context.workspace, "other", unlabelled=[make_example("money back", None)])
    with pytest.raises(InvalidInput, match="exists with kind 'text'"):
        propose_topics(request_for(task="other", kind="pair"), replace(context, run_key="3"))
