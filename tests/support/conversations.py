"""Recorded conversations in the documents: the calls that stand there are made, and their answers compared or renewed.

A call is a block of JSON whose info string names the tool; the block of text that follows at once is its answer. Texts
that end in "..." are those with which a recorded model begins: it writes on until the assignment is complete.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mcp import Client
from mcp_types import ImageContent

from classwright_tools.domain.label_sets import named_together
from support.paths import BANKING12
from support.server import LONG, call

GOES_ON = "..."
_CALL = re.compile(
    r"```json (?P<tool>\w+)\n(?P<arguments>\{.*?\})\n```\n(?:\n```text\n(?P<answer>.*?)\n?```\n)?", re.DOTALL
)
_FIGURE = re.compile(r"\d+\.\d+|\d{4}-\d\d-\d\d(?: \d\d:\d\d UTC)?")
"""What may differ a little on another machine, or on another day."""
_WITHOUT_JOB = ("propose_topics", "submit_examples")


@dataclass(frozen=True)
class Made:
    """A call of a page that was made: the answer that stands there, or None, and the one that came."""

    recorded: str | None
    answer: str


async def replayed(client: Client, text: str) -> list[Made]:
    """Make the calls of `text` in their order."""
    done = []
    for found in _CALL.finditer(text):
        arguments = json.loads(found["arguments"])
        if found["tool"] == "submit_examples" and any(texts[-1] == GOES_ON for texts in arguments["texts"].values()):
            view = await _written(client, arguments)
        else:
            view = await _called(client, found["tool"], arguments)
        pictures = await _pictures(client, view) if arguments.get("picture") else []
        done.append(Made(found["answer"], "\n".join([_told(view), *pictures])))
    return done


def renewed(text: str, done: list[Made]) -> str:
    """Return the text with the answers that came in the place of those that it has."""
    answers = iter(done)

    def answered(found: re.Match[str]) -> str:
        answer = next(answers).answer
        shown = "" if found["answer"] is None else f"\n```text\n{answer}\n```\n"
        return f"```json {found['tool']}\n{found['arguments']}\n```\n{shown}"

    return _CALL.sub(answered, text)


def stable(answer: str) -> str:
    """Return an answer without its figures and dates."""
    return _FIGURE.sub("#", answer)


async def _called(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    more = {} if tool in _WITHOUT_JOB else {"wait_seconds": LONG}
    return await call(client, tool, arguments, **more)


def _told(view: dict[str, Any]) -> str:
    """Return the beginning of an answer: its summary, or the rows, groups or events that were looked for."""
    found = view.get("result") or view
    if found.get("tasks"):
        waits = (f"open: {one}" for line in found["tasks"] for one in line["open"])
        return "\n".join([view["summary"], *waits, *map(_happened, found["history"])])
    if found.get("groups"):
        return "\n".join(f"{group['rows']} rows: {group['words']}" for group in found["groups"])
    if "changes" not in found:
        return str(view["summary"])
    counts = ", ".join(f"{label} {rows}" for label, rows in found["labels"].items())
    changes = [f"{change}: {rows}" for change, rows in found["changes"].items() if rows]
    return "\n".join([*(changes or [counts]), *(f"{_labels(row)}: {row['text']}" for row in found["rows"])])


def _happened(event: dict[str, Any]) -> str:
    by = f", by {event['by']}" if event.get("by") else ""
    return f"{event['when']} {event['id']}: {event['what']}{by}{': ' + event['why'] if event.get('why') else ''}"


def _labels(row: dict[str, Any]) -> str:
    several = row.get("labels")
    return row.get("label") or "-" if several is None else named_together(several)


async def _pictures(client: Client, view: dict[str, Any]) -> list[str]:
    """Return what is told of the pictures of the job that a call made, which get_job shows again."""
    again = await client.call_tool("get_job", {"job_id": view["job_id"]})
    return [f"[a picture: {part.mime_type}]" for part in again.content if isinstance(part, ImageContent)]


async def _written(client: Client, first: dict[str, Any]) -> dict[str, Any]:
    """Submit what the recording has for every batch of an assignment, and return the last answer."""
    task = first["assignment"].rsplit("-", 1)[0]
    found = await client.read_resource(f"classwright://{task}/assignments/{first['assignment']}")
    view: dict[str, Any] = {}
    model = _RecordedModel()
    for batch in json.loads(found.contents[0].text)["batches"]:  # type: ignore[union-attr]  # a text
        name = batch["batch"]
        texts = [text for cell in batch["cells"] for text in model.texts(batch["label"], cell)]
        shown = first["texts"].get(name, [GOES_ON])[:-1]
        assert texts[: len(shown)] == shown
        view = await call(client, "submit_examples", {"assignment": first["assignment"], "texts": {name: texts}})
        assert not view["refused"]
    assert view["have"] == view["want"]
    return view


class _RecordedModel:
    """Writes what the demo's language model once wrote for a cell."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, ...], Iterator[str]] = {}
        for path in sorted((BANKING12 / "completions").glob("*.jsonl")):
            for said in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
                if said["kind"] == "examples":
                    self._texts[(said["label"], *_names(said))] = iter(said["items"])

    def texts(self, label: str, cell: dict[str, Any]) -> list[str]:
        """Return as many texts for a cell of a batch as it wants."""
        return [next(self._texts[(label, *_names(cell))]) for _ in range(cell["count"])]


def _names(cell: dict[str, Any]) -> tuple[str, ...]:
    return cell["topic"], cell["subtopic"], cell["source_type"]
