"""The review page over 50,000 rows as a person at the keys meets it, in Chromium, on a server over HTTP.

    python benchmarks/review_page.py [--quick]

Measured are the first view, a filter, 200 decisions by keys while the server is killed and started again, and 500
decisions by keys with the time that each call of the page took. The rows and what a classifier says of them are made
up: nothing is trained. Times are those of the page itself, with the way to the server and back.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the server's process is the tests' own

import numpy as np
from mcp import Client
from playwright.async_api import FrameLocator, Page, async_playwright, expect

from classwright_server.review_page.document import page as document
from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Label, Task
from classwright_tools.measurement.answered_rows import CLOSE
from classwright_tools.measurement.doubts import Doubts, keep_doubts
from classwright_tools.review.decisions import read
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.server import APPS, ServerProcess

RESULTS = Path(__file__).parent / "results" / "review_page.json"
ROWS, QUICK_ROWS = 50_000, 5_000
LABELS = tuple(f"label {number:02}" for number in range(12))
WORDS = ("parcel", "card", "money", "late", "never", "came", "refunded", "gone", "twice", "charged", "help", "order")
FILTERS = 20
SERVER_CALLS = 200
KEYS = "1234567x"  # of which each decides and moves on
WAIT_MS = 120_000
# When a filter is chosen until the page shows another number of rows, in the page's own time.
CHOOSE = """async (select, value) => {
  const shown = document.querySelector(".list .bar strong"), before = shown.textContent, begin = performance.now();
  select.value = value;
  select.dispatchEvent(new Event("change", { bubbles: true }));
  while (shown.textContent === before) await new Promise(requestAnimationFrame);
  return performance.now() - begin;
}"""

# When a row to decide is drawn, by the page's own clock: Playwright's looks for it are up to half a second apart.
SHOWN = """window.shown = new Promise((tell) => new MutationObserver((_, watch) => {
  if (!document.querySelector(".card .text")) return;
  watch.disconnect();
  requestAnimationFrame(() => tell(Date.now()));
}).observe(document, { childList: true, subtree: true }));"""


def stocked(folder: Path, rows: int) -> Workspace:
    """Return a workspace with a dataset of `rows` rows, and made-up answers to them."""
    workspace = Workspace(folder)
    workspace.save_task(Task(slug="big", instruction="Many rows.", labels=tuple(Label(name=name) for name in LABELS)))
    random = np.random.default_rng(7)
    own = random.integers(0, len(LABELS), rows)
    texts = [" ".join([*random.choice(WORDS, random.integers(5, 22)), f"number {row}"]) for row in range(rows)]
    made = save_dataset(
        workspace,
        "big",
        {"train": [make_example(text, LABELS[label]) for text, label in zip(texts, own, strict=True)]},
        parent=None,
        run_key="made",
        made_by="import_examples",
    )
    chances = -np.sort(-random.dirichlet(np.full(len(LABELS), 0.3), rows), axis=1)[:, :9].astype(np.float32)
    guesses = np.stack([random.permutation(len(LABELS))[:9] for _ in range(rows)]).astype(np.uint16)
    probability = np.array(
        [
            chances[row][list(guesses[row]).index(label)] if label in guesses[row] else 0.0
            for row, label in enumerate(own)
        ],
        np.float32,
    )
    doubts = Doubts(
        labels=np.array(LABELS),
        guesses=guesses,
        chances=chances,
        given=np.ones(rows, np.uint8),
        own=probability,
        doubt=chances[:, 0] - probability,
        disagrees=probability < chances[:, 0],
        unsure=chances[:, 0] - chances[:, 1] < CLOSE,
        suspect=random.random(rows) < 0.03,
        places=random.random((rows, 2)).astype(np.float32),
        several=np.array(False),
        told=np.ones(len(LABELS), bool),
    )  # fmt: skip
    keep_doubts(workspace, made.id, None, doubts)
    return workspace


@contextmanager
def tab(url: str) -> Iterator[str]:
    """The program that shows the page, and its address."""
    command = [sys.executable, "-m", "classwright_agents.cli", "review", "--no-browser", "--server", url]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        assert process.stderr
        try:
            yield next(match.group() for line in process.stderr if (match := re.search(r"http://\S+", line)))
        finally:
            process.terminate()


async def first_view(page: Page, url: str) -> tuple[FrameLocator, float]:
    """Open the page and return it with the seconds until a row can be decided."""
    await page.add_init_script(SHOWN)
    begin = time.time()
    await page.goto(url)
    view = page.frame_locator("#view")
    await view.locator(".card .text").wait_for(timeout=WAIT_MS)
    shown = await view.locator("body").evaluate("() => window.shown")
    return view, shown / 1_000 - begin


async def filters(view: FrameLocator) -> list[float]:
    """Return how many milliseconds each of some choices of a label takes until its rows are counted."""
    await view.get_by_role("button", name="List").click()
    await expect(view.locator(".list .bar strong").first).to_contain_text("rows", timeout=WAIT_MS)
    select = await view.get_by_role("combobox", name="Label", exact=True).element_handle()
    assert select
    found = []
    for number in range(FILTERS):
        found.append(
            await select.evaluate(f"(select, value) => ({CHOOSE})(select, value)", LABELS[number % len(LABELS)])
        )
    await view.get_by_role("button", name="Queue").click()
    return [float(one) for one in found]


async def settled(view: FrameLocator) -> None:
    """Wait until every decision is stored."""
    await expect(view.locator(".progress")).not_to_contain_text("being stored", timeout=WAIT_MS)


async def press_at_once(page: Page, keys: int) -> float:
    """Press so many keys that decide, as fast as the browser takes them, and return the seconds that took."""
    begin = time.perf_counter()
    for number in range(keys):
        await page.keyboard.press(KEYS[number % len(KEYS)])
    return time.perf_counter() - begin


async def press(page: Page, keys: int) -> float:
    """Press so many keys that decide, each when there is a row to decide, and return the seconds that took."""
    card = page.frame_locator("#view").locator(".card")
    begin = time.perf_counter()
    for number in range(keys):
        await card.wait_for(timeout=WAIT_MS)
        await page.keyboard.press(KEYS[number % len(KEYS)])
    return time.perf_counter() - begin


async def server_calls(url: str) -> list[float]:
    """Return how many milliseconds calls that store five decisions each take, without a page and its program."""
    async with Client(url, extensions=APPS) as client:
        about = {"dataset": "big-d1", "look": {"state": "open"}, "limit": 200}
        rows = (await client.call_tool("review_rows", about)).structured_content["rows"]
        found = []
        gc.collect()
        gc.disable()  # a search for garbage in this process takes longer than a call
        for call in range(SERVER_CALLS):
            decisions = [
                {"id": f"server-call-{call}-{place}", "action": "flag", "rows": [rows[(5 * call + place) % 200]["id"]]}
                for place in range(5)
            ]
            begin = time.perf_counter()
            await client.call_tool("review_decide", {"dataset": "big-d1", "person": "client", "decisions": decisions})
            found.append(1_000 * (time.perf_counter() - begin))
        gc.enable()
    return found


def stored(workspace: Workspace) -> int:
    """Return how many different decisions the workspace has."""
    return len({entry.decision.id for entry in read(workspace, "big")[0]})


async def measured(workspace: Workspace, rows: int, keys: int) -> dict[str, Any]:
    """Return all figures."""
    calls: list[dict[str, float]] = []
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        server = ServerProcess(workspace.root)
        with server, tab(server.url) as url:
            async with Client(server.url) as client:
                await client.call_tool("list_jobs", {})  # the workspace is open, and no row of it was read
            _, cold = await first_view(await browser.new_page(), url)
            page = await browser.new_page()
            view, warm = await first_view(page, url)
            chosen = await filters(view)

            await expect(view.locator(".card .text")).to_be_visible(timeout=WAIT_MS)
            pressed = await press_at_once(page, 200)
            begin = time.perf_counter()
            await settled(view)
            to_store = time.perf_counter() - begin
            before = stored(workspace)

            await press(page, 100)
            server.kill()
            await press(page, 100)
            with ServerProcess(workspace.root, port=server.port):
                await settled(view)
                after_kill = stored(workspace) - before

                page.on("requestfinished", lambda one: calls.append(dict(one.timing)))
                begin, begun_ms = time.perf_counter(), 1_000 * time.time()
                await press(page, keys)
                await settled(view)
                session = time.perf_counter() - begin
                after = stored(workspace) - before - after_kill
                own_calls = await server_calls(server.url)
        await browser.close()
    # A call that was begun before has waited for the server that was started again.
    took = [one["responseEnd"] for one in calls if one["startTime"] >= begun_ms]
    return {
        "rows": rows,
        "page_bytes": len(document().encode()),
        "first_view_seconds": {"server_has_not_read_them": round(cold, 2), "server_has_read_them": round(warm, 2)},
        "filter_ms": {
            "median": round(statistics.median(chosen), 1),
            "highest": round(max(chosen), 1),
            "choices": FILTERS,
        },
        "keys_200": {"stored": before, "pressed_seconds": round(pressed, 2), "then_stored_seconds": round(to_store, 2)},
        "keys_200_with_the_server_killed": {"stored": after_kill, "lost": 200 - after_kill},
        f"keys_{keys}": {
            "seconds": round(session, 2),
            "stored": after,
            "calls": len(took),
            "call_ms": {"median": round(statistics.median(took), 1), "p99": round(float(np.percentile(took, 99)), 1)},
        },
        "server_call_ms": {
            "median": round(statistics.median(own_calls), 1),
            "p99": round(float(np.percentile(own_calls, 99)), 1),
        },
    }


def main() -> None:
    """Measure, print and write the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="5,000 rows and fewer keys, and nothing is written")
    quick = parser.parse_args().quick
    rows = QUICK_ROWS if quick else ROWS
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measured(stocked(Path(folder), rows), rows, 100 if quick else 500))
    print(json.dumps(found, indent=1))
    if not quick:
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
