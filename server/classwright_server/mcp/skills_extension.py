"""MCP's skills extension (SEP-2640): the server's skill, whose files are resources, listed with their digests.

A skill tells a model how the tools are used together, as the server's instructions do in fewer words.
Source: https://modelcontextprotocol.io/seps/2640-skills-extension for clients of revision 2026-07-28; all can read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mcp.server.context import HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding, ResourceBinding
from mcp.server.mcpserver.resources import TextResource
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, PaginatedRequestParams, RequestParams
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import Field

SKILLS = "io.modelcontextprotocol/skills"
MANUAL = "SKILL.md"
FOLDER = Path(__file__).parents[1] / "skill" / "grow-a-classifier"
SKILL_URI = f"skill://{FOLDER.name}/{MANUAL}"
TTL_MS = 3_600_000
"""How long a client may go by what it was told; the skill changes with the program alone."""

RequestContext = ServerRequestContext[Any, Any]


class SkillParams(RequestParams):
    """The skill that is asked for."""

    uri: str = Field(max_length=300)


class SkillsExtension(Extension):
    """Serves the skill, `skills/list` and `skills/get`."""

    identifier = SKILLS

    def __init__(self) -> None:
        self._content = (FOLDER / MANUAL).read_text(encoding="utf-8")

    def resources(self) -> Sequence[ResourceBinding]:
        """Return the files of the skill."""
        about = _frontmatter(self._content)
        manual = TextResource(
            uri=SKILL_URI,
            name=about["name"],
            description=about["description"],
            mime_type="text/markdown",
            text=self._content,
        )
        return [ResourceBinding(manual)]

    def methods(self) -> Sequence[MethodBinding]:
        """Return the extension's methods; for a client of another revision they do not exist."""
        versions = frozenset(MODERN_PROTOCOL_VERSIONS)
        return [
            MethodBinding("skills/list", PaginatedRequestParams, self._list, versions),
            MethodBinding("skills/get", SkillParams, self._get, versions),
        ]

    async def _list(self, _ctx: RequestContext, params: PaginatedRequestParams) -> HandlerResult:
        if params.cursor is not None:
            raise MCPError(INVALID_PARAMS, "skills/list: there is one page. Leave the cursor out.")
        return _cacheable({"skills": [self._entry()]})

    async def _get(self, _ctx: RequestContext, params: SkillParams) -> HandlerResult:
        if params.uri != SKILL_URI:
            raise MCPError(INVALID_PARAMS, f"skills/get: there is no such skill. The one there is: {SKILL_URI}.")
        return _cacheable({"skill": self._entry()})

    def _entry(self) -> dict[str, Any]:
        raw = self._content.encode()
        file = {"uri": SKILL_URI, "digest": f"sha256:{hashlib.sha256(raw).hexdigest()}", "size": len(raw)}
        return {"uri": SKILL_URI, "frontmatter": _frontmatter(self._content), "resources": [file]}


def _cacheable(found: dict[str, Any]) -> dict[str, Any]:
    return {"resultType": "complete", **found, "ttlMs": TTL_MS, "cacheScope": "public"}


def _frontmatter(content: str) -> dict[str, str]:
    """Return the fields at the head of a skill, one a line: YAML would be loaded at every start for these alone."""
    head = content.split("---\n", 2)[1]
    return {name: value.strip() for name, _, value in (line.partition(":") for line in head.splitlines())}
