"""A task that is named again over the wire: what is not sent of it stays, whether the call is a job or is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.server import LONG, call, call_failing, connected, make_settings

pytestmark = pytest.mark.anyio
CALL: dict[str, Any] = {"task": "shop", "instruction": "Tell what it is about."}
LABELS = [
    {"name": "refund", "description": "Money back.", "examples": ["pay me back"]},
    {"name": "delivery", "description": "A parcel.", "examples": []},
]
NAMES = [{"name": label["name"]} for label in LABELS]
NOBODY = "http://127.0.0.1:9/v1"
"""The endpoint of a writer, which nothing here asks."""


@pytest.mark.parametrize(
    ("facts", "writer_url"),
    [
        ({"multi_label": True, "languages": ["de"]}, None),
        ({"expected_shares": {"refund": 0.25, "delivery": 0.75}, "languages": ["de", "en"]}, None),
        ({"kind": "pair", "mismatch": "delivery"}, None),
        ({"kind": "pair", "mismatch": "delivery", "languages": ["de"]}, NOBODY),
    ],
    ids=["several labels", "shares and languages", "pairs", "pairs, by a job"],
)
@pytest.mark.parametrize("again", [{}, {"labels": NAMES}], ids=["without labels", "with their names"])
async def test_what_is_not_sent_again_of_a_task_stays(
    tmp_path: Path, facts: dict[str, Any], writer_url: str | None, again: dict[str, Any]
) -> None:
    async with connected(make_settings(tmp_path, writer_url=writer_url)) as client:
        waits = {"wait_seconds": LONG} if writer_url else {}
        await call(client, "propose_topics", {**CALL, "labels": LABELS, **facts}, **waits)

        await call(client, "propose_topics", {**CALL, "instruction": "Tell them apart.", **again}, **waits)
        page = await client.read_resource("classwright://shop")

    task = json.loads(page.contents[0].text)["task"]  # type: ignore[union-attr]  # one text
    assert task.items() >= {"labels": LABELS, "instruction": "Tell them apart.", **facts}.items()


async def test_an_instruction_stays_too_and_only_a_new_task_needs_one(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path)) as client:
        await call(client, "propose_topics", CALL)
        await call(client, "propose_topics", {"task": "shop", "labels": LABELS})
        page = await client.read_resource("classwright://shop")
        error = await call_failing(client, "propose_topics", task="other", labels=LABELS)

    task = json.loads(page.contents[0].text)["task"]  # type: ignore[union-attr]  # one text
    assert (task["instruction"], task["labels"]) == (CALL["instruction"], LABELS)
    assert "instruction: is missing, and task 'other' is not there yet to have one. Say in a sentence or two" in error


async def test_what_is_sent_again_as_it_is_by_default_is_meant(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path)) as client:
        await call(client, "propose_topics", {**CALL, "labels": LABELS, "languages": ["de"]})

        silent = [{**NAMES[0], "description": ""}, NAMES[1]]
        await call(client, "propose_topics", {**CALL, "labels": silent, "languages": ["en"]})
        page = await client.read_resource("classwright://shop")

    task = json.loads(page.contents[0].text)["task"]  # type: ignore[union-attr]  # one text
    assert task["languages"] == ["en"]
    assert task["labels"] == [{**LABELS[0], "description": ""}, LABELS[1]]
