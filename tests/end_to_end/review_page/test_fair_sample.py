"""The fair sample of the review page in a real browser: what it hides, where it ends, and the figure at any time."""

from __future__ import annotations

import pytest
from mcp import Client
from playwright.async_api import Browser, expect

from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Task
from classwright_tools.workspace.workspace import Workspace
from support.measurement import dataset_of
from support.page_host import CHROMIUM, shown
from support.review_page import judged, standing, stored

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, which CI installs")]


async def test_a_fair_sample_hides_what_would_lead_and_ends_in_a_share(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await judged(opened)
        await opened.view.locator(".queue select").select_option("sample")
        await expect(opened.view.locator(".place")).to_have_text("Row 1 of 32")
        await expect(opened.view.locator(".chance, .own, .warn")).to_have_count(0)

        await opened.press(*["1"] * 32)

        await expect(opened.view.locator(".result")).to_contain_text("95% interval")
        await stored(opened, workspace, dataset, 32)
        counted = sum(entry.decision.right is not None for entry in standing(workspace, dataset).entries)
        assert counted == 32, "rows without a label are not in it: they say nothing of labels"
        await expect(opened.view.locator(".result")).to_contain_text("of 32 rows")


async def test_a_fair_sample_has_a_figure_at_any_time_ends_when_one_likes_and_opens_what_was_wrong(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await judged(opened)
        await opened.view.locator(".queue select").select_option("sample")
        await expect(opened.view.locator(".place")).to_have_text("Row 1 of 32")
        await opened.press(*["1"] * 6, "s")
        await stored(opened, workspace, dataset, 6)
        said = [entry.decision.right for entry in standing(workspace, dataset).entries]
        right, rows = said.count(True), len(said) - said.count(None)
        await expect(opened.view.locator(".bar").first).to_contain_text(f"Right so far: {right} of {rows} rows")
        await opened.view.get_by_role("button", name="End here").click()
        await expect(opened.view.locator(".empty").first).to_contain_text("1 row was skipped")
        await expect(opened.view.locator(".result")).to_contain_text(f"{right} of {rows} rows")
        wrong = rows - right
        await opened.view.get_by_role("button", name=f"Show {wrong} row").click()

        await expect(opened.view.locator(".list .bar strong").first).to_have_text(f"{wrong} row{'s' * (wrong > 1)}")
        assert opened.faults == []


async def test_who_skips_to_the_end_of_a_fair_sample_is_at_its_end(
    client: Client, chromium: Browser, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await judged(opened)
        await opened.view.locator(".queue select").select_option("sample")
        await expect(opened.view.locator(".place")).to_have_text("Row 1 of 32")
        await opened.press(*["s"] * 40)
        await expect(opened.view.locator(".place")).to_have_text("")
        await expect(opened.view.locator(".empty").first).to_contain_text("32 rows were skipped")
        await opened.press("ArrowLeft")

        await expect(opened.view.locator(".place")).to_have_text("Row 32 of 32")


async def test_a_fair_sample_has_as_many_rows_as_one_likes_and_goes_on_where_more_are_wanted(
    client: Client, chromium: Browser, workspace: Workspace, task: Task
) -> None:
    rows = [make_example(f"where is my parcel {number}", "delivery") for number in range(120)]
    async with shown(chromium, client, {"dataset": dataset_of(workspace, task.slug, train=rows)}) as opened:
        await opened.view.locator(".queue select").select_option("sample")
        await expect(opened.view.locator(".place")).to_have_text("Row 1 of 100")
        size = opened.view.get_by_role("combobox", name="Rows", exact=True)
        assert await size.locator("option").all_text_contents() == ["50", "100", "200"], "the last one takes all 120"
        await size.select_option("50")
        await expect(opened.view.locator(".place")).to_have_text("Row 1 of 50")

        await opened.view.locator("main").focus()
        await opened.press(*["1"] * 50)
        await expect(opened.view.locator(".result")).to_contain_text("of 50 rows")
        await size.select_option("200")

        await expect(opened.view.locator(".place")).to_have_text("Row 51 of 120")
        assert opened.faults == []
