"""The review page as clients are offered it: a resource that is there, and tools that only clients with pages see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp import Client
from mcp.server.apps import APP_MIME_TYPE

from classwright_server.review_page.document import own_page, page, page_uri
from support.paths import PACKAGES
from support.server import APPS, ERAS, connected, make_server, make_settings

pytestmark = pytest.mark.anyio

MOST_BYTES = 100_000


@pytest.mark.parametrize("mode", ERAS)
async def test_every_page_that_a_tool_names_can_be_read(tmp_path: Path, mode: str) -> None:
    async with Client(make_server(make_settings(tmp_path)), mode=mode, extensions=APPS) as client:
        tools = (await client.list_tools()).tools
        uris = {ui["resourceUri"] for tool in tools if (ui := (tool.meta or {}).get("ui")) and "resourceUri" in ui}
        read = [(await client.read_resource(uri)).contents[0] for uri in sorted(uris)]

    assert uris == {page_uri()}
    assert [(one.mime_type, one.text) for one in read] == [(APP_MIME_TYPE, page())]  # type: ignore[union-attr]  # texts


async def test_an_older_name_of_the_page_still_opens_it(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path)) as client:
        content = (await client.read_resource("ui://classwright/review-00000000.html")).contents[0]

    assert (content.mime_type, content.text) == (APP_MIME_TYPE, page())  # type: ignore[union-attr]  # a text


@pytest.mark.parametrize("mode", ERAS)
async def test_tools_of_the_page_are_listed_where_pages_are_shown_and_nowhere_else(tmp_path: Path, mode: str) -> None:
    server = make_server(make_settings(tmp_path))
    async with Client(server, mode=mode, extensions=APPS) as client:
        shown = {tool.name: tool for tool in (await client.list_tools()).tools}
    async with Client(server, mode=mode) as client:
        plain = {tool.name for tool in (await client.list_tools()).tools}

    own = {name for name, tool in shown.items() if ((tool.meta or {}).get("ui") or {}).get("visibility") == ["app"]}
    assert set(shown) - plain == own
    assert {"prepare_review", "review_open", "review_rows", "review_decide"} <= own
    assert all(shown[name].annotations for name in own)
    assert {"dataset", "look", "offset"} <= set(shown["review_rows"].input_schema["properties"])


def test_the_page_is_small_and_asks_nobody_for_anything() -> None:
    assets = PACKAGES["classwright_server"] / "review_page" / "assets"
    own = {path.name: path.read_text(encoding="utf-8") for path in assets.iterdir() if path.name != "preact-htm.js"}
    outward = re.compile(
        r"https?://|url\(|@import|fetch\(.{0,5}|XMLHttpRequest|WebSocket|innerHTML|eval\(|localStorage"
    )
    found = {name: outward.findall(text) for name, text in own.items() if outward.search(text)}

    assert max(len(page().encode()), len(own_page().encode())) < MOST_BYTES
    assert "default-src 'none'" in page()
    assert found == {"direct.js": ['fetch("mcp"']}  # of the page that the server serves by itself, to that server
    assert "fetch(" not in page()


def test_what_is_left_out_of_the_scripts_is_none_of_their_texts() -> None:
    assets = PACKAGES["classwright_server"] / "review_page" / "assets"
    own = [path for path in assets.glob("*.js") if path.name != "preact-htm.js"]
    for path in own:
        for tag, text in _texts(path.read_text(encoding="utf-8")):
            assert "\n" not in text or tag == "html", f"{path.name}: white space counts in {text!r}"
            assert not re.search(r"\s//\s", text), f"{path.name}: it looks like a comment: {text!r}"
            assert not re.search(r" (=>|[=!]==|&&|\|\||\?\?|=) ", text), f"{path.name}: it looks like code: {text!r}"
    assert len(own) >= 10


def _texts(script: str) -> Iterator[tuple[str, str]]:
    """Yield each string of a script, and each text of its templates with the name that stands before its template."""
    inside: list[str] = []  # "{" within code, else the tag of a template
    tag, start, place = "", 0, 0
    while place < len(script):
        here = script[place]
        if inside and inside[-1] != "{":
            if here == "`" or script.startswith("${", place):
                yield inside[-1], script[start:place]
                place += here == "$"
                inside.append("{") if here == "$" else inside.pop()
        elif here == '"':
            string = re.compile(r'"(?:[^"\\\n]|\\.)*').match(script, place)
            assert string
            yield "string", string.group()
            place = string.end()
        elif script.startswith("//", place):
            place = script.index("\n", place)
        elif here == "`":
            tag = re.search(r"\w*$", script[:place]).group()  # type: ignore[union-attr]  # of no letters, too
            inside.append(tag or "none")
            start = place + 1
        elif here in "{}":
            inside.append("{") if here == "{" else inside.pop()
            start = place + 1
        place += 1
    assert inside == []
