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
        await expect(opened.view.locator(".card .about .tag.chosen")).to_have_text("labelled as refund + delivery")

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
        await expect(opened.view.locator(".place")).to_contain_text("Row 1 of 53")
        await expect(opened.view.locator(".chance, .own, .warn")).to_have_count(0)
        await opened.press("Enter")
        await expect(opened.view.locator(".note")).to_contain_text("0 says that none applies")

        await opened.press(*["1", "Enter"] * 53)

        await expect(opened.view.locator(".result")).to_contain_text("All labels right and no other")
        await stored(opened, workspace, sets, 53)
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
        cell = opened.view.locator(".confusion td:not(.right) button").first
        rows = int(await cell.locator("b").inner_text())
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


async def test_what_was_done_to_a_row_without_labels_stays_on_it_and_is_found_before_it_is_saved(
    client: Client, chromium: Browser, workspace: Workspace, sets: str
) -> None:
    async with shown(chromium, client, {"dataset": sets}) as opened:
        await judged(opened)
        await opened.view.locator(".queue select").select_option("unlabelled")
        await expect(opened.view.locator(".place")).to_have_text("Row 1 of 1")
        await opened.press("f", "e")
        await opened.view.get_by_label("Text", exact=True).fill("a new text")
        await opened.press("Control+Enter")
        chips = opened.view.locator(".card .about .tag.chosen")
        await expect(chips).to_have_text(["flagged", "edited"])
        await expect(opened.view.locator(".progress")).to_contain_text("0 of 54 rows decided")
        await opened.press("0")
        await expect(opened.view.get_by_role("button", name="None applies")).to_have_attribute("aria-pressed", "true")
        await opened.press("Enter", "ArrowLeft")
        await expect(chips).to_have_text(["flagged", "edited", "labelled as none of the labels"])
        await stored(opened, workspace, sets, 3)
        await expect(opened.view.locator(".progress")).to_contain_text("1 of 54 rows decided")
        await expect(opened.view.get_by_role("button", name="Save 3 decisions on 1 row")).to_be_visible()

        await opened.view.get_by_role("button", name="List").click()
        found = opened.view.locator(".list .bar strong").first
        for state in ("flag", "edit", "relabel"):
            await opened.view.get_by_label("Decision").select_option(state)
            await expect(found).to_have_text("1 row")
            await expect(opened.view.locator(".rows .tag.chosen")).to_have_count(3)
        assert opened.faults == []


async def test_labels_are_suggested_and_put_in_only_as_far_as_the_person_wants_and_tiles_keep_their_height(
    client: Client, chromium: Browser, sets: str
) -> None:
    async with shown(chromium, client, {"dataset": sets}) as opened:
        await judged(opened)
        heights = await opened.view.locator(".label").evaluate_all("all => all.map((one) => one.offsetHeight)")
        await opened.view.locator(".queue select").select_option("unlabelled")
        await expect(opened.view.locator(".says", has_text="suggested").first).to_be_visible()
        assert await opened.view.locator(".label").evaluate_all("all => all.map((one) => one.offsetHeight)") == heights
        await opened.view.get_by_label("Suggest nothing").check()

        await expect(opened.view.locator(".says", has_text="suggested")).to_have_count(0)
        await expect(opened.view.locator(".chance")).to_have_count(0)
        await expect(opened.view.locator(".set")).to_contain_text("nothing yet")
        await opened.press("Enter")
        await expect(opened.view.locator(".note")).to_contain_text("0 says that none applies")
