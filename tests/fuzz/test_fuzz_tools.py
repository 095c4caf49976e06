"""Every tool, called with arguments of every kind: it answers, in its own words, and lives on."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR

from support.fuzz.arguments import calls
from support.fuzz.limits import CALLS, IS_LONG, MAX_TESTED_GROWTH_BYTES, leak_in, report, resident_bytes
from support.server import TASK, call, connected, make_settings, rows, topics

WARM_UP = CALLS // 4
JOBS_SECONDS = 300 if IS_LONG else 10
"""How long the jobs that the calls began may go on."""
MAX_ANSWER_BYTES = 64 * 2**10
"""An answer's structure has under 10 kB; it is sent as a structure and as text, with links."""


@contextmanager
def prepared(folder: Path) -> Iterator[tuple[Any, Client]]:
    """A portal to a client, and a workspace with a task, a topic tree, a dataset and an assignment."""
    imports = folder / "imports"
    imports.mkdir()
    (imports / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows(8)))
    made = make_settings(folder / "workspace")
    own = made.tool_settings.model_copy(update={"import_folders": (imports,)})
    server = made.model_copy(update={"tool_settings": own})
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(connected(server)) as client,
    ):
        portal.call(call, client, "propose_topics", {**TASK, **topics(2)})
        given_rows = {"task": "support", "split": "train", "rows": rows(8, 100), "wait_seconds": 50}
        portal.call(call, client, "import_examples", given_rows)
        portal.call(call, client, "synthesize_examples", {"task": "support", "wait_seconds": 50})
        yield portal, client


@pytest.mark.timeout(3600)
def test_every_tool_answers_whatever_it_is_called_with(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with prepared(tmp_path) as (portal, client), caplog.at_level(logging.ERROR):
        listed = portal.call(client.list_tools).tools
        asked = st.one_of(*(st.tuples(st.just(tool.name), calls(*_parts_of(tool.input_schema))) for tool in listed))
        memory: list[int] = []
        made = good = 0

        @settings(
            max_examples=CALLS,
            deadline=None,
            database=None,
            derandomize=not IS_LONG,
            phases=(Phase.generate, Phase.shrink) if IS_LONG else (Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        @given(asked)
        def every_call(wanted: tuple[str, dict[str, Any]]) -> None:
            nonlocal made, good
            made += 1
            caplog.clear()
            told = portal.call(_said, client, *wanted)
            good += '"is_error": false' in told
            assert leak_in(told, tmp_path) is None, told[:2000]
            assert len(told.encode()) < MAX_ANSWER_BYTES, len(told)
            assert "incident" not in caplog.text, caplog.text[:4000]
            if made == WARM_UP:
                memory.append(resident_bytes())

        every_call()

        assert portal.call(client.list_tools).tools == listed
        after = resident_bytes()
        portal.call(_look_at_jobs, client, tmp_path)
        report(f"{made} calls of {len(listed)} tools, {good} of them done; memory of the process", memory[0], after)
        assert good > made / 20, "nearly all calls are refused: the arguments try little"
        assert after - memory[0] < MAX_TESTED_GROWTH_BYTES


async def _look_at_jobs(client: Client, folder: Path) -> None:
    """Look at how the jobs ended that the calls began, and stop those that have not."""
    cursor, deadline = None, anyio.current_time() + JOBS_SECONDS
    while True:
        listed = await call(client, "list_jobs", {"limit": 50, **({"cursor": cursor} if cursor else {})})
        for job in listed["jobs"]:
            left = max(0, min(50, int(deadline - anyio.current_time())))
            told = await _said(client, "get_job", {"job_id": job["job_id"], "wait_seconds": left})
            assert leak_in(told, folder) is None, told[:4000]
            if '"queued"' in told or '"running"' in told:
                await _said(client, "cancel_job", {"job_id": job["job_id"]})
        cursor = listed["next_cursor"]
        if cursor is None:
            return


def _parts_of(schema: dict[str, Any]) -> tuple[dict[str, Any], list[str], dict[str, Any]]:
    return schema["properties"], schema.get("required", []), schema.get("$defs", {})


async def _said(client: Client, tool: str, arguments: dict[str, Any]) -> str:
    """Everything that a call answers, as one text; a refusal by the protocol is an answer, a failure inside is none."""
    try:
        result = await client.call_tool(tool, arguments)
    except MCPError as error:
        return f"{error} {'(incident of the protocol)' if error.error.code == INTERNAL_ERROR else ''}"
    return json.dumps(result.model_dump(mode="json"), ensure_ascii=False)
