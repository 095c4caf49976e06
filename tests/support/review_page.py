"""What the tests of the review page in a browser share: what the server has of it, and clients that wait or fail."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import anyio
from mcp import Client
from mcp_types import CallToolResult, TextContent
from playwright.async_api import expect

from classwright_tools.domain.kinds import task_of
from classwright_tools.review.standing import Standing
from classwright_tools.workspace.workspace import Workspace
from support.page_host import Shown
from support.server import until

# Keys that come before the browser draws the next frame.
KEYS_AT_ONCE = """async (main, keys) => {
  for (const key of keys) {
    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    const { port1, port2 } = new MessageChannel(); // a timer of no time may come after a frame
    await new Promise((done) => { port1.onmessage = done; port2.postMessage(0); });
  }
}"""


def standing(workspace: Workspace, dataset: str) -> Standing:
    found = Standing(workspace, task_of(dataset))
    found.refresh()
    return found


async def judged(opened: Shown) -> None:
    """Wait until the rows are ordered by doubt, which the page has the server do."""
    await expect(opened.view.locator("select option[value=suspect]")).to_be_enabled()


async def stored(opened: Shown, workspace: Workspace, dataset: str, count: int) -> list[tuple[str, str | None]]:
    """Return what the server has of the decisions, once it has `count` of them: actions and labels, in their order."""
    await until(lambda: len(standing(workspace, dataset).entries) >= count)
    await expect(opened.view.locator(".progress")).not_to_contain_text("being stored")
    entries = standing(workspace, dataset).entries[::-1]
    assert len(entries) == count
    return [(entry.decision.action, entry.decision.label) for entry in entries]


def asks_by_doubt(name: str, arguments: dict[str, Any]) -> bool:
    """Whether a call asks for open rows by doubt: the second one does when their order is known."""
    return name == "review_rows" and arguments.get("order") == "doubt" and "state" in arguments["look"]


class Held:
    """A client of whose calls the answer to the second one that `is_held` is held until `go`."""

    def __init__(self, client: Client, is_held: Callable[[str, dict[str, Any]], bool]) -> None:
        self._client, self._is_held, self._times = client, is_held, 0
        self.asked, self.go = anyio.Event(), anyio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def call_tool(self, name: str, arguments: dict[str, Any]) -> Any:
        answer = await self._client.call_tool(name, arguments)
        if self._is_held(name, arguments):
            self._times += 1
            if self._times == 2:
                self.asked.set()
                await self.go.wait()
        return answer


class Leaving:
    """A client whose server is away as long as `away` says so."""

    def __init__(self, client: Client) -> None:
        self._client, self.away = client, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def call_tool(self, name: str, arguments: dict[str, Any]) -> Any:
        if self.away:
            raise ConnectionError("socket hang up")
        return await self._client.call_tool(name, arguments)


class Refusing:
    """A client whose server opens no review of the task `closed`, refuses undoings where it `keeps` all, and holds
    answers to decisions until `go`.
    """

    def __init__(self, client: Client) -> None:
        self._client, self.closed, self.keeps = client, "", False
        self.go = anyio.Event()
        self.go.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def call_tool(self, name: str, arguments: dict[str, Any]) -> Any:
        if name == "review_open" and arguments.get("task") == self.closed:
            return CallToolResult(content=[TextContent(text="not now")], is_error=True)
        if name != "review_decide":
            return await self._client.call_tool(name, arguments)
        undoings = [one["id"] for one in arguments["decisions"] if self.keeps and "undoes" in one]
        taken = [one for one in arguments["decisions"] if one["id"] not in undoings]
        answer = await self._client.call_tool(name, arguments | {"decisions": taken})
        await self.go.wait()
        refused = [{"id": id_, "reason": "not now"} for id_ in undoings]
        return answer.model_copy(update={"structured_content": answer.structured_content | {"refused": refused}})


class Faltering:
    """A client whose server fails, refuses a decision, fails again and then stores."""

    def __init__(self, client: Client) -> None:
        self._client, self._times = client, count(1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def call_tool(self, name: str, arguments: dict[str, Any]) -> Any:
        time = next(self._times) if arguments.get("decisions") else 0
        if time in (1, 3):
            return CallToolResult(content=[TextContent(text="the disk is full")], is_error=True)
        answer = await self._client.call_tool(name, arguments)
        if time == 2:
            refused = [{"id": arguments["decisions"][0]["id"], "reason": "the row is gone"}]
            answer = answer.model_copy(update={"structured_content": answer.structured_content | {"refused": refused}})
        return answer
