"""What the tests of propose_topics share: requests, a context with a scripted writer, and the tree that was made."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from classwright_tools.context import ToolContext
from classwright_tools.domain.task import Label
from classwright_tools.domain.topic_tree import LabelTopics, Topic, TopicTree
from classwright_tools.domain.writer import Completion, WritingRequest
from classwright_tools.propose_topics import ProposeTopicsRequest, ProposeTopicsResult
from support.writing_verbs import ScriptedWriter, well_written

LABELS = (Label(name="refund"), Label(name="delivery"), Label(name="account"))


def request_for(*labels: str, **more: object) -> ProposeTopicsRequest:
    """Return a request that gives topics for `labels`."""
    topics = tuple(
        LabelTopics(label=name, topics=(Topic(name=f"{name} matters", subtopics=("a", "b")),)) for name in labels
    )
    fields = {"task": "shop", "instruction": "Sort messages.", "labels": LABELS, "topics": topics} | more
    return ProposeTopicsRequest.model_validate(fields)


def with_writer(
    context: ToolContext, script: Callable[[WritingRequest], Completion] = well_written, run_key: str = "run"
) -> ToolContext:
    return replace(context, writer=ScriptedWriter(script, turns=random.Random(0)), run_key=run_key)


def asked_of(context: ToolContext) -> list[WritingRequest]:
    assert isinstance(context.writer, ScriptedWriter)
    return context.writer.asked


def tree_of(context: ToolContext, result: ProposeTopicsResult) -> TopicTree:
    assert result.topic_tree
    return context.workspace.document(result.topic_tree, "topics", TopicTree)
