"""Calls of the review page that come at the same moment, from several persons and about the same rows."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp_types import CallToolResult

from classwright_server.mcp.review_desk import ReviewDesk
from support.server import APPS, TASK, call, make_server, make_settings, rows

pytestmark = pytest.mark.anyio

ROWS, PERSONS, CALLS = 24, 4, 8


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Let threads take turns as often as they can, as they would by chance on a busy day."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def met(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many calls were being answered whenever one more was."""
    at_work: set[int] = set()
    found: list[int] = []

    def met_others(name: str) -> Callable[..., dict[str, Any]]:
        answer = getattr(ReviewDesk, name)

        def answered(*arguments: Any) -> dict[str, Any]:
            at_work.add(threading.get_ident())
            found.append(len(at_work))
            try:
                return dict(answer(*arguments))
            finally:
                at_work.discard(threading.get_ident())

        return answered

    for name in ("decide", "rows"):
        monkeypatch.setattr(ReviewDesk, name, met_others(name))
    return found


@pytest.mark.usefixtures("hasty_threads")
async def test_each_is_answered_alone_and_of_all_that_was_stored_before_it(tmp_path: Path, met: list[int]) -> None:
    cursors: dict[int, list[int]] = {person: [] for person in range(PERSONS)}
    async with Client(make_server(make_settings(tmp_path)), extensions=APPS) as client:
        await call(client, "propose_topics", TASK)
        given = {"task": "support", "split": "train", "rows": rows(ROWS), "wait_seconds": 50}
        dataset = (await call(client, "import_examples", given))["result"]["dataset"]
        ids = [row["id"] for row in (await asked(client, "review_rows", dataset=dataset))["rows"]]

        async def review(person: int) -> None:
            for number in range(CALLS):
                action = ("accept", "remove", "flag")[(person + number) % 3]
                one = {"id": f"decision-{person}-{number}", "action": action, "rows": [ids[(7 * number) % ROWS]]}
                about = {"dataset": dataset, "person": f"Person {person}-p{person}"}
                told = await asked(client, "review_decide", **about, decisions=[one])
                assert (told["stored"], told["refused"]) == (1, [])
                cursors[person].append(told["cursor"])
                await asked(client, "review_rows", dataset=dataset, look={"state": "open"})

        async with anyio.create_task_group() as group:
            for person in range(PERSONS):
                group.start_soon(review, person)
        told = await asked(client, "review_history", task="support")

    assert set(met) == {1}, "a decision changes what other answers are being made of"
    assert told["total"] == PERSONS * CALLS
    assert all(own == sorted(set(own)) for own in cursors.values())


async def asked(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The answer of a tool of the page, which must not fail."""
    answer = await client.call_tool(tool, arguments)
    assert isinstance(answer, CallToolResult)
    assert not answer.is_error, answer.content
    assert answer.structured_content is not None
    return answer.structured_content
