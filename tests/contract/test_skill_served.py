"""The server's skill as clients are offered it (SEP-2640): listed, with true digests, and read as a resource."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from mcp import Client, MCPError
from mcp_types import INVALID_PARAMS, METHOD_NOT_FOUND, Request, Result

from classwright_server.mcp.skills_extension import SKILL_URI, SKILLS
from support.server import connected, make_settings

pytestmark = pytest.mark.anyio


async def asked(client: Client, method: str, **params: Any) -> dict[str, Any]:
    """Return the answer to a request that the SDK's client has no method for."""
    request = Request[dict[str, Any], str](method=method, params=params)
    return (await client.session.send_request(request, AnyResult)).model_dump()


class AnyResult(Result, extra="allow"):
    """What came."""


async def test_the_skill_is_listed_with_digests_of_what_is_read(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path)) as client:
        assert SKILLS in (client.server_capabilities.extensions or {})
        listed = await asked(client, "skills/list")
        got = await asked(client, "skills/get", uri=SKILL_URI)
        read = (await client.read_resource(SKILL_URI)).contents[0]
        resource = next(one for one in (await client.list_resources()).resources if str(one.uri) == SKILL_URI)

    [skill] = listed["skills"]
    raw = read.text.encode()  # type: ignore[union-attr]  # a text
    assert got["skill"] == skill
    assert skill["resources"] == [
        {"uri": SKILL_URI, "digest": f"sha256:{hashlib.sha256(raw).hexdigest()}", "size": len(raw)}
    ]
    assert (listed["resultType"], listed["cacheScope"]) == ("complete", "public")
    assert skill["frontmatter"] == yaml.safe_load(raw.decode().split("---\n")[1])
    assert skill["frontmatter"]["name"] == SKILL_URI.split("/")[-2] == resource.name
    assert (read.mime_type, resource.description) == ("text/markdown", skill["frontmatter"]["description"])


async def test_an_older_client_reads_the_skill_and_is_not_told_of_the_extension(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path), "legacy") as client:
        assert (await client.read_resource(SKILL_URI)).contents
        assert not client.server_capabilities.extensions
        with pytest.raises(MCPError) as caught:
            await asked(client, "skills/list")

    assert caught.value.code == METHOD_NOT_FOUND


async def test_what_is_no_skill_is_refused_with_the_one_there_is(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path)) as client:
        for method, params in (("skills/get", {"uri": "skill://other/SKILL.md"}), ("skills/list", {"cursor": "2"})):
            with pytest.raises(MCPError) as caught:
                await asked(client, method, **params)
            assert caught.value.code == INVALID_PARAMS


async def test_the_skill_names_tools_that_are_there(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path)) as client:
        words = set(re.findall(r"`([a-z]+_[a-z]+)`", (await client.read_resource(SKILL_URI)).contents[0].text))  # type: ignore[union-attr]
        tools = {tool.name for tool in (await client.list_tools()).tools}

    assert words - tools <= {"job_id", "dry_run"}
    assert {"propose_topics", "synthesize_examples", "train_classifier", "error_analysis"} <= words
