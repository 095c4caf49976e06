"""A task whose kinds nobody knows, over the wire: its texts come in, are grouped, and then get their labels."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from classwright_tools.catalogue import catalogue
from support.learning import WRITTEN
from support.server import LONG, call, call_failing, connected, make_settings

pytestmark = pytest.mark.anyio
TASK: dict[str, Any] = {"task": "mail", "instruction": "Tell what a customer's mail is about."}
TEXTS = [text for topics in WRITTEN.values() for texts in topics.values() for text in texts]
LABELS = [{"name": name} for name in WRITTEN]
GO_BY_LABELS = ("synthesize_examples", "annotate_examples", "train_classifier", "gan_augment")


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """A client of a server with such a task and its texts."""
    rows = [{"text": text} for text in TEXTS]
    async with connected(make_settings(tmp_path)) as made:
        await call(made, "propose_topics", TASK)
        await call(made, "import_examples", {"task": "mail", "split": "unlabelled", "rows": rows}, wait_seconds=LONG)
        yield made


async def test_the_texts_come_first_are_grouped_and_then_labelled(client: Client) -> None:
    found = await call(client, "find_examples", {"task": "mail", "groups": 3}, wait_seconds=LONG)
    named = await call(client, "propose_topics", {**TASK, "labels": LABELS})
    asked = await call(client, "annotate_examples", {"task": "mail", "rows": 5}, wait_seconds=LONG)
    groups = found["result"]["groups"]

    assert sum(group["rows"] for group in groups) == len(TEXTS)
    assert {text for group in groups for text in group["typical"].values()} <= set(TEXTS)
    assert "propose_topics" in found["next_step"]
    assert "annotate_examples" in named["next_step"]
    assert len(asked["result"]["texts"]) == 5


async def test_what_goes_by_labels_is_refused_with_the_way_to_them(client: Client) -> None:
    for tool in GO_BY_LABELS:
        error = await call_failing(client, tool, task="mail")

        assert "goes by labels" in error
        assert "find_examples(task='mail', groups=0)" in error
        assert not catalogue()[tool].before_labels


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("import_examples", {"split": "train", "rows": [{"text": "where is it", "label": "delivery"}]}),
        ("import_examples", {"split": {"train": 2, "test": 1}, "rows": [{"text": "where is it", "label": "delivery"}]}),
        ("find_examples", {"doubt": "unsure"}),
        ("edit_examples", {"reason": "a first label", "changes": [{"action": "add_label", "label": "refund"}]}),
    ],
)
async def test_parts_of_tools_that_go_by_labels_are_refused_too(
    client: Client, tool: str, arguments: dict[str, Any]
) -> None:
    assert "propose_topics" in await call_failing(client, tool, task="mail", **arguments)


async def test_labels_that_are_there_are_not_lost_to_a_call_without_them(client: Client) -> None:
    await call(client, "propose_topics", {**TASK, "labels": LABELS})

    again = await call(client, "propose_topics", TASK)

    assert again["wanted"]["labels"] == list(WRITTEN)


async def test_a_single_label_and_pairs_without_labels_are_no_task(client: Client) -> None:
    single = await call_failing(client, "propose_topics", **{**TASK, "task": "one", "labels": LABELS[:1]})
    pairs = await call_failing(client, "propose_topics", **{**TASK, "task": "pairs", "kind": "pair"})

    assert "nothing to tell apart" in single
    assert "needs its labels from the start" in pairs
