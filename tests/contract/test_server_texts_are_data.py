"""What strangers write into rows, labels and topics: quoted as data in results, never the server's own words."""

from __future__ import annotations

import json
import logging
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client
from mcp_types import CallToolResult

from classwright_server.sanitize import MAX_ERROR_CHARS, PlainFormatter, escaped_json, plain_values, sanitized
from classwright_tools.domain.invisible import plain_text
from support.hostile import ORDER, UNSEEN
from support.server import LABELS, call_failing, connected, make_settings, rows

BARE = {"task": "support", "instruction": "Classify a message.", "labels": LABELS}
# A client's model takes these for the server's own words.
OWN_WORDS = {"summary", "next_step", "message", "error", "advice", "headline", "title", "description", "rules"}
HIDDEN = {character for character in UNSEEN if not character.isascii()}
any_text = st.text(max_size=40) | st.text(alphabet=f"a é{UNSEEN}\u200d\u200c\n\t\u0600👩", max_size=20)


def is_seen(text: str) -> bool:
    """Whether a reader sees every character of a text; tabs and line breaks aside, and joiners where they belong."""
    hidden = {"Cc", "Cs", "Zl", "Zp"}
    return not any((unicodedata.category(c) in hidden and c not in "\t\n") or c in HIDDEN for c in text)


