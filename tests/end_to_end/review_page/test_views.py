"""The list, the map, the figures and the history of the review page in a real browser."""

from __future__ import annotations

import json

import anyio
import pytest
from mcp import Client
from playwright.async_api import Browser, expect

from classwright_tools.domain.kinds import task_of
from classwright_tools.workspace.datasets import read_rows, read_table
from classwright_tools.workspace.workspace import Workspace
from support.page_host import CHROMIUM, shown
from support.review import HOSTILE
from support.review_page import judged, standing, stored

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, which CI installs")]


async def test_the_page_begins_with_the_rows_that_the_chat_looked_for(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    arguments = {"dataset": dataset, "where": {"labels": ["account"], "origins": ["written"]}}
    async with shown(chromium, client, arguments, result={"dataset": dataset}) as opened:
        await expect(opened.view.locator(".list .bar strong").first).to_have_text("6 rows")
    two = [{"id": row.id} for row in read_rows(workspace, dataset, "train")[:2]]
    for mark, told, words in (("good_example", [], "0 rows"), ("person", two, "2 rows")):
        answer = {"dataset": dataset, "rows": told}
        async with shown(chromium, client, {"dataset": dataset, "mark": mark}, result=answer) as opened:
            await expect(opened.view.locator(".list .bar strong").first).to_have_text(words)
    inline = {"displayMode": "inline"}
    async with shown(chromium, client, arguments, result={"dataset": dataset}, context=inline) as opened:
        await expect(opened.view.locator(".place")).to_have_text("Row 1 of 6")


async def test_rows_alike_are_found_and_an_earlier_version_comes_back(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await judged(opened)
        await opened.view.get_by_role("button", name="List").click()
        await opened.view.locator("#list-search").fill("cant log in")
        await expect(opened.view.locator(".list .bar strong").first).to_have_text("1 row")
        await opened.view.get_by_role("button", name="Alike: rows like cant log in").click()
        await expect(opened.view.locator(".rows p").first).to_have_text("cant log in")
        await expect(opened.view.locator(".rows p").nth(1)).to_contain_text("log in to my account")
        await expect(opened.view.locator(".list .bar strong").first).to_have_text("34 rows")

        await opened.view.get_by_role("button", name="Queue").click()
        await opened.press("x")
        await opened.view.get_by_role("button", name="Save").click()
        await expect(opened.view.locator("h1")).to_contain_text(f"{task_of(dataset)}-d2")
        await opened.view.get_by_role("button", name="History").click()
        await opened.view.get_by_role("button", name=f"Go back to it: {dataset}").click()

        await expect(opened.view.locator("h1")).to_contain_text(f"{task_of(dataset)}-d3")
        assert read_table(workspace, f"{task_of(dataset)}-d3").equals(read_table(workspace, dataset))
        assert opened.faults == []


async def test_what_was_decided_in_the_chat_is_decided_and_whoever_decides_has_a_name(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    task, row = task_of(dataset), read_rows(workspace, dataset, "train")[0]
    change = {"action": "approve", "rows": {"ids": [row.id]}}
    await client.call_tool("edit_examples", {"task": task, "reason": "She read it aloud.", "changes": [change]})
    async with shown(chromium, client, {"dataset": f"{task}-d2"}) as opened:
        await judged(opened)
        await expect(opened.view.locator(".progress")).to_contain_text("1 of ")
        await opened.view.get_by_role("button", name="History").click()
        await expect(opened.view.locator(".history")).to_contain_text("rows or labels changed: She read it aloud.")
        await opened.view.get_by_label("Your name").fill("Zo\u00eb <b>")
        await opened.view.get_by_label("Your name").press("Tab")
        await opened.view.get_by_role("button", name="Queue").click()
        await opened.press("f")
        await stored(opened, workspace, f"{task}-d2", 1)
        await opened.view.get_by_role("button", name="History").click()
        await expect(opened.view.locator(".history li").first).to_contain_text("flagged")
        await expect(opened.view.locator(".history li").first).to_contain_text("you")
        assert standing(workspace, dataset).entries[0].person.startswith("Zo\u00eb b-p")
        assert opened.faults == []


async def test_all_rows_of_a_look_are_decided_at_once_after_their_number_was_shown(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await opened.view.get_by_role("button", name="List").click()
        await opened.view.get_by_label("Where from").select_option("written")
        await expect(opened.view.locator(".list .bar strong").first).to_have_text("18 rows")
        await opened.view.get_by_label("All of them:").select_option("accept")
        await expect(opened.view.locator("dialog strong")).to_have_text("18 rows")
        await opened.view.get_by_role("button", name="Yes, 18 rows").click()

        await expect(opened.view.locator(".note")).to_contain_text("18 rows decided at once")
        assert await stored(opened, workspace, dataset, 1) == [("accept", None)]

        await opened.view.get_by_role("button", name="History").click()
        await opened.view.get_by_role("button", name="Undo: 18 rows accepted").click()
        await expect(opened.view.locator(".undone")).to_have_count(1)
        assert standing(workspace, dataset).rows == {}


async def test_conditions_that_are_cleared_are_gone_from_the_boxes_too(
    client: Client, chromium: Browser, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await opened.view.get_by_role("button", name="List").click()
        found, words = opened.view.locator(".list .bar strong").first, opened.view.locator("#list-search")
        await expect(found).to_have_text("34 rows")
        await words.type("sent to another")
        await expect(found).to_have_text("1 row")
        await opened.view.get_by_role("button", name="Clear").click()

        await expect(found).to_have_text("34 rows")
        await expect(words).to_have_value("")


async def test_the_list_finds_rows_without_a_label_by_what_they_are_used_for(
    client: Client, chromium: Browser, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await opened.view.get_by_role("button", name="List").click()
        await opened.view.get_by_label("Used").select_option("no label yet (2)")
        await expect(opened.view.locator(".list .bar strong").first).to_have_text("2 rows")
        await expect(opened.view.locator(".rows .about").first).to_contain_text("no label yet")


async def test_on_the_map_keys_go_from_row_to_row_and_choose_those_around(
    client: Client, chromium: Browser, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await judged(opened)
        await opened.view.get_by_role("button", name="Map").click()
        await expect(opened.view.locator("canvas").last).to_be_visible()
        read = opened.view.locator(".map .rows .what p").first
        await opened.press("ArrowRight")
        first = await read.inner_text()
        await opened.press("ArrowRight", "ArrowDown", "ArrowLeft")
        await expect(read).not_to_have_text(first)
        await opened.press("+", "+", "+", "+", "+", "-")
        await expect(opened.view.locator(".chosen-rows strong")).to_contain_text("rows")
        chosen = await opened.view.locator(".chosen-rows strong").inner_text()
        await opened.press("o")

        await expect(opened.view.locator(".list .bar strong").first).to_have_text(chosen)
        assert opened.faults == []


async def test_the_figures_open_their_rows_and_the_map_is_drawn(
    client: Client, chromium: Browser, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await judged(opened)
        await opened.view.get_by_role("button", name="Figures").click()
        cell = opened.view.get_by_role("button", name="of the line: refund taken for delivery")
        rows = int(await cell.locator("b").inner_text())
        await cell.click()
        await expect(opened.view.locator(".list .bar strong").first).to_have_text(f"{rows} row{'s' * (rows > 1)}")

        await opened.view.get_by_role("button", name="Map").click()
        canvas = opened.view.locator("canvas").last
        box = await canvas.bounding_box()
        assert box
        await opened.page.mouse.move(box["x"] + 2, box["y"] + 2)
        await opened.page.mouse.down()
        for x, y in ((0.99, 0.01), (0.99, 0.99), (0.01, 0.99), (0.01, 0.01)):
            await opened.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        await opened.page.mouse.up()
        await opened.view.get_by_role("button", name="Open them in the list").click()
        await expect(opened.view.locator(".list .bar strong").first).to_have_text("34 rows")
        assert opened.faults == []


async def test_on_a_phone_the_map_is_higher_than_wide_and_a_finger_draws_around_rows(
    client: Client, chromium: Browser, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}, size=(390, 844), touch=True) as opened:
        await judged(opened)
        await opened.view.get_by_role("button", name="Map").click()
        canvas = opened.view.locator(".canvases canvas").last
        await expect(canvas).to_have_js_property("width", 372)  # of the page less its margins and the map's border
        box = await canvas.bounding_box()
        assert box
        assert box["height"] > box["width"]

        finger = await opened.page.context.new_cdp_session(opened.page)
        corners = [(0.01, 0.01), (0.99, 0.01), (0.99, 0.99), (0.01, 0.99), (0.01, 0.02)]
        async with anyio.create_task_group() as moves:  # faster than frames: a browser hands several on as one
            for number, (x, y) in enumerate(corners):
                point = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
                kind = "touchMove" if number else "touchStart"
                moves.start_soon(finger.send, "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
        await finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

        await expect(opened.view.locator(".chosen-rows strong")).to_have_text("34 rows")
        await opened.view.get_by_role("button", name="Open them in the list").click()
        await expect(opened.view.locator(".list .bar strong").first).to_have_text("34 rows")
        wide = await opened.view.locator("html").evaluate("e => e.scrollWidth > e.clientWidth")
        assert not wide
        assert opened.faults == []


async def test_rows_are_text_wherever_they_are_shown_and_never_go_into_the_chat(
    client: Client, chromium: Browser, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await opened.view.get_by_role("button", name="List").click()
        await opened.view.locator("#list-search").fill("ignore all rules")
        await expect(opened.view.locator(".rows p").first).to_have_text(HOSTILE)
        await opened.view.get_by_role("button", name="Review one by one").click()
        await expect(opened.view.locator(".card .text")).to_have_text(HOSTILE)
        await expect(opened.view.locator("img, .text b")).to_have_count(0)

        assert await opened.page.title() != "sang"
        assert "ignore all rules" not in json.dumps(opened.said("ui/update-model-context"))
        assert opened.faults == []
