"""What no argument can carry: addresses to call, keys, regular expressions, schemas, code; and what no list holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.server import connected, make_settings

pytestmark = pytest.mark.anyio

# Words in an argument's name that would say that it takes an address, a key, or something to run.
ADDRESSES = {"url", "uri", "base", "endpoint", "host", "port", "proxy", "server", "address", "callback", "webhook"}
SECRETS = {
    "key",
    "token",
    "secret",
    "password",
    "credential",
    "credentials",
    "auth",
    "authorization",
    "header",
    "headers",
}
PROGRAMS = {"regex", "regexp", "pattern", "expression", "schema", "format", "template", "code", "script", "command",
            "sql", "query", "filter", "glob", "jinja", "lambda", "function", "module"}  # fmt: skip
# The only arguments that name a place: each is looked up in what the operator opened. See docs/guides/security.md.
PLACES = {"path", "hub", "encoder"}


def properties(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every named value that a schema takes, at any depth."""
    for part in (schema, *schema.get("$defs", {}).values()):
        yield from part.get("properties", {}).items()


async def arguments(tmp_path: Path) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """The arguments of every tool, and of the prompts."""
    async with connected(make_settings(tmp_path)) as client:
        tools = (await client.list_tools()).tools
        prompts = (await client.list_prompts()).prompts
    found = {tool.name: list(properties(tool.input_schema)) for tool in tools}
    return found | {prompt.name: [(one.name, {}) for one in prompt.arguments or ()] for prompt in prompts}


@pytest.mark.parametrize("forbidden", [ADDRESSES, SECRETS, PROGRAMS], ids=["an address", "a key", "a program"])
async def test_no_argument_takes_it(tmp_path: Path, forbidden: set[str]) -> None:
    for owner, named in (await arguments(tmp_path)).items():
        for name, schema in named:
            assert not set(re.split(r"[_\W]", name.lower())) & forbidden, f"{owner}.{name}"
            assert not {"uri", "url", "hostname", "regex"} & {schema.get("format", "")}, f"{owner}.{name}"


async def test_only_three_arguments_name_a_place_and_none_of_them_by_a_url(tmp_path: Path) -> None:
    from pydantic import ValidationError

    from classwright_tools.import_examples import ImportExamplesRequest

    places = {
        name
        for named in (await arguments(tmp_path)).values()
        for name, schema in named
        if re.search(r"\b(?:file|folder|hub|cache|Hugging Face)\b", schema.get("description", ""))
        and "string" in str(schema)
    }

    assert places == PLACES
    with pytest.raises(ValidationError):
        ImportExamplesRequest(task="t", split="train", hub="https://host/owner/name")


async def test_no_argument_takes_a_structure_of_the_callers_own_making(tmp_path: Path) -> None:
    """Such as a JSON schema with references, or settings of a library: they hold strings, numbers or our nouns."""
    for owner, named in (await arguments(tmp_path)).items():
        for name, schema in named:
            for part in (schema, *schema.get("anyOf", ()), schema.get("items", {})):
                if part.get("type") == "object":
                    held = part["additionalProperties"].get("items", part["additionalProperties"])
                    assert "$ref" in held or held["type"] in ("string", "number", "integer"), f"{owner}.{name}"


async def test_what_a_stranger_named_is_in_no_list(tmp_path: Path) -> None:
    """Tasks, labels and artifacts are read as resources; no list that a client loads by itself names them."""
    canary = "zebra_canary"
    labels = [{"name": f"{canary} a", "description": canary}, {"name": f"{canary} b"}]
    async with connected(make_settings(tmp_path)) as client:
        made = await client.call_tool("propose_topics", {"task": canary, "instruction": canary, "labels": labels})
        assert not made.is_error  # type: ignore[union-attr]  # a result
        lists = [
            client.instructions,
            (await client.list_tools()).model_dump_json(),
            (await client.list_prompts()).model_dump_json(),
            (await client.list_resources()).model_dump_json(),
            (await client.list_resource_templates()).model_dump_json(),
        ]

    assert not any(canary in str(told) for told in lists)