def strings(value: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """Yield every string in a structure with the name of the field that holds it."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield "a field's name", name
            yield from strings(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item, field)


async def said(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Everything that a call answers in the end, as one structure; an error's text is a field of its own."""
    result = await client.call_tool(tool, arguments)
    assert isinstance(result, CallToolResult)
    view = result.structured_content or {}
    if view.get("status") in ("queued", "running"):  # on a busy machine
        return await said(client, "get_job", job_id=view["job_id"], wait_seconds=50)
    if result.is_error:
        return {"error": [block.text for block in result.content if block.type == "text"]}
    links = [block.model_dump(mode="json") for block in result.content if block.type == "resource_link"]
    return {**(result.structured_content or {}), "links": links}


@pytest.mark.anyio
async def test_an_order_hidden_in_a_row_is_quoted_and_never_said(tmp_path: Path) -> None:
    """The road from topics to an error analysis, with the order in every text that the data brings."""
    folder = tmp_path / "imports"
    folder.mkdir()
    (folder / "no_header.csv").write_text(f"{ORDER},refund\nwhere is it,delivery\n")
    (folder / "labels.jsonl").write_text(json.dumps({"text": "where is it", "label": ORDER, ORDER: "x"}) + "\n")
    (folder / ORDER).mkdir()
    (folder / ORDER / f"{ORDER}.bin").write_text("x")
    settings = make_settings(tmp_path / "workspace")
    own = settings.tool_settings.model_copy(update={"import_folders": (folder,)})
    hostile = [{"text": f"{ORDER} {row['text']}", "label": row["label"]} for row in rows(24)]
    wrong = [{"text": row["text"], "label": "refund"} for row in rows(8, 40)]
    base: dict[str, Any] = {"task": "support", "wait_seconds": 50}

    async with connected(settings.model_copy(update={"tool_settings": own})) as client:
        before = await offered(client)
        answers = [
            await said(client, "propose_topics", **BARE),
            await said(client, "import_examples", **base, split="train", rows=hostile),
            await said(client, "import_examples", **base, split="train", rows=hostile),
            await said(client, "import_examples", **base, split="validation", rows=wrong),
            await said(client, "import_examples", **base, split="test", rows=[{"text": "a b c", "label": ORDER}]),
            await said(client, "import_examples", **base, split="test", path="no_header.csv"),
            await said(client, "import_examples", **base, split="test", path="labels.jsonl"),
            await said(client, "import_examples", **base, split="test", path="labels.jsonl", label_column="nope"),
            await said(client, "train_classifier", **base, method="probe"),
            await said(client, "evaluate", model="support-m1", wait_seconds=50),
            await said(client, "error_analysis", model="support-m1", wait_seconds=50),
            await said(client, "classify", model="support-m1", texts=[ORDER], wait_seconds=50),
            await said(client, "export_model", model="support-m1", onnx=False, wait_seconds=50),
            await said(client, "list_jobs"),
        ]
        after = await offered(client)

    assert [answer.get("status") for answer in answers].count("completed") >= 8, answers
    assert any(ORDER in text for _, text in strings(answers)), "no result quoted a row: the test tries nothing"
    for answer in answers:
        for field, text in strings(answer):
            assert field not in OWN_WORDS or ORDER not in text, (field, text)
    assert after == before


async def offered(client: Client) -> dict[str, Any]:
    """What a client is told before it calls anything."""
    return {
        "tools": (await client.list_tools()).model_dump(mode="json"),
        "prompts": (await client.list_prompts()).model_dump(mode="json"),
        "resources": (await client.list_resources()).model_dump(mode="json"),
        "templates": (await client.list_resource_templates()).model_dump(mode="json"),
        "instructions": client.instructions,
    }


@pytest.mark.anyio
async def test_nothing_that_is_not_seen_comes_back_from_what_a_caller_wrote(tmp_path: Path) -> None:
    labels = [
        {"name": "refund", "description": f"money{UNSEEN} back", "examples": [f"my{UNSEEN} money"]},
        {"name": "delivery", "description": UNSEEN},
    ]
    topics = [
        {"label": name, "topics": [{"name": f"late{UNSEEN}", "subtopics": [f"very{UNSEEN} late"]}]}
        for name in ("refund", "delivery")
    ]
    async with connected(make_settings(tmp_path)) as client:
        answers = [
            await said(
                client, "propose_topics", task="support", instruction=f"Classify{UNSEEN} a message.", labels=labels,
                topics=topics, source_types=[f"e{UNSEEN}mail"],
            ),
            await said(client, "synthesize_examples", task="support", wait_seconds=50),
            await said(
                client, "submit_examples", assignment="support-a1",
                texts={"b1": [f"I want {UNSEEN} my money back"]},
            ),
            await said(client, "get_job", job_id=UNSEEN),
            await said(client, "classify", model="support-m1", **{UNSEEN: 1}),
            await said(
                client, "import_examples", task="support", split="train", wait_seconds=50,
                rows=[{"text": f"where{UNSEEN} is it", "label": f"de{UNSEEN}livery"}],
            ),
        ]  # fmt: skip
        read = [
            (await client.read_resource(uri)).contents[0].text  # type: ignore[union-attr]  # JSON
            for uri in ("classwright://support", "classwright://support/topics/support-t1")
        ]

    assert "error" not in answers[0]
    for field, text in strings(answers):
        assert is_seen(text), (field, text)
    for text in read:
        assert is_seen(text)
        assert "Classify" in text or "very" in text


@pytest.mark.anyio
async def test_a_label_with_characters_that_nobody_sees_is_refused(tmp_path: Path) -> None:
    labels = [{"name": "re\u200bfund"}, {"name": "delivery"}]
    async with connected(make_settings(tmp_path)) as client:
        text = await call_failing(client, "propose_topics", task="x", instruction="Tell two apart.", labels=labels)

    assert "'refund' holds invisible characters" in text


@given(
    st.recursive(any_text | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(any_text, inner))
)
def test_every_string_of_an_answer_is_seen(value: Any) -> None:
    assert all(is_seen(text) for _, text in strings(plain_values(value)))


@given(st.dictionaries(any_text, any_text | st.lists(any_text)))
def test_a_document_with_escapes_means_the_same_and_hides_nothing(document: dict[str, Any]) -> None:
    for indent in (None, 1):
        text = escaped_json(json.dumps(document, ensure_ascii=False, indent=indent))
        assert json.loads(text) == document
        assert is_seen(text.replace("\u200c", "").replace("\u200d", ""))


@given(any_text)
def test_a_plain_text_stays_as_it_is(text: str) -> None:
    assert plain_text(plain_text(text)) == plain_text(text)


def test_an_error_is_of_bounded_length() -> None:
    assert len(sanitized("x" * 10**6)) == MAX_ERROR_CHARS


def test_a_text_cannot_forge_a_line_of_the_log_or_move_the_terminal() -> None:
    record = logging.LogRecord("a", logging.ERROR, "f", 1, "about %s", (f"x{UNSEEN}\n2026-01-01 ERROR forged",), None)

    line = PlainFormatter("%(levelname)s %(message)s").format(record)

    assert line == "ERROR about x \\n2026-01-01 ERROR forged"
