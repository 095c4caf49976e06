"""A host of MCP Apps without Node: a page in headless Chromium, whose frame shows the server's review page.

The view's calls go to a client of the server in this process. Each message of the view is checked against the schema.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import jsonschema
import pytest
from mcp import Client
from playwright.async_api import Browser, FrameLocator, Page, async_playwright, expect

from support.server import until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SCHEMA = json.loads((Path(__file__).parent / "ext_apps_schema.json").read_text(encoding="utf-8"))
NAMES = {
    "ui/initialize": "McpUiInitializeRequest",
    "ui/notifications/initialized": "McpUiInitializedNotification",
    "ui/notifications/size-changed": "McpUiSizeChangedNotification",
    "ui/update-model-context": "McpUiUpdateModelContextRequest",
    "ui/request-display-mode": "McpUiRequestDisplayModeRequest",
}
# The policy that a host gives a view whose resource asks for nothing (specification of 2026-01-26).
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "media-src 'self' data:; object-src 'none'; connect-src 'none'"
)
HOST = """<!doctype html><style>body {{ margin: 0 }} iframe {{ border: 0; width: 100vw; height: {height} }}</style>
<iframe id="f" title="view" sandbox="allow-scripts"></iframe><script>
const f = document.getElementById("f"), say = (m) => f.contentWindow.postMessage({{ jsonrpc: "2.0", ...m }}, "*");
addEventListener("message", async ({{ source, data }}) => {{
  if (source !== f.contentWindow) return;
  for (const answer of JSON.parse(await heard(JSON.stringify(data)))) say(answer);
}});
f.src = "https://view.test/";
</script>"""
expect.set_options(timeout=60_000)  # of a busy machine
Kind = Literal["whole", "stripped", "silent"]
"""Hosts send a tool's whole result; or its text alone, as some do; or nothing."""


@dataclass
class Shown:
    """The page as it is shown."""

    page: Page
    view: FrameLocator
    heard: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """What the browser complained of, and what the schema does not allow."""
    under_way: int = 0
    """Messages that the host has not answered yet."""

    def said(self, method: str) -> list[dict[str, Any]]:
        """The parameters of the view's messages of one kind."""
        return [message.get("params", {}) for message in self.heard if message["method"] == method]

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            await self.page.keyboard.press(key)


@pytest.fixture(scope="module")
async def chromium(anyio_backend: str) -> AsyncIterator[Browser]:
    """A headless Chromium, in which every page has cookies and storage of its own."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield started
        finally:
            await started.close()


@asynccontextmanager
async def shown(
    started: Browser,
    client: Client,
    arguments: Mapping[str, Any],
    *,
    result: Mapping[str, Any] | None = None,
    kind: Kind = "whole",
    context: Mapping[str, Any] | None = None,
    size: tuple[int, int] = (1000, 760),
    touch: bool = False,
) -> AsyncIterator[Shown]:
    """Show the page after a call of `error_analysis` with `arguments` that was answered with `result`."""
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    uri = (tools["error_analysis"].meta or {})["ui"]["resourceUri"]
    html = (await client.read_resource(uri)).contents[0].text  # type: ignore[union-attr]  # one text
    page = await started.new_page(
        viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce", has_touch=touch
    )
    found = Shown(page, page.frame_locator("#f"))
    host = {"theme": "light", "displayMode": "fullscreen", "availableDisplayModes": ["inline", "fullscreen"]}
    host |= context or {}

    async def heard(_source: object, text: str) -> str:
        message = json.loads(text)
        if "method" not in message:
            return "[]"
        found.heard.append(message)
        found.faults.extend(_faults(message))
        found.under_way += 1
        try:
            return json.dumps(await _answers(client, message, arguments, result, kind, host))
        finally:
            found.under_way -= 1

    page.on("console", lambda said: found.faults.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: found.faults.append(str(error)))
    await page.expose_binding("heard", heard)
    await page.route(
        "https://host.test/",
        lambda route: route.fulfill(body=HOST.format(height=f"{size[1]}px"), content_type="text/html"),
    )
    await page.route(
        "https://view.test/",
        lambda route: route.fulfill(
            body=html, content_type="text/html; charset=utf-8", headers={"content-security-policy": POLICY}
        ),
    )
    await page.goto("https://host.test/")
    await expect(found.view.locator("main[tabindex]")).to_be_visible()
    await found.view.locator("main").focus()
    try:
        yield found
    finally:
        await page.close()
        await until(lambda: not found.under_way)  # a client that is closed under a call fails


def _faults(message: dict[str, Any]) -> list[str]:
    name = NAMES.get(message["method"])
    if name is None:
        return [] if message["method"] == "tools/call" else [f"an unknown message: {message['method']}"]
    schema = {"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]}
    sent = {part: value for part, value in message.items() if part not in ("jsonrpc", "id")}
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(sent)]


async def _answers(
    client: Client,
    message: dict[str, Any],
    arguments: Mapping[str, Any],
    result: Mapping[str, Any] | None,
    kind: Kind,
    host: dict[str, Any],
) -> list[dict[str, Any]]:
    """Return what the host says to a message of the view."""
    match message["method"]:
        case "ui/initialize":
            answer: dict[str, Any] = {
                "protocolVersion": "2026-01-26",
                "hostInfo": {"name": "test", "version": "0"},
                "hostCapabilities": {"serverTools": {}},
                "hostContext": host,
            }
        case "ui/notifications/initialized" if kind != "silent":
            told = {"content": [{"type": "text", "text": json.dumps(result or {})}]}
            told |= {"structuredContent": result or {}} if kind == "whole" else {}
            return [
                {"method": "ui/notifications/tool-input", "params": {"arguments": dict(arguments)}},
                {"method": "ui/notifications/tool-result", "params": told},
            ]
        case "tools/call":
            asked = message["params"]
            try:
                called = await client.call_tool(asked["name"], asked.get("arguments") or {})
            except ConnectionError as error:
                return [{"id": message["id"], "error": {"code": -32000, "message": str(error)}}]
            answer = called.model_dump(mode="json", by_alias=True, exclude_none=True)
        case "ui/request-display-mode":
            answer = {"mode": message["params"]["mode"]}
        case "ui/update-model-context":
            answer = {}
        case _:
            return []
    return [{"id": message["id"], "result": answer}]
