"""The review page in a real browser where several people decide: what each sees, and who gets which row."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import Client
from playwright.async_api import Browser, expect

from classwright_tools.domain.decision import Decision
from classwright_tools.domain.example import make_example
from classwright_tools.domain.kinds import task_of
from classwright_tools.domain.task import Task
from classwright_tools.review.decisions import store
from classwright_tools.workspace.workspace import Workspace
from support.measurement import dataset_of
from support.page_host import CHROMIUM, shown
from support.review_page import KEYS_AT_ONCE, Leaving, judged, standing, stored

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, which CI installs")]


async def test_two_people_at_once_are_led_to_different_rows_and_over_those_that_the_other_decided(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    arguments: dict[str, Any] = {"dataset": dataset}
    async with shown(chromium, client, arguments) as before:
        await judged(before)
    async with shown(chromium, client, arguments) as ann, shown(chromium, client, arguments) as bob:
        await expect(ann.view.locator(".card .text")).to_be_visible()
        await expect(bob.view.locator(".card .text")).to_be_visible()
        seen: dict[str, list[str]] = {"ann": [], "bob": []}
        for turn in range(1, 14):
            for name, opened in (("ann", ann), ("bob", bob)):
                seen[name].append(await opened.view.locator(".card .text p").inner_text())
                await opened.press("x")
            await stored(ann, workspace, dataset, 2 * turn)
            for opened in (ann, bob):  # news comes with an answer, or within seconds
                rows = len(standing(workspace, dataset).rows)
                await expect(opened.view.locator(".progress")).to_contain_text(f"{rows} of 34 rows decided")

        assert seen["ann"][:3] != seen["bob"][:3]
        assert len({*seen["ann"], *seen["bob"]}) >= 20, "of 26; only a row that both look at is decided twice"
        assert ann.faults == bob.faults == []


async def test_a_page_hears_of_what_is_done_elsewhere_without_a_decision_of_its_own(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    arguments: dict[str, Any] = {"dataset": dataset}
    async with shown(chromium, client, arguments) as ann, shown(chromium, client, arguments) as bob:
        await judged(ann)
        await bob.view.get_by_role("button", name="List").click()
        rows = bob.view.locator(".rows li")
        text = await ann.view.locator(".card .text p").inner_text()
        await ann.press("x")
        await expect(rows.filter(has_text=text).locator(".tag.chosen")).to_have_text("removed by another person")
        await ann.press("u")
        await expect(rows.locator(".tag.chosen")).to_have_count(0)

        changes = [{"action": "remove", "rows": {"where": {"text": "password"}}}]
        edit = {"task": task_of(dataset), "reason": "said in the chat", "changes": changes}
        newer = (await client.call_tool("edit_examples", edit)).structured_content["result"]["dataset"]  # type: ignore[index]
        await bob.view.get_by_role("button", name=f"Go to {newer}").click()

        await expect(bob.view.locator("h1")).to_contain_text(newer)
        await expect(bob.view.locator(".list .rows li").first).to_be_visible()
        await expect(bob.view.locator(".notice")).to_have_count(0)
        assert ann.faults == bob.faults == []


async def test_who_waits_and_who_decides_are_told_that_the_server_is_away_and_nothing_is_lost(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    leaving = Leaving(client)
    async with shown(chromium, leaving, {"dataset": dataset}) as opened:  # type: ignore[arg-type]  # a client in all it uses
        await judged(opened)
        notice = opened.view.locator(".notice")
        leaving.away = True
        await expect(notice).to_contain_text("The server is away. Your decisions are kept here")
        await opened.press("x", "f")
        await expect(notice).to_contain_text("2 decisions are kept here and sent when it is back")
        await expect(opened.view.locator("main")).not_to_contain_text("hang up")
        leaving.away = False

        assert [action for action, _ in await stored(opened, workspace, dataset, 2)] == ["remove", "flag"]
        await expect(notice).to_have_count(0)


async def test_a_bulk_decision_says_how_many_of_its_rows_were_decided_before(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await judged(opened)
        await opened.press("x", "x")
        await stored(opened, workspace, dataset, 2)
        await opened.view.get_by_role("button", name="List").click()
        await opened.view.get_by_label("All of them:").select_option("flag")

        await expect(opened.view.locator("dialog")).to_contain_text("2 rows of them were decided before")
        await opened.view.get_by_role("button", name="No", exact=True).click()
        await opened.view.get_by_label("Decision").select_option("remove")
        await expect(opened.view.locator(".list .bar strong").first).to_have_text("2 rows")
        await opened.view.get_by_label("All of them:").select_option("flag")
        await expect(opened.view.locator("dialog")).to_contain_text("2 rows of them were decided before")


async def test_all_rows_that_others_decided_come_for_a_second_opinion(
    client: Client, chromium: Browser, workspace: Workspace, task: Task
) -> None:
    rows = [make_example(f"message number {number}", "refund") for number in range(230)]
    dataset = dataset_of(workspace, task.slug, train=rows)
    fields = {"action": "accept", "rows": [row.id for row in rows]}
    store(workspace, task.slug, dataset, "Bea-p2", [Decision.model_validate({"id": "decision-of-bea", **fields})])
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await opened.view.get_by_role("button", name="History").click()
        await opened.view.get_by_label("Your name").fill("Ann")
        await opened.press("Tab")
        await opened.view.get_by_role("button", name="Queue").click()
        await opened.view.locator(".queue select").select_option("second")
        place = opened.view.locator(".place")
        await expect(place).to_have_text("Row 1 of 230")
        await opened.view.locator("main").evaluate(KEYS_AT_ONCE, ["1"] * 150)
        await expect(place).to_have_text("Row 151 of 230")
        await expect(opened.view.locator(".progress")).not_to_contain_text("being stored")
        await opened.view.locator("main").evaluate(KEYS_AT_ONCE, ["1"] * 80)

        await expect(opened.view.locator(".empty").first).to_contain_text("That was the last row")
        await stored(opened, workspace, dataset, 231)


async def test_who_is_overruled_is_told_and_rows_about_which_people_differ_are_found_and_counted(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    arguments: dict[str, Any] = {"dataset": dataset}
    async with shown(chromium, client, arguments) as ann, shown(chromium, client, arguments) as bob:
        for name, key, opened in (("Ann", "1", ann), ("Bob", "2", bob)):
            await judged(opened)
            await opened.view.get_by_role("button", name="History").click()
            await opened.view.get_by_label("Your name").fill(name)
            await opened.press("Tab")
            await opened.view.get_by_role("button", name="List").click()
            await opened.view.locator("#list-search").fill("sent to another")
            await expect(opened.view.locator(".list .bar strong").first).to_have_text("1 row")
            await opened.view.get_by_role("button", name="Review one by one").click()
            await expect(opened.view.locator(".place")).to_have_text("Row 1 of 1")
            await opened.press(key)
            await expect(opened.view.locator(".progress")).to_contain_text("1 of 34 rows decided")
            await stored(opened, workspace, dataset, int(key))

        await expect(ann.view.locator(".notice")).to_contain_text(
            "Bob decided otherwise on 1 of your rows, and yours stands on none."
        )
        await ann.view.get_by_role("button", name="Show them").click()
        await expect(ann.view.locator(".list .bar strong").first).to_have_text("1 row")
        await expect(ann.view.locator(".rows .tag.warn")).to_contain_text(["Ann: refund", "Bob: delivery"])
        await ann.view.get_by_role("button", name="Queue").click()
        await ann.view.locator(".queue select").select_option("disputed")
        await expect(ann.view.locator(".card .tag.warn")).to_contain_text(["Ann: refund", "Bob: delivery"])
        await ann.view.get_by_role("button", name="Figures").click()
        await expect(ann.view.locator(".figures")).to_contain_text("They differ about 1 row.")
        await bob.view.locator(".queue select").select_option("second")
        await expect(bob.view.locator(".empty").first).to_contain_text("No row is left")
        assert ann.faults == bob.faults == []
