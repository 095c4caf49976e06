"""The page tools.md: every tool, from its specification and models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mcp.server.mcpserver.tools import Tool
from schema_tables import table

from classwright_server.backend import Backend
from classwright_server.config.settings import ServerSettings, ToolSettings
from classwright_server.mcp.apps import FOR_PAGE
from classwright_server.mcp.schemas import output_schema
from classwright_server.mcp.tools import served_tools
from classwright_tools.catalogue import catalogue
from classwright_tools.domain.kinds import KINDS
from classwright_tools.domain.noun import ToolResult
from classwright_tools.tool import ToolSpec

_OPENING = """\
# The tools

Written by `make docs` from the tools themselves; do not edit it. Arguments in bold are needed. What every answer has
beside its own fields, and how jobs are followed, is in [what a client sees](../guides/protocol.md); how to add a tool,
in [a tool of your own](../extending/tool.md).
"""
_JOBS = {
    "always": "a job",
    "never": "answered at once",
    "to write": "a job where the server writes",
    "if large": "answered at once, a job where it is much",
}


def page() -> str:
    """Return the page: the tools of a server without a language model, in the order of its list.

    What only the review page calls is left out: it is there for nobody else, and changes with the page.
    """
    specs = catalogue()
    every = served_tools(Backend(ServerSettings(tool_settings=ToolSettings(workspace=Path("workspace")))))
    tools = [tool for tool in every if tool.meta != FOR_PAGE]
    return "\n".join([_OPENING, *(line for tool in tools for line in _section(tool, specs.get(tool.name)))])


def _section(tool: Tool, spec: ToolSpec[Any, Any] | None) -> Iterator[str]:
    facts = "; ".join(_facts(tool, spec))
    yield f"## {tool.name}\n\n{tool.description}\n\n*{facts[0].upper()}{facts[1:]}.*\n"
    yield from table("argument", tool.parameters)
    result = output_schema(spec.result.model_json_schema()) if spec else tool.output_schema
    yield from table("result", result or {}, left_out=tuple(ToolResult.model_fields))


def _facts(tool: Tool, spec: ToolSpec[Any, Any] | None) -> Iterator[str]:
    """Yield whether a call is a job, what it makes, and the hints."""
    hints = tool.annotations
    assert hints
    yield _JOBS[spec.job if spec else "never"]
    if spec and spec.makes:
        yield f"may make {' or '.join(KINDS[kind].one for kind in spec.makes)}"
    if hints.read_only_hint:
        yield "reads only"
    elif hints.idempotent_hint:
        yield "may be repeated"
    if hints.destructive_hint:
        yield "destroys"
    if hints.open_world_hint:
        yield "talks to a language model or the hub"
