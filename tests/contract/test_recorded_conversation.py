"""The recorded conversation of the guide, replayed: every call is made, and every answer begins as it says there."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_types import ImageContent

from support.paths import ROOT
from support.server import LONG, call, connected, make_settings

pytestmark = pytest.mark.anyio

GUIDE = ROOT / "docs/guides/data_conversation.md"
BEGINNING = "\n## How it began\n"
UPDATE = "CLASSWRIGHT_UPDATE_SNAPSHOTS"
_CALL = re.compile(
    r"```json (?P<tool>\w+)\n(?P<arguments>\{[^\n]*\})\n```\n(?:\n```text\n(?P<answer>.*?)\n?```\n)?", re.DOTALL
)


async def test_the_conversation_goes_as_it_is_recorded(tmp_path: Path) -> None:
    """Run with CLASSWRIGHT_UPDATE_SNAPSHOTS=1 to record it anew."""
    told, _, beginning = GUIDE.read_text(encoding="utf-8").partition(BEGINNING)
    answers: list[tuple[str, str]] = []
    async with connected(make_settings(tmp_path)) as client:
        for made in (*_calls(beginning), *_calls(told)):
            arguments = json.loads(made["arguments"])
            view = (
                await call(client, made["tool"], arguments, wait_seconds=LONG)
                if made["tool"] != "propose_topics"
                else await call(client, "propose_topics", arguments)
            )
            if made["answer"] is not None:
                pictures = await _pictures(client, view) if arguments.get("picture") else []
                answers.append((made["answer"], "\n".join([_told(view), *pictures])))
    if os.environ.get(UPDATE):
        GUIDE.write_text(_recorded(told, [answer for _, answer in answers]) + BEGINNING + beginning, encoding="utf-8")
        return
    assert [recorded for recorded, _ in answers] == [answer for _, answer in answers]


def _told(view: dict[str, Any]) -> str:
    """Return the beginning of an answer: its summary, or the rows that were looked for."""
    found = view.get("result") or view
    if "changes" not in found:
        return str(view["summary"])
    counts = ", ".join(f"{label} {rows}" for label, rows in found["labels"].items())
    changes = [f"{change}: {rows}" for change, rows in found["changes"].items() if rows]
    return "\n".join([*(changes or [counts]), *(f"{row.get('label', '-')}: {row['text']}" for row in found["rows"])])


async def _pictures(client: Client, view: dict[str, Any]) -> list[str]:
    """Return what is told of the pictures of the job that a call made, which get_job shows again."""
    again = await client.call_tool("get_job", {"job_id": view["job_id"]})
    return [f"[a picture: {part.mime_type}]" for part in again.content if isinstance(part, ImageContent)]


def _calls(text: str) -> list[re.Match[str]]:
    return list(_CALL.finditer(text))


def _recorded(text: str, answers: list[str]) -> str:
    """Return the text with `answers` in the place of those that it has."""
    left = iter(answers)

    def answered(made: re.Match[str]) -> str:
        return f"```json {made['tool']}\n{made['arguments']}\n```\n\n```text\n{next(left)}\n```\n"

    return _CALL.sub(answered, text)
