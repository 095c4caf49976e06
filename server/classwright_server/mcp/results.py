"""Answers that fit: structured results under 10 kB, with the URIs of what they name and of what they leave out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from mcp_types import CallToolResult, ContentBlock, ImageContent, ResourceLink, TextContent

from classwright_server.mcp.mime_types import BYTES, JSON, PNG, mime_type
from classwright_server.sanitize import plain_values
from classwright_tools.domain.excerpt import ANSWER_BYTES, shortened
from classwright_tools.domain.threshold import THRESHOLD_PLACES
from classwright_tools.domain.uris import job_uri

MAX_STRING = 400
SHOWN_DIGITS = 4
"""Of a fraction; nobody decides by the fifth."""
_THRESHOLDS = ("threshold", "thresholds")
"""Fields that are told as they are, for they are passed as they were told."""
MAX_FIELDS = 12
"""A mapping to numbers with more entries than this is a table, such as counts by label."""


def answer(structured: dict[str, Any]) -> CallToolResult:
    """Return the tool result that holds `structured`, shortened if need be, as structure, as text and as links.

    The picture of a job's result stands beside these, as one.
    """
    bare, picture = without_picture(structured)
    fitted = fit(_as_shown(bare))
    content: list[ContentBlock] = [TextContent(text=_json(fitted))]
    content.extend(links_in(fitted))
    if picture:
        content.append(ImageContent(data=picture, mime_type=PNG))
    return CallToolResult(content=content, structured_content=fitted)


def without_picture(structured: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Return an answer without the picture of its job's result, and the picture as base64; None if there is none."""
    result = structured.get("result") or {}
    if "picture" not in result:
        return structured, None
    bare = {name: value for name, value in result.items() if name != "picture"}
    return structured | {"result": bare}, result["picture"]


def fits(structured: dict[str, Any]) -> bool:
    """Whether an answer is short enough as it is."""
    return _size(_as_shown(structured)) <= ANSWER_BYTES


def _as_shown(structured: dict[str, Any]) -> dict[str, Any]:
    """Return an answer with every string plain, and every number but thresholds in `SHOWN_DIGITS`."""
    shown: dict[str, Any] = _rounded(plain_values(structured))
    return shown


def _rounded(value: Any) -> Any:
    if isinstance(value, float):  # a small one keeps its first digits, for a p-value is not 0
        return float(f"{value:.{SHOWN_DIGITS}g}") if abs(value) < 1 else round(value, SHOWN_DIGITS)
    if isinstance(value, dict):
        return {name: _told(item) if name in _THRESHOLDS else _rounded(item) for name, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value


def _told(value: Any) -> Any:
    """Return thresholds with as many digits as any is told with: only those of models from before have more."""
    if isinstance(value, dict):
        return {label: _told(one) for label, one in value.items()}
    return round(value, THRESHOLD_PLACES) if isinstance(value, float) else value


def fit(structured: dict[str, Any], max_bytes: int = ANSWER_BYTES) -> dict[str, Any]:
    """Return `structured` with its longest lists and texts shortened until it fits.

    Its `shown_in_part` tells of each place how much is shown, how much there is, and the URI of the whole. That is of a
    job its result, and of another answer what its `uris` name as the whole.
    """
    if _size(structured) <= max_bytes:
        return structured
    fitted: dict[str, Any] = json.loads(_json(structured))
    there, places = _amounts(structured), set[str]()
    while _size(fitted) > max_bytes:
        place = _shorten_longest(fitted, keep=1) or _cut_longest_text(fitted) or _shorten_longest(fitted, keep=0)
        if place is None:
            break
        places.add(place)
        left = _amounts(fitted)
        places |= {told for told in structured["shown_in_part"] if left[told] != there[told]}  # went with its list
        fitted["shown_in_part"] = structured["shown_in_part"] | {
            place: {"total": there[place], "uri": _whole(structured)}
            | structured["shown_in_part"].get(place, {})
            | {"shown": left[place]}
            for place in sorted(places)
        }
    return fitted


def links_in(structured: dict[str, Any]) -> list[ResourceLink]:
    """Return a link to everything that a result names, and to what the answer shows only in part."""
    titles = {uri: f"{name}: {uri.rpartition('/')[2]}" for name, uri in structured["uris"].items()}
    titles |= {part["uri"]: "what the answer shows only in part" for part in structured["shown_in_part"].values()}
    links = []
    for uri, title in titles.items():
        name = uri.rpartition("/")[2]
        kind = mime_type(name)
        links.append(ResourceLink(name=name, uri=uri, title=title, mime_type=JSON if kind == BYTES else kind))
    return links


def _whole(structured: dict[str, Any]) -> str:
    """Return the URI under which all of an answer is read."""
    return structured["uris"].get("whole") or job_uri(structured["job_id"])


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _size(value: Any) -> int:
    return len(_json(value).encode())


def _entries(node: Any) -> Iterable[tuple[Any, Any]]:
    return list(node.items()) if isinstance(node, dict) else list(enumerate(node))


def _place(path: str, key: str) -> str:
    """Return the name of a place; a job's result stands for itself, a list for its items."""
    return key if path in ("", "result") else f"{path.removesuffix('[]')}.{key}"


def _nodes(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """Return every list and mapping in `value` with the name of its place."""
    if not isinstance(value, dict | list):
        return []
    found = [(path, value)]
    for key, item in _entries(value):
        found.extend(_nodes(item, _place(path, key) if isinstance(value, dict) else f"{path}[]"))
    return found


def _texts(root: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return every text in `root`: the name of its place, the list or mapping that holds it, and its key there."""
    return [
        (f"{_place(path, key) if isinstance(node, dict) else path}, in characters", node, key)
        for path, node in _nodes(root)
        for key, item in _entries(node)
        if isinstance(item, str)
    ]


def _amounts(root: dict[str, Any]) -> Counter[str]:
    """Return how many entries the lists and tables of each place hold, and how many characters its texts."""
    amounts: Counter[str] = Counter()
    for path, node in _nodes(root):
        amounts[path] += len(node)
    for path, node, key in _texts(root):
        amounts[path] += len(node[key])
    return amounts


def _shorten_longest(root: dict[str, Any], keep: int) -> str | None:
    """Drop the later half of the largest list or table that has more than `keep` entries; return its place."""
    candidates = [(path, node) for path, node in _nodes(root) if _is_data(node) and len(node) > keep]
    if not candidates:
        return None
    path, node = max(candidates, key=lambda candidate: _size(candidate[1]))
    kept = len(node) // 2
    for key in [*node][kept:] if isinstance(node, dict) else range(len(node) - 1, kept - 1, -1):
        del node[key]
    return path


def _is_data(node: Any) -> bool:
    """Whether a list or mapping can be shortened: a mapping with named fields cannot, one with counts by label can."""
    if isinstance(node, list):
        return True
    return len(node) > MAX_FIELDS and all(isinstance(value, int | float) for value in node.values())


def _cut_longest_text(root: dict[str, Any]) -> str | None:
    """Cut the longest text to `MAX_STRING` characters; return its place, or None if none is longer."""
    texts = [text for text in _texts(root) if len(text[1][text[2]]) > MAX_STRING]
    if not texts:
        return None
    path, node, key = max(texts, key=lambda text: len(text[1][text[2]]))
    node[key] = shortened(node[key], MAX_STRING)
    return path
