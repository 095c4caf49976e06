"""A tool as it is served: what a caller may send with every call."""

from __future__ import annotations

from typing import Any

import pytest
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel

from classwright_server.mcp.arguments import arguments_of, waiting_arguments_of
from classwright_server.mcp.served_tool import served_tool
from classwright_tools.domain.noun import ToolRequest
from classwright_tools.tool import ToolText


class Greeting(ToolRequest):
    """Whom to greet."""

    name: str


class Greeted(BaseModel):
    """What was sent."""

    sent: dict[str, Any]


async def greeted(arguments: BaseModel, _context: Any) -> Greeted:
    return Greeted(sent=arguments.model_dump())


TEXT = ToolText(title="Greet", description="Greet.")
QUICK = served_tool("greet", TEXT, arguments_of("greet", Greeting), Greeted, greeted)
LONG = served_tool("greet", TEXT, waiting_arguments_of("greet", Greeting, dry_run=False), Greeted, greeted)


@pytest.mark.anyio
async def test_a_tool_that_answers_in_the_call_is_not_refused_for_how_long_the_call_would_wait() -> None:
    sent = {"name": "Ann", "wait_seconds": 30}

    assert (await QUICK.run(sent, None)).sent == {"name": "Ann"}
    assert (await LONG.run(sent, None)).sent == sent
    with pytest.raises(ToolError, match="wait_second: is not known"):
        await QUICK.run({"name": "Ann", "wait_second": 30}, None)
