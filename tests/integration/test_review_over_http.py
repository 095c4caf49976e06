"""The review page of a server over HTTP: for who has a token, on rows of theirs, and for no foreign page."""

from __future__ import annotations

from pathlib import Path

import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from playwright.async_api import Browser, expect
from starlette.testclient import TestClient

from classwright_server.http.serving import http_app
from classwright_server.vllm import free_port
from support.page_host import CHROMIUM
from support.review import HOSTILE
from support.server import LONG, TASK, ServerProcess, call, make_settings, rows
from support.tokens import Authority

pytestmark = pytest.mark.anyio
BUSY_MS = 40_000
ARABIC = "RT @user: أين الطرد الذي طلبته منذ أسبوع http"
GIVEN = [*rows(10), {"text": HOSTILE, "label": "refund"}, {"text": ARABIC, "label": "delivery"}]


def test_the_page_is_the_same_for_everybody_and_no_other_site_shows_it_or_asks_for_it(tmp_path: Path) -> None:
    with TestClient(http_app(make_settings(tmp_path, http=True), {}), base_url="http://127.0.0.1:8931") as client:
        page = client.get("/review?task=support")
        assert page.status_code == 200
        assert page.text == client.get("/review").text
        assert page.headers["content-security-policy"] == "frame-ancestors 'none'"
        assert "connect-src 'self'" in page.text
        assert client.get("/review", headers={"Host": "evil.example"}).status_code == 421
        assert client.get("/review", headers={"Origin": "http://evil.example"}).status_code == 403
        assert client.post("/review", json={}).status_code == 405


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, which CI installs")
async def test_each_person_reviews_their_own_rows_with_their_own_token(tmp_path: Path, chromium: Browser) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/mcp"
    with Authority(url) as authority, ServerProcess(tmp_path, *authority.flags(), port=port):
        http = create_mcp_http_client(headers={"Authorization": f"Bearer {authority.token('alice')}"})
        async with http, Client(streamable_http_client(url, http_client=http)) as client:
            await call(client, "propose_topics", TASK)
            given = {"task": "support", "split": "train", "rows": GIVEN}
            await call(client, "import_examples", given, wait_seconds=LONG)

        page = await chromium.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(f"http://127.0.0.1:{port}/review")
        await page.get_by_role("textbox", name="Token").fill("no token of anybody")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("does not take this token")
        await page.get_by_role("textbox", name="Token").fill(authority.token("alice"))
        await page.keyboard.press("Enter")
        await expect(page.locator(".progress")).to_contain_text("0 of 12 rows decided", timeout=BUSY_MS)
        await page.get_by_role("button", name="List").click()
        await page.get_by_role("searchbox", name="Text").fill("ignore all rules")
        await expect(page.locator(".rows q, .rows .what p").first).to_contain_text("<img src=x", timeout=BUSY_MS)
        await page.get_by_role("searchbox", name="Text").fill("RT @user")
        await expect(page.locator(".rows .what p").first).to_have_attribute("dir", "rtl", timeout=BUSY_MS)
        await page.get_by_role("button", name="Queue").click()
        await page.keyboard.press("x")
        await expect(page.locator(".progress")).to_contain_text("Save 1 decision", timeout=BUSY_MS)
        await expect(page.locator(".progress")).not_to_contain_text("being stored", timeout=BUSY_MS)
        assert await page.title() == "Review"
        assert {address.partition("?")[0].rpartition("/")[2] for address in asked} == {"review", "mcp"}

        other = await chromium.new_page()
        await other.goto(f"http://127.0.0.1:{port}/review?task=support")
        await other.get_by_role("textbox", name="Token").fill(authority.token("bob"))
        await other.keyboard.press("Enter")
        await expect(other.get_by_role("alert")).to_contain_text("is not there yet", timeout=BUSY_MS)
        assert "parcel" not in await other.content()
