"""What a client sees of the server before it calls anything: names, schemas, hints, words and their cost."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

from classwright_server import __version__
from classwright_server.mcp.instructions import INSTRUCTIONS
from classwright_tools.catalogue import catalogue
from support.server import ERAS, connected, make_settings

pytestmark = pytest.mark.anyio

SNAPSHOTS = Path(__file__).parent / "snapshots"
UPDATE = "CLASSWRIGHT_UPDATE_SNAPSHOTS"
TOKEN_BUDGET = 11_500
CHARS_A_TOKEN = 4
FOR_MODELS = {name for name, tool in catalogue().items() if not tool.for_page}
JOB_TOOLS = {"get_job", "cancel_job", "list_jobs"}
QUICK = {"submit_examples", "propose_topics"}


@pytest.fixture(params=ERAS)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def listed(client: Client) -> dict[str, dict[str, Any]]:
    tools = (await client.list_tools()).tools
    return {tool.name: tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools}


async def test_the_server_has_exactly_our_tools_in_both_eras(tmp_path: Path, mode: str) -> None:
    async with connected(make_settings(tmp_path), mode) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]

        assert client.protocol_version == ERAS[mode]
        assert len(names) == len(set(names))
        assert set(names) == FOR_MODELS | JOB_TOOLS


async def test_the_tools_are_as_their_snapshots_say(tmp_path: Path, mode: str) -> None:
    """Run with CLASSWRIGHT_UPDATE_SNAPSHOTS=1 to accept a change that was meant."""
    async with connected(make_settings(tmp_path), mode) as client:
        tools = await listed(client)

    for name, tool in tools.items():
        path = SNAPSHOTS / f"{name}.json"
        if os.environ.get(UPDATE):
            path.write_text(json.dumps(tool, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        assert json.loads(path.read_text(encoding="utf-8")) == tool, f"{name} changed: {UPDATE}=1 accepts it"
    assert {path.stem for path in SNAPSHOTS.glob("*.json")} == set(tools)


async def test_every_tool_has_a_title_and_all_four_hints(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path)) as client:
        for name, tool in (await listed(client)).items():
            hints = tool["annotations"]
            assert tool["title"], name
            assert {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"} <= set(hints), name
            assert not (hints["readOnlyHint"] and hints["destructiveHint"]), name


async def test_only_cancelling_is_destructive_and_only_reading_reads(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path)) as client:
        tools = await listed(client)

    assert {name for name, tool in tools.items() if tool["annotations"]["destructiveHint"]} == {"cancel_job"}
    assert {name for name, tool in tools.items() if tool["annotations"]["readOnlyHint"]} == {
        "find_examples",
        "get_job",
        "list_jobs",
    }


def test_a_tool_that_stores_something_does_not_only_read() -> None:
    assert not [name for name, tool in catalogue().items() if tool.makes and tool.text.reads_only]


async def test_descriptions_and_instructions_fit_where_hosts_cut_them(tmp_path: Path, mode: str) -> None:
    async with connected(make_settings(tmp_path), mode) as client:
        assert client.instructions == INSTRUCTIONS
        assert len(INSTRUCTIONS.encode()) < 2_000
        for name, tool in (await listed(client)).items():
            assert 50 < len(tool["description"].encode()) < 2_000, name


async def test_every_argument_is_described_and_bounded_and_others_are_refused(tmp_path: Path) -> None:
    """Those of the objects inside an argument too: a model fills what it is told of, up to where it is told to stop."""
    async with connected(make_settings(tmp_path)) as client:
        for name, tool in (await listed(client)).items():
            schema = tool["inputSchema"]
            assert schema["type"] == "object", name
            for place, properties, others in objects_in(name, schema):
                assert others is False, place
                for argument, described in properties.items():
                    assert described.get("description"), f"{place}.{argument}"
                    assert is_bounded(described), f"{place}.{argument}"


def objects_in(name: str, schema: dict[str, Any]) -> list[tuple[str, dict[str, Any], Any]]:
    """A schema's own properties and those of its definitions, each with whether it takes others."""
    parts = {name: schema} | {f"{name}#{part}": inner for part, inner in schema.get("$defs", {}).items()}
    return [
        (place, part["properties"], part.get("additionalProperties"))
        for place, part in parts.items()
        if "properties" in part
    ]


def is_bounded(schema: dict[str, Any]) -> bool:
    """Whether only so much can be said: how long a text or list is, how large a number."""
    if "anyOf" in schema:
        return all(is_bounded(choice) for choice in schema["anyOf"])
    if {"enum", "const", "$ref"} & set(schema):
        return True
    match schema["type"]:
        case "string":
            return bool({"maxLength", "pattern"} & set(schema))
        case "integer" | "number":
            return bool({"minimum", "exclusiveMinimum"} & set(schema)) and "maximum" in schema
        case "array":
            return "maxItems" in schema and is_bounded(schema["items"])
        case "object":
            return "maxProperties" in schema and is_bounded(schema["additionalProperties"])
    return True


