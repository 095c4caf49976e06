"""The review page's tools over HTTP: each principal reviews what is theirs, and sees nothing of anybody's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_types import CallToolResult

from support.server import APPS, TASK, call, make_server, make_settings, rows, signed_in

pytestmark = pytest.mark.anyio

ABOUT: dict[str, dict[str, Any]] = {
    "review_open": {},
    "review_rows": {},
    "review_points": {},
    "review_figures": {},
    "review_decide": {"person": "bob"},
    "review_decide_all": {"person": "bob", "id": "decision-1", "action": "remove", "rows": 8},
}


async def test_another_principals_rows_are_as_good_as_not_there(tmp_path: Path) -> None:
    server = make_server(make_settings(tmp_path))
    given = {"task": "support", "split": "train", "rows": rows(8), "wait_seconds": 50}
    async with Client(server, extensions=APPS) as client:
        with signed_in("alice"):
            await call(client, "propose_topics", TASK)
            dataset = (await call(client, "import_examples", given))["result"]["dataset"]
            seen = await client.call_tool("review_rows", {"dataset": dataset})
            assert isinstance(seen, CallToolResult)
            assert seen.structured_content is not None
            assert seen.structured_content["total"] == 8
        with signed_in("bob"):
            for tool, arguments in ABOUT.items():
                answer = await client.call_tool(tool, {"dataset": dataset, **arguments})
                assert isinstance(answer, CallToolResult)
                assert answer.is_error, tool
                assert "parcel" not in answer.model_dump_json(), tool
            assert (await client.call_tool("review_history", {"task": "support"})).is_error  # type: ignore[union-attr]  # a result
