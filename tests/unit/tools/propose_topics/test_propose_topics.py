"""`propose_topics` with a writer, which grows the task's tree; and requests that are refused."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from pydantic import ValidationError

from classwright_tools.context import ToolContext
from classwright_tools.domain.task import Label
from classwright_tools.domain.topic_tree import LabelTopics, Topic
from classwright_tools.domain.usage import Caps, TokenCount
from classwright_tools.domain.writer import Completion, WritingRequest
from classwright_tools.errors import Cancelled, InvalidInput, NotFound, WriterFailed
from classwright_tools.propose_topics import GrownTopicsResult, propose_topics
from support.topics import LABELS, asked_of, request_for, tree_of, with_writer
from support.writing_verbs import ScriptedWriter, phrases_of, well_written


def fails(request: WritingRequest) -> Completion:
    raise WriterFailed("the model", "refused to write this", "Ask for something else.")


def test_a_writer_grows_the_whole_tree(context: ToolContext) -> None:
    context = with_writer(context)

    result = propose_topics(request_for(topics_per_label=4, subtopics_per_topic=2), context)

    tree = tree_of(context, result)
    assert (result.cells, result.wanted, tree.remarks) == (3 * 4 * 2 * 3, None, ())
    assert len(tree.source_types) == 3
    assert [branch.label for branch in tree.labels] == ["refund", "delivery", "account"]
    assert [[len(topic.subtopics) for topic in branch.topics] for branch in tree.labels] == [[2, 2, 2, 2]] * 3
    assert "synthesize_examples" in result.next_step


def test_subtopics_belong_to_the_topic_they_were_asked_for_in_any_order_of_answers(context: ToolContext) -> None:
    context = with_writer(context)

    tree = tree_of(context, propose_topics(request_for(), context))

    for branch in tree.labels:
        for topic in branch.topics:
            assert topic.name.endswith(f"of {branch.label}")
            assert all(subtopic.endswith(f"of {topic.name}") for subtopic in topic.subtopics)


def test_given_topics_and_source_types_are_kept_and_only_the_rest_is_asked_for(context: ToolContext) -> None:
    context = with_writer(context)

    result = propose_topics(request_for("refund", source_types=("letter",)), context)

    tree = tree_of(context, result)
    assert tree.source_types == ("letter",)
    assert tree.labels[0].topics == (Topic(name="refund matters", subtopics=("a", "b")),)
    assert {request.cell.label for request in asked_of(context) if request.cell} == {"delivery", "account"}
    assert not [request for request in asked_of(context) if request.kind == "source_types"]


def test_more_phrases_than_asked_are_cut_and_repeated_ones_are_dropped(context: ToolContext) -> None:
    def repetitive(request: WritingRequest) -> Completion:
        phrases = phrases_of(request)
        return Completion(items=(phrases[0], phrases[0].upper(), "", "x" * 301, *phrases, "one more"))

    context = with_writer(context, repetitive)

    tree = tree_of(context, propose_topics(request_for(topics_per_label=3), context))

    assert [len(branch.topics) for branch in tree.labels] == [3, 3, 3]
    assert tree.labels[0].topics[0].name == "topics 0 of refund"


def test_too_few_phrases_are_asked_for_once_more_with_those_to_avoid(context: ToolContext) -> None:
    def too_few(request: WritingRequest) -> Completion:
        return Completion(items=phrases_of(request)[: -1 if request.kind == "topics" else None])

    context = with_writer(context, too_few)

    result = propose_topics(request_for(topics_per_label=4), context)

    topics = [request for request in asked_of(context) if request.kind == "topics"]
    assert sorted((request.attempt, request.count, len(request.avoid)) for request in topics) == [
        *[(0, 4, 0)] * 3,
        *[(1, 1, 3)] * 3,
    ]
    assert [len(branch.topics) for branch in tree_of(context, result).labels] == [3, 3, 3]
    assert "3 of 4 topics of 'refund'" in result.summary


def test_a_topic_without_subtopics_is_left_out_and_named(context: ToolContext) -> None:
    def refuses_one(request: WritingRequest) -> Completion:
        refused = request.kind == "subtopics" and request.cell and request.cell.topic == "topics 1 of refund"
        return fails(request) if refused else well_written(request)

    context = with_writer(context, refuses_one)

    result = propose_topics(request_for(), context)

    assert [topic.name for topic in tree_of(context, result).labels[0].topics] == [
        "topics 0 of refund",
        "topics 2 of refund",
        "topics 3 of refund",
    ]
    assert "'topics 1 of refund' (refused to write this)" in result.summary


def test_a_label_left_without_topics_is_an_error_and_what_arrived_is_not_paid_for_again(context: ToolContext) -> None:
    def refuses_refunds(request: WritingRequest) -> Completion:
        return fails(request) if request.cell and request.cell.label == "refund" else well_written(request)

    first = with_writer(context, refuses_refunds)
    with pytest.raises(WriterFailed, match=r"label 'refund'.*refused to write this"):
        propose_topics(request_for(), first)
    second = with_writer(context, run_key="again")

    result = propose_topics(request_for(), second)

    assert result.topic_tree
    assert {request.cell.label for request in asked_of(second) if request.cell} == {"refund"}


def test_what_the_writer_took_is_told_and_nothing_of_it_without_a_writer(context: ToolContext) -> None:
    result = propose_topics(request_for(topics_per_label=4), with_writer(context))

    assert isinstance(result, GrownTopicsResult)
    asked = 1 + 3 * (1 + 4)  # the source types, and of each label its topics and their subtopics
    assert (result.usage.requests, result.usage.tokens_in) == (asked, 100 * asked)
    assert result.usage.tokens_out > 0
    assert not hasattr(propose_topics(request_for(), replace(context, run_key="by hand")), "usage")


def test_a_repeated_run_makes_no_second_tree_and_asks_nothing(context: ToolContext) -> None:
    first = propose_topics(request_for(), with_writer(context))
    context = with_writer(context, fails)

    assert propose_topics(request_for(), context) == first
    assert asked_of(context) == []


class CautiousWriter(ScriptedWriter):
    """Bounds each request by twenty times what its answer takes."""

    def most_tokens(self, request: WritingRequest) -> TokenCount:
        return TokenCount(2_000, 400 * request.count)


def test_a_cap_of_tokens_makes_requests_wait_for_one_another_and_fails_none(context: ToolContext) -> None:
    labels = tuple(Label(name=f"label {number}") for number in range(20))
    takes = 160 + 20 * 180 + 20 * 4 * 140  # source types, topics, subtopics
    writer = CautiousWriter(turns=random.Random(0))

    result = propose_topics(
        request_for(labels=labels), replace(context, writer=writer, caps=Caps(max_tokens=5 * takes), run_key="run")
    )

    tree = tree_of(context, result)
    assert [len(branch.topics) for branch in tree.labels] == [4] * 20
    assert tree.remarks == ()
    answers = [well_written(request) for request in writer.asked]
    assert sum(answer.tokens_in + answer.tokens_out for answer in answers) == takes


def test_progress_rises_with_every_answer_to_the_end(context: ToolContext) -> None:
    seen: list[float | None] = []
    context = replace(with_writer(context), report=lambda share, _: seen.append(share))

    propose_topics(request_for(), context)

    shares = [share for share in seen if share is not None]
    assert shares == sorted(set(shares))
    assert len(shares) == 1 + 3 + 3 * 4
    assert shares[-1] == pytest.approx(1)


def test_it_can_be_cancelled(context: ToolContext) -> None:
    with pytest.raises(Cancelled):
        propose_topics(request_for(), replace(with_writer(context), is_cancelled=lambda: True))


def test_the_preview_of_a_huge_tree_stays_under_10_kb(context: ToolContext) -> None:
    topics = tuple(Topic(name=f"{n} {'題' * 290}", subtopics=("甲" * 300,) * 20) for n in range(20))
    branches = tuple(LabelTopics(label=label.name, topics=topics) for label in LABELS)

    result = propose_topics(request_for(topics=branches), context)

    assert result.topic_tree
    assert len(result.model_dump_json().encode()) < 10_000
    assert result.shown_in_part["labels"].total == len(LABELS) > result.shown_in_part["labels"].shown
    assert result.shown_in_part["labels"].uri == result.uris["topic_tree"]


def test_topics_for_an_unknown_label_are_refused_with_the_nearest_one(context: ToolContext) -> None:
    with pytest.raises(NotFound, match=r"label 'refnd'.*'refund'"):
        propose_topics(request_for("refnd"), context)


def test_topics_given_twice_for_one_label_are_refused(context: ToolContext) -> None:
    with pytest.raises(InvalidInput, match=r"label 'refund'.*twice"):
        propose_topics(request_for("refund", "refund"), context)


def test_two_labels_with_one_name_are_refused_by_name(context: ToolContext) -> None:
    labels = (Label(name="card lost"), Label(name="Card_Lost"))

    with pytest.raises(InvalidInput, match=r"'Card_Lost' repeats 'card lost'.*name of its own"):
        propose_topics(request_for(labels=labels), context)
    assert context.workspace.tasks() == []


def test_a_single_label_is_refused_with_advice(context: ToolContext) -> None:
    with pytest.raises(InvalidInput, match="add another one, such as 'other'"):
        propose_topics(request_for(labels=LABELS[:1]), context)


@pytest.mark.parametrize("field", ["topics_per_label", "subtopics_per_topic"])
@pytest.mark.parametrize("count", [0, -1, 10**9])
def test_counts_out_of_bounds_are_refused_by_name(field: str, count: int) -> None:
    with pytest.raises(ValidationError, match=field):
        request_for(**{field: count})


@pytest.mark.parametrize("text", ["", "x" * 10_000, "half an emoji \ud83d"])
def test_empty_huge_and_broken_instructions_are_refused_by_name(text: str) -> None:
    with pytest.raises(ValidationError, match="instruction"):
        request_for(instruction=text)


SHARES = {"refund": 0.2, "delivery": 0.75, "account": 0.05}


def test_expected_shares_are_kept_with_the_task_and_do_not_make_another_version_of_it(context: ToolContext) -> None:
    tree = propose_topics(request_for("refund", "delivery", "account"), context).topic_tree

    stated = propose_topics(request_for(expected_shares=SHARES), context)
    assert (stated.task_version, stated.topic_tree) == (1, tree)
    assert context.workspace.task("shop").expected_shares == SHARES

    propose_topics(request_for(), context)  # a call that says nothing of them
    assert context.workspace.task("shop").expected_shares == SHARES

    other = {"refund": 0.5, "delivery": 0.25, "account": 0.25}
    propose_topics(request_for(expected_shares=other), context)
    assert context.workspace.task("shop").expected_shares == other

    more = propose_topics(request_for(labels=(*LABELS, Label(name="praise"))), context)
    assert more.task_version == 2
    assert context.workspace.task("shop").expected_shares is None


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"refund": 0.3}, "are 1.1 in all: make them 1"),
        ({"account": 0.0}, "none above 0 for label 'account'"),
        ({"praise": 0.1}, "names 'praise', which is none of the labels"),
    ],
)
def test_expected_shares_that_are_no_shares_of_the_labels_are_refused(
    context: ToolContext, changed: dict[str, float], told: str
) -> None:
    with pytest.raises(InvalidInput, match=told):
        propose_topics(request_for(expected_shares=SHARES | changed), context)
    assert not context.workspace.tasks()
