"""The review page in a browser tab: on loopback, for who has its address, and patient with a server that is gone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from playwright.async_api import Browser, expect

from classwright_tools.domain.task import Task
from classwright_tools.review.standing import Standing
from classwright_tools.workspace.workspace import Workspace
from support.page_host import CHROMIUM
from support.review import review_dataset
from support.server import ServerProcess

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, which CI installs")]


@contextmanager
def tab(*arguments: str) -> Iterator[str]:
    """`classwright-agent review`, and the address that it prints."""
    command = [sys.executable, "-m", "classwright_agents.cli", "review", "--no-browser", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        try:
            assert process.stderr
            found = next((match for line in process.stderr if (match := re.search(r"http://\S+", line))), None)
            assert found, "it printed no address"
            yield found.group()
        finally:
            process.terminate()


async def test_the_tab_decides_over_a_server_that_it_starts_itself(
    workspace: Workspace, task: Task, chromium: Browser
) -> None:
    review_dataset(workspace, task)
    command = f"{sys.executable} -m classwright_server.cli serve --workspace {workspace.root}"
    with tab("support", "--name", "Bea M. Ödl", "--command", command) as url:
        page = await chromium.new_page()
        faults: list[str] = []
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        await page.goto(url)
        view = page.frame_locator("#view")
        await expect(view.locator(".card .text")).to_be_visible()
        await page.keyboard.press("x")
        await expect(view.locator(".progress")).to_contain_text("1 of 34 rows decided")
        await expect(view.locator(".progress")).not_to_contain_text("being stored")

    [entry] = Standing(workspace, "support").refresh()
    assert entry.decision.action == "remove"
    assert entry.person.startswith("Bea M. Ödl-")
    assert faults == []


async def test_who_has_not_the_address_gets_nothing(workspace: Workspace, task: Task) -> None:
    review_dataset(workspace, task)
    with ServerProcess(workspace.root) as server, tab("--server", server.url) as url:
        address, token = url.split("?t=")
        call = {"name": "review_open", "arguments": {}}
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            assert (await http.get(url)).status_code == 200
            assert (await http.get(address)).status_code == 403
            assert (await http.get(f"{address}view")).status_code == 403
            assert (await http.get(url, headers={"host": "evil.example"})).status_code == 403
            assert (await http.post(f"{address}call", json=call)).status_code == 403
            own = {"x-token": token}
            assert (await http.post(f"{address}call", json=call, headers=own)).status_code == 200
            foreign = own | {"origin": "https://evil.example"}
            assert (await http.post(f"{address}call", json=call, headers=foreign)).status_code == 403
            other = {"name": "export_model", "arguments": {}}
            assert (await http.post(f"{address}call", json=other, headers=own)).status_code == 502
            assert (await http.post(f"{address}call", content="[1]", headers=own)).status_code == 400
            policy = (await http.get(f"{address}view?t={token}")).headers["content-security-policy"]
    assert "connect-src 'none'" in policy
    assert "sandbox allow-scripts" in policy


async def test_no_decision_is_lost_while_the_server_is_killed_and_started_again(
    workspace: Workspace, task: Task, chromium: Browser
) -> None:
    review_dataset(workspace, task)
    first = ServerProcess(workspace.root)
    with first, tab("--server", first.url) as url:
        page = await chromium.new_page()
        await page.goto(url)
        view = page.frame_locator("#view")
        await expect(view.locator(".card .text")).to_be_visible()
        for _ in range(10):
            await page.keyboard.press("f")
        first.kill()
        for _ in range(10):
            await page.keyboard.press("x")
        with ServerProcess(workspace.root, port=first.port):
            await expect(view.locator(".progress")).not_to_contain_text("being stored")

    decided = [entry.decision for entry in Standing(workspace, "support").refresh()]
    assert [decision.action for decision in decided] == ["flag"] * 10 + ["remove"] * 10
    assert len({row for decision in decided for row in decision.rows}) == 20
