"""Answers that are too long for a client: what they show is counted, and all of it is read where they say."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from classwright_server.mcp import long_answers
from classwright_server.mcp.long_answers import keep_answer, kept_answer
from support.server import TASK, call, connected, make_settings, signed_in, topics

pytestmark = pytest.mark.anyio


async def read(client: Client, uri: str) -> Any:
    """What the JSON at `uri` says."""
    [content] = (await client.read_resource(uri)).contents
    return json.loads(content.text)  # type: ignore[union-attr]  # it is JSON


async def test_500_labels_that_want_topics_are_all_named_where_the_answer_says(tmp_path: Path) -> None:
    labels = [{"name": f"{number:03}" + "語" * 97} for number in range(500)]
    async with connected(make_settings(tmp_path)) as client:
        view = await call(client, "propose_topics", task="wide", instruction="明" * 4000, labels=labels)
        part = view["shown_in_part"]["wanted.labels"]
        whole = await read(client, part["uri"])

    assert len(json.dumps(view, ensure_ascii=False).encode()) < 10_000
    assert (part["shown"], part["total"]) == (len(view["wanted"]["labels"]), 500)
    assert part["uri"] == view["uris"]["whole"]
    assert whole["wanted"]["labels"] == [label["name"] for label in labels]


async def test_a_hundred_refused_texts_and_the_batches_that_lie_ahead_are_counted(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path)) as client:
        await call(client, "propose_topics", TASK, **topics(40))
        made = await call(client, "synthesize_examples", task="support", rows=600, wait_seconds=50)
        answer = await call(client, "submit_examples", assignment="support-a1", texts={"b1": ["no"] * 100})
        refused, ahead = (answer["shown_in_part"][name] for name in ("refused", "next_batches"))
        whole, assignment = await read(client, refused["uri"]), await read(client, ahead["uri"])

    assert made["shown_in_part"]["batches"]["uri"] == ahead["uri"] == "classwright://support/assignments/support-a1"
    assert ahead["total"] == len(assignment["batches"])
    assert refused["total"] == 100 > refused["shown"] == len(answer["refused"])
    assert [one["index"] for one in whole["refused"]] == list(range(100))


async def test_a_long_answer_is_read_by_whom_it_was_given_to(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path)) as client:
        with signed_in("ann"):
            await call(client, "propose_topics", TASK, **topics(40))
            await call(client, "synthesize_examples", task="support", rows=600, wait_seconds=50)
            answer = await call(client, "submit_examples", assignment="support-a1", texts={"b1": ["no"] * 100})
            assert await read(client, answer["uris"]["whole"])
        for other in ("bob", None):
            with signed_in(other), pytest.raises(MCPError, match="does not exist"):
                await read(client, answer["uris"]["whole"])


def test_long_answers_are_removed_when_jobs_are_or_when_they_are_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = (f"job_{digit * 32}" for digit in "ab")
    keep_answer(tmp_path, old, {"n": 1})
    os.utime(next(tmp_path.glob("*/*.json")), (0, 0))
    keep_answer(tmp_path, new, {"n": 2})

    assert kept_answer(tmp_path, old) is None
    monkeypatch.setattr(long_answers, "MOST_KEPT", 3)
    for number in range(4):
        keep_answer(tmp_path, f"job_{number:032}", {})
        os.utime(tmp_path / "long-answers" / f"job_{number:032}.json", (time.time() - 60 + number,) * 2)

    assert sorted(path.stem[-1] for path in tmp_path.glob("*/*")) == ["2", "3", "b"]
    monkeypatch.setattr(long_answers, "MOST_BYTES", 8)
    keep_answer(tmp_path, new, {"n": 2})
    assert [path.stem for path in tmp_path.glob("*/*")] == [new]
    assert kept_answer(tmp_path, new) == '{"n": 2}'
    assert kept_answer(tmp_path, "../" + new) is None