async def test_long_tools_wait_twenty_seconds_and_never_more_than_fifty(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path)) as client:
        tools = await listed(client)

    for name in (FOR_MODELS - QUICK) | {"get_job"}:
        wait = tools[name]["inputSchema"]["properties"]["wait_seconds"]
        assert (wait["default"], wait["minimum"], wait["maximum"]) == (20, 0, 50), name
    assert all("wait_seconds" not in tools[name]["inputSchema"]["properties"] for name in QUICK)


async def test_summary_and_next_step_are_in_every_structured_result(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path)) as client:
        for name, tool in (await listed(client)).items():
            assert {"summary", "next_step"} <= set(tool["outputSchema"]["properties"]), name


async def test_proposing_topics_is_a_job_where_the_server_writes(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path, writer_url="http://127.0.0.1:9/v1")) as client:
        tools = await listed(client)

    assert "job_id" in tools["propose_topics"]["outputSchema"]["properties"]
    assert "wait_seconds" in tools["propose_topics"]["inputSchema"]["properties"]


async def test_the_tool_list_keeps_its_token_budget(tmp_path: Path, mode: str) -> None:
    async with connected(make_settings(tmp_path), mode) as client:
        size = len((await client.list_tools()).model_dump_json(by_alias=True, exclude_none=True))

    assert size / CHARS_A_TOKEN < TOKEN_BUDGET


async def test_the_server_tells_its_name_and_version(tmp_path: Path, mode: str) -> None:
    async with connected(make_settings(tmp_path), mode) as client:
        assert client.server_info is not None
        assert (client.server_info.name, client.server_info.version) == ("classwright", __version__)


async def test_three_prompts_describe_themselves_and_their_arguments(tmp_path: Path, mode: str) -> None:
    async with connected(make_settings(tmp_path), mode) as client:
        prompts = {prompt.name: prompt for prompt in (await client.list_prompts()).prompts}
        rendered = await client.get_prompt("build_classifier", {"about": "mails about refunds", "goal": "F1 of 0.9"})

    assert set(prompts) == {"build_classifier", "improve_weak_classes", "grow_dataset_by_chatting"}
    for prompt in prompts.values():
        assert prompt.title
        assert prompt.description
        assert prompt.arguments
        assert all(argument.description for argument in prompt.arguments)
    text = rendered.messages[0].content.text  # type: ignore[union-attr]  # one text
    assert "mails about refunds" in text
    assert "F1 of 0.9" in text


@pytest.mark.parametrize(("name", "arguments"), [("no_such_prompt", {}), ("build_classifier", {})])
async def test_a_prompt_that_is_asked_for_wrongly_is_told_so_and_no_defect(
    name: str, arguments: dict[str, str], mode: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(make_settings(tmp_path), mode) as client:
        with pytest.raises(MCPError, match="prompts/list") as told:
            await client.get_prompt(name, arguments)

    assert told.value.error.code == INVALID_PARAMS
    assert not caplog.records


async def test_prompts_name_only_tools_and_arguments_that_exist(tmp_path: Path) -> None:
    arguments = {
        "build_classifier": {"about": "x", "real_rows": "rows.csv"},
        "improve_weak_classes": {"task": "x"},
        "grow_dataset_by_chatting": {"about": "x"},
    }
    async with connected(make_settings(tmp_path)) as client:
        tools = await listed(client)
        names = set(tools)
        known = {argument for tool in tools.values() for argument in tool["inputSchema"]["properties"]}
        for prompt, given in arguments.items():
            text = (await client.get_prompt(prompt, given)).messages[0].content.text  # type: ignore[union-attr]  # one text
            called = {word for word in re.findall(r"\w+", text) if "_" in word}
            assert called <= names | known, prompt
            if prompt != "grow_dataset_by_chatting":
                assert "several of the labels" in text or "several labels" in text
                assert "two texts" in text or "pairs of texts" in text
            assert ("'rows.csv' in one call, divided: split={'train': 2" in text) == ("real_rows" in given)
            assert set(re.findall(r"\b(\w+)='", text)) <= known, prompt


async def test_resource_templates_have_titles_and_descriptions(tmp_path: Path, mode: str) -> None:
    async with connected(make_settings(tmp_path), mode) as client:
        templates = (await client.list_resource_templates()).resource_templates

    assert {"classwright://{task}", "classwright://{task}/artifacts/{artifact}/files/{name}/{part}"} <= {
        template.uri_template for template in templates
    }
    assert all(template.title and template.description and template.mime_type for template in templates)
