"""The review page in a real browser on rows that may have several labels."""

from __future__ import annotations

from itertools import count

import pytest
from mcp import Client
from playwright.async_api import Browser, expect

from classwright_tools.domain.kinds import task_of
from classwright_tools.workspace.datasets import read_table
from classwright_tools.workspace.workspace import Workspace
from support.page_host import CHROMIUM, shown
from support.review import SHORT, review_of_sets
from support.review_page import judged, standing, stored
from support.server import until
from support.several import several_task

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, which CI installs")]

NUMBERS = count(1)


@pytest.fixture
def sets(workspace: Workspace) -> str:
    """A dataset whose rows may have several labels."""
    return review_of_sets(workspace, f"mail{next(NUMBERS)}")


async def test_keys_put_labels_in_and_out_and_enter_decides_on_the_set(
    client: Client, chromium: Browser, workspace: Workspace, sets: str
) -> None:
    async with shown(chromium, client, {"dataset": sets}) as opened:
        await judged(opened)
        await opened.view.locator(".queue select").select_option("disagrees")
        await expect(opened.view.locator(".card .text")).to_have_text(SHORT)
        own = opened.view.locator(".label.own .name")
        await expect(own).to_have_text(["delivery"])
        names = await opened.view.locator(".label .name").all_inner_texts()
        assert names == list(several_task().label_names), "each label keeps its key from row to row"
        await expect(opened.view.locator("details")).to_have_count(0)  # no label of this task is described

        await opened.press(str(1 + names.index("refund")))
        await expect(opened.view.locator(".set button")).to_contain_text(["refund", "delivery"])
        await opened.press("Enter")
        await expect(opened.view.locator(".place")).to_contain_text("Row 2")
        await opened.press("0")
        await expect(opened.view.locator(".set")).to_have_text("Chosen: none of the labels")
        await opened.press("Enter", "u")
        await expect(opened.view.locator(".place")).to_contain_text("Row 2")
        await opened.press("ArrowLeft")
        await expect(opened.view.locator(".card .about .tag.chosen")).to_have_text("now refund + delivery")

        await until(lambda: len(standing(workspace, sets).rows) == 1)
        await opened.view.get_by_role("button", name="Save").click()
        await expect(opened.view.locator("h1")).to_contain_text(f"{task_of(sets)}-d2")
        rows = read_table(workspace, f"{task_of(sets)}-d2").select(["text", "labels"]).to_pylist()
        assert {"text": SHORT, "labels": ["refund", "delivery"]} in rows
        assert opened.faults == []


async def test_a_fair_sample_of_sets_ends_in_the_share_of_rows_with_all_labels_right(
    client: Client, chromium: Browser, workspace: Workspace, sets: str
) -> None:
    async with shown(chromium, client, {"dataset": sets}) as opened:
        await judged(opened)
        await opened.view.locator(".queue select").select_option("sample")
        await expect(opened.view.locator(".place")).to_contain_text("Row 1 of 54")
        await expect(opened.view.locator(".chance, .own, .warn")).to_have_count(0)
        await opened.press("Enter")
        await expect(opened.view.locator(".note")).to_contain_text("0 says that none applies")

        await opened.press(*["1", "Enter"] * 54)

        await expect(opened.view.locator(".result")).to_contain_text("rows have all their labels right and no other")
        await stored(opened, workspace, sets, 54)
        await expect(opened.view.locator(".result")).to_contain_text("of 53 rows")
        right = sum(row["labels"] == ["refund"] for row in read_table(workspace, sets).to_pylist())
        await expect(opened.view.locator(".result")).to_contain_text(f"{right} of 53")


async def test_the_list_and_the_figures_know_labels_that_a_classifier_missed_and_added(
    client: Client, chromium: Browser, sets: str
) -> None:
    async with shown(chromium, client, {"dataset": sets}) as opened:
        await judged(opened)
        await opened.view.get_by_role("button", name="List").click()
        found = opened.view.locator(".list .bar strong").first
        await opened.view.locator(".filters select").first.select_option("|")
        await expect(found).to_have_text("12 rows")
        await expect(opened.view.locator(".rows .tag.own").first).to_have_text("none of the labels")
        await opened.view.get_by_role("button", name="Clear").click()
        await opened.view.get_by_label("Classifier added").select_option("refund")
        await expect(opened.view.locator(".rows p").first).to_have_text(SHORT)
        await expect(opened.view.locator(".rows .tag.warn").first).to_contain_text("refund")

        await opened.view.get_by_role("button", name="Figures").click()
        await expect(opened.view.locator(".figures")).to_contain_text("all their labels and no other")
        cell = opened.view.locator(".confusion button").first
        rows = int(await cell.inner_text())
        await cell.click()
        await expect(found).to_have_text(f"{rows} row{'s' * (rows > 1)}")
        await opened.view.get_by_role("button", name="Figures").click()
        added = opened.view.get_by_role("button", name="refund added to")
        told = await added.inner_text()
        await added.click()
        await expect(found).to_have_text(told.removeprefix("refund added to ").removesuffix(" without it"))
        await opened.view.get_by_role("button", name="Figures").click()
        await opened.view.get_by_role("button", name="refund|delivery: late parcels").click()
        await expect(found).to_have_text("1 row")
        await expect(opened.view.locator(".rows .tag.own")).to_have_text(["refund", "delivery"])
        assert opened.faults == []
