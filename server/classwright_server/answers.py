"""Answers that fit: structured results under 10 kB, with links to what they speak of."""

from __future__ import annotations

import json
import re
from typing import Any

from mcp_types import CallToolResult, ContentBlock, ResourceLink, TextContent

from classwright_server.told import plain_values

MAX_BYTES = 9_500
"""Of a structured result as JSON. Some hosts cut answers at 10 kB, in the middle of a word."""
MAX_STRING = 400
MAX_FIELDS = 12
"""A mapping to numbers with more entries than this is a table, such as counts by label."""

KIND_FOLDERS = {
    "d": "datasets",
    "m": "models",
    "r": "reports",
    "t": "topics",
    "p": "plans",
    "a": "assignments",
    "x": "exports",
    "g": "augmentations",
}
_ARTIFACT = re.compile(r"^(?P<task>[a-z][a-z0-9_]{0,39})-(?P<letter>[dmrtpaxg])[0-9]{1,9}$")
_LINKED_FIELDS = ("dataset", "model", "report", "topic_tree", "plan", "assignment", "export", "augmentation")


def answer(structured: dict[str, Any]) -> CallToolResult:
    """Return the tool result that holds `structured`, shortened if need be, as structure, as text and as links."""
    fitted = fit(plain_values(structured))
    content: list[ContentBlock] = [TextContent(text=_json(fitted))]
    content.extend(links_in(fitted))
    return CallToolResult(content=content, structured_content=fitted)


def fit(structured: dict[str, Any], max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Return `structured` with its longest lists shortened until it fits, and with what was left out told in it."""
    if _size(structured) <= max_bytes:
        return structured
    fitted: dict[str, Any] = json.loads(_json(structured))
    left_out: dict[str, int] = {}
    told = 400 if "summary" in fitted else 0  # room for the sentence about what was left out
    while _size(fitted) > max_bytes - told:
        if not (
            _shorten_longest(fitted, left_out, keep=1)
            or _cut_longest_string(fitted)
            or _shorten_longest(fitted, left_out, keep=0)
        ):
            break
    if left_out and "left_out" in fitted:
        fitted["left_out"] = left_out
    if left_out and "summary" in fitted:
        parts = ", ".join(f"{count} of {name}" for name, count in list(left_out.items())[:5])
        fitted["summary"] += f" Not shown here to keep the answer short: {parts}."
        if "job_id" in fitted:
            fitted["summary"] += f" All of it is in {job_uri(fitted['job_id'])}."
    return fitted


def links_in(structured: dict[str, Any]) -> list[ResourceLink]:
    """Return a link to each artifact that a result names in a field of its own, and to what a job's answer left out."""
    result = structured.get("result") or structured
    links = []
    for field in _LINKED_FIELDS:
        value = result.get(field)
        match = _ARTIFACT.match(value) if isinstance(value, str) else None
        if match:
            uri = artifact_uri(match["task"], match["letter"], match[0])
            links.append(
                ResourceLink(name=match[0], uri=uri, title=f"{field}: {match[0]}", mime_type="application/json")
            )
            if match["letter"] == "r":
                links.append(ResourceLink(name=f"{match[0]}.html", uri=f"{uri}/report.html", mime_type="text/html"))
    if structured.get("left_out"):
        title = "what the answer left out"
        uri = job_uri(structured["job_id"])
        links.append(ResourceLink(name=structured["job_id"], uri=uri, title=title, mime_type="application/json"))
    return links


def job_uri(job_id: str) -> str:
    """Return the URI of the whole result of a job."""
    return f"classwright://jobs/{job_id}/result"


def artifact_uri(task: str, letter: str, artifact: str) -> str:
    """Return the URI of an artifact, whose kind is told by the `letter` in its id."""
    return f"classwright://{task}/{KIND_FOLDERS[letter]}/{artifact}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _size(value: Any) -> int:
    return len(_json(value).encode())


def _nodes(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """Return every list and mapping in `value` with the name of its place."""
    found: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        found.append((path, value))
        for key, item in value.items():
            found.extend(_nodes(item, key if not path or path == "result" else f"{path}.{key}"))
    elif isinstance(value, list):
        found.append((path, value))
        for item in value:
            found.extend(_nodes(item, path))
    return found


def _shorten_longest(root: dict[str, Any], left_out: dict[str, int], keep: int) -> bool:
    """Drop the later half of the largest list or table that has more than `keep` entries; say whether there was one."""
    candidates = [(name, node) for name, node in _nodes(root) if _is_data(node) and len(node) > keep]
    if not candidates:
        return False
    name, node = max(candidates, key=lambda candidate: _size(candidate[1]))
    kept = len(node) // 2
    left_out[name] = left_out.get(name, 0) + len(node) - kept
    for key in [*node][kept:] if isinstance(node, dict) else range(len(node) - 1, kept - 1, -1):
        del node[key]
    return True


def _is_data(node: Any) -> bool:
    """Whether a list or mapping can be shortened: a mapping with named fields cannot, one with counts by label can."""
    if isinstance(node, list):
        return True
    return len(node) > MAX_FIELDS and all(isinstance(value, int | float) for value in node.values())


def _cut_longest_string(root: dict[str, Any]) -> bool:
    """Cut the longest string to `MAX_STRING` characters; say whether there was a longer one."""
    places: list[tuple[int, Any, Any]] = []
    for _, node in _nodes(root):
        for key, item in node.items() if isinstance(node, dict) else enumerate(node):
            if isinstance(item, str) and len(item) > MAX_STRING:
                places.append((len(item), node, key))
    if not places:
        return False
    _, node, key = max(places, key=lambda place: place[0])
    node[key] = node[key][: MAX_STRING - 1] + "…"
    return True
