"""The review page as others judge it: shown by the MCP Inspector in its Apps tab, and looked through by axe-core.

Both in headless Chromium; where that is not installed neither counts.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

from playwright.sync_api import Browser, Frame, sync_playwright

from classwright_server.vllm import free_port
from programs import FOLDER
from servers import wait_for
from verdict import Verdict

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MODULES = FOLDER / "node_modules"
LAUNCHER = MODULES / "@modelcontextprotocol" / "inspector" / "clients" / "launcher" / "build" / "index.js"
AXE = MODULES / "axe-core" / "axe.min.js"
VIEWS = ("Queue", "List", "Map", "Figures", "History")
PAUSE_MS = 120_000
FAULTS = """axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
  violations.map(({ impact, id, nodes }) => `${impact} ${id}: ${nodes[0].html}`))"""
COUNTED = ("serious", "critical")


def judge(url: str) -> Iterator[Verdict]:
    """Judge the page of the server at `url`, which has a task with rows."""
    if CHROMIUM is None:
        yield Verdict("the review page", "Inspector and axe-core", None, "", "Chromium is not installed", "")
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield _shown_by_the_inspector(browser, url)
        yield from _looked_through(browser, url)
        browser.close()


def _shown_by_the_inspector(browser: Browser, url: str) -> Verdict:
    """Open the Apps tab at `find_examples` and wait until the page shows a row."""
    said = ""
    try:
        with _inspector() as (address, token):
            asked = base64.urlsafe_b64encode(json.dumps({"task": "support"}).encode()).decode().rstrip("=")
            query = {"serverUrl": url, "transport": "http", "autoConnect": token, "openApp": "find_examples"}
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(f"{address}/?{urlencode({**query, 'appArgs': asked, 'autoOpen': token})}")
            page.wait_for_selector('[data-app-status="ready"]', timeout=PAUSE_MS)
            view = next(frame for frame in page.frames if frame.parent_frame and frame.parent_frame.parent_frame)
            view.wait_for_selector(".card .text", timeout=PAUSE_MS)
            page.close()
        good = True
    except Exception as error:  # noqa: BLE001  # whatever it is, it is what is judged
        good, said = False, str(error)
    return Verdict("Inspector, HTTP, Apps", "find_examples opens the page", good, "1/1" if good else "0/1", "", said)


@contextmanager
def _inspector() -> Iterator[tuple[str, str]]:
    """Start the Inspector's web client; yields its address and its token."""
    web, box, token = free_port(), free_port(), secrets.token_hex(16)
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **os.environ,
            "HOME": home,
            "HOST": "127.0.0.1",
            "CLIENT_PORT": str(web),
            "MCP_SANDBOX_PORT": str(box),
            "MCP_AUTO_OPEN_ENABLED": "false",
            "MCP_INSPECTOR_API_TOKEN": token,
        }
        command = [str(MODULES / ".bin" / "node"), str(LAUNCHER), "--web"]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for port in (web, box):
                wait_for(process, port)
            yield f"http://127.0.0.1:{web}", token
        finally:
            process.terminate()
            process.wait()


def _looked_through(browser: Browser, url: str) -> Iterator[Verdict]:
    """Let axe-core look at every view in the browser tab, light and dark."""
    with _tab(url) as address:
        for theme in ("light", "dark"):
            page = browser.new_page(color_scheme=theme)
            page.goto(address)
            page.frame_locator("#view").locator(".card .text").wait_for(timeout=PAUSE_MS)
            view = next(frame for frame in page.frames if frame.parent_frame)
            view.evaluate(AXE.read_text(encoding="utf-8"))
            for name in VIEWS:
                yield _faults_of(view, name, theme)
            page.close()


def _faults_of(view: Frame, name: str, theme: str) -> Verdict:
    view.get_by_role("button", name=name, exact=True).click()
    view.locator(f"section[aria-label={name}], main > .empty").first.wait_for(timeout=PAUSE_MS)
    faults = view.evaluate(FAULTS)
    good = not any(fault.startswith(COUNTED) for fault in faults)
    note = f"{len(faults)} lesser" if good and faults else ""
    return Verdict("axe-core", f"{name}, {theme}", good, "1/1" if good else "0/1", note, "\n".join(faults))


@contextmanager
def _tab(url: str) -> Iterator[str]:
    """Start the program that shows the page in a browser tab; yields its address."""
    command = [sys.executable, "-m", "classwright_agents.cli", "review", "support", "--no-browser", "--server", url]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        try:
            yield next(match.group() for line in process.stderr if (match := re.search(r"http://\S+", line)))
        finally:
            process.terminate()
