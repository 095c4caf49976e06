"""Every argument of every tool has a limit, and a call over it is told the place and what is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from mcp import Client

from classwright_server.backend import Backend
from classwright_server.mcp.app import build_server
from classwright_server.mcp.tools import served_tools
from support.schemas import sample
from support.server import call_failing, make_settings


class Limit(NamedTuple):
    """One limit of one place in a tool's arguments."""

    tool: str
    place: tuple[str | int, ...]
    kind: str
    most: float
    item: Any


def limits_in(
    tool: str, schema: dict[str, Any], defs: dict[str, Any], place: tuple[str | int, ...] = ()
) -> Iterator[Limit]:
    """Yield the limits in a JSON schema; a place that has none fails the test."""
    if "$ref" in schema:
        schema = defs[schema["$ref"].rpartition("/")[2]]
    for option in schema.get("anyOf", ()):
        yield from limits_in(tool, option, defs, place)
    kind = {"string": "maxLength", "array": "maxItems", "integer": "maximum", "number": "maximum"}.get(
        schema.get("type", ""), ""
    )
    if schema.get("type") == "object" and "additionalProperties" in schema and schema["additionalProperties"]:
        kind = "maxProperties"
        yield from limits_in(tool, schema["additionalProperties"], defs, (*place, "key"))
    named = "enum" in schema or "const" in schema
    bounded_by_pattern = kind == "maxLength" and "pattern" in schema and kind not in schema
    if kind and not named and not bounded_by_pattern:
        assert kind in schema, f"{tool}: {place} has no {kind}"
        inside = schema.get("items") or schema.get("additionalProperties") or {}
        yield Limit(tool, place, kind, schema[kind], sample(inside, defs))
    if "items" in schema:
        yield from limits_in(tool, schema["items"], defs, (*place, 0))
    for name, inner in schema.get("properties", {}).items():
        yield from limits_in(tool, inner, defs, (*place, name))


TOOLS = {tool.name: tool.parameters for tool in served_tools(Backend(make_settings(Path("nowhere"))))}
LIMITS = [limit for name, schema in TOOLS.items() for limit in limits_in(name, schema, schema.get("$defs", {}))]


def over(limit: Limit) -> dict[str, Any]:
    """The arguments that pass `limit` at its place, and have nothing else."""
    count = int(limit.most) + 1
    value: Any
    match limit.kind:
        case "maxLength":
            value = "x" * count
        case "maxItems":
            value = [limit.item] * count
        case "maxProperties":
            value = {str(number): limit.item for number in range(count)}
        case _:
            value = limit.most + 1
    for part in reversed(limit.place):
        value = [value, value] if isinstance(part, int) else {part: value}  # labels are two or more
    return dict(value)


def as_told(place: tuple[str | int, ...]) -> str:
    """A place as an error names it."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")


@pytest.mark.anyio
async def test_a_call_over_any_limit_is_told_where_and_what_is_allowed(tmp_path: Path) -> None:
    async with Client(build_server(Backend(make_settings(tmp_path)))) as client:
        for limit in LIMITS:
            told = await call_failing(client, limit.tool, **over(limit))
            assert as_told(limit.place) in told, limit
            assert f"{limit.most:g}" in told.replace(",", "") or str(int(limit.most)) in told, (limit, told)


def test_the_limits_are_those_that_the_guide_names() -> None:
    """The guide's table is written by hand; this is what it must say."""
    most = {f"{limit.tool}.{as_told(limit.place)}": limit.most for limit in LIMITS}

    assert most["import_examples.rows"] == 5_000
    assert most["import_examples.rows[0].text"] == 100_000
    assert most["classify.texts"] == 1_000
    assert most["classify.texts[0]"] == 100_000
    assert most["propose_topics.labels"] == 500
    assert most["synthesize_examples.rows"] == 200_000
    assert most["submit_examples.texts"] == 100
    assert (most["annotate_examples.rows"], most["annotate_examples.labels"]) == (1_000, 100)
    assert most["train_classifier.epochs"] == 50
    assert most["gan_augment.seeds"] == 10
    assert most["get_job.wait_seconds"] == 50
    assert most["list_jobs.limit"] == 50
