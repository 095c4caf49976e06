"""What an error tells a client: never where files are, what a key is, or what an endpoint said; and what is started."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest
from mcp import Client
from mcp_types import CallToolResult

from classwright_server import opening
from support.server import (
    TASK,
    ServerProcess,
    call,
    call_failing,
    compute_processes,
    connected,
    finished,
    make_settings,
    rows,
    topics,
    until,
)
from support.writing import HANG, ScriptedEndpoint, said_status

pytestmark = pytest.mark.anyio

KEY = "key-of-the-writer"
SECRETS = {"KEY_OF_THE_TEST": KEY, "OPENAI_API_KEY": "key-of-somebody", "AWS_SECRET_ACCESS_KEY": "key-of-the-cloud"}


@contextmanager
def server_with(workspace: Path, endpoint: ScriptedEndpoint, *flags: str) -> Iterator[ServerProcess]:
    """A server in a process of its own that writes with `endpoint` and has secrets in its environment."""
    writer = ("--writer-url", endpoint.url, "--writer-model", "m", "--writer-key-env", "KEY_OF_THE_TEST")
    with ServerProcess(workspace, *writer, *flags, environment=SECRETS) as made:
        yield made


async def told(client: Client, tool: str, arguments: dict[str, Any]) -> str:
    """Call what fails, or skips what cannot be used, and return all that it says."""
    result = await client.call_tool(tool, arguments)
    assert isinstance(result, CallToolResult)
    if result.is_error:
        return str(result.content)
    assert result.structured_content is not None
    return str(await finished(client, result.structured_content["job_id"]))


async def test_no_error_tells_a_path_a_key_or_what_an_endpoint_said(tmp_path: Path) -> None:
    imports = tmp_path / "imports"
    imports.mkdir()
    (imports / "broken.parquet").write_bytes(b"PAR1 not really")
    (imports / "broken.jsonl").write_text("{")
    workspace = tmp_path / "workspace"
    base = {"task": "support", "wait_seconds": 50}
    calls = [
        ("propose_topics", {**TASK, "task": "other", "wait_seconds": 50}),
        ("synthesize_examples", {**base, "rows": 4}),
        *(
            ("import_examples", {**base, "split": "train", "path": path})
            for path in ("broken.parquet", "broken.jsonl", "nothing.csv", "/etc/passwd", "../workspace/index.sqlite")
        ),
        ("train_classifier", {**base, "encoder": "no/such-encoder"}),
        ("train_classifier", {**base, "encoder": str(workspace)}),
    ]
    with (
        ScriptedEndpoint(lambda _: said_status(401)) as endpoint,
        server_with(workspace, endpoint, "--import-folder", str(imports)) as server,
    ):
        async with Client(server.url) as client:
            await call(client, "propose_topics", {**TASK, **topics(1)}, wait_seconds=50)
            answers = [await told(client, tool, arguments) for tool, arguments in calls]
            for path in (workspace / "support" / "support-t1").iterdir():
                path.unlink()
            answers.append(await told(client, *calls[1]))
            (workspace / "index.sqlite").write_bytes(b"no database" * 1_000)
            answers.append(await told(client, *calls[1]))

    unseen = (
        str(workspace),
        str(imports),
        str(Path.home()),
        sys.prefix,
        "SECRET-BODY",
        *SECRETS.values(),
        endpoint.url,
    )
    for answer in answers:
        assert not [part for part in (*unseen, "Traceback", 'File "', "sqlite3.", "Errno") if part in answer], answer
    assert endpoint.seen
    assert all(KEY in str(seen.headers) for seen in endpoint.seen)


async def test_what_a_server_starts_is_in_a_group_of_its_own_and_knows_no_secret_of_the_server(tmp_path: Path) -> None:
    with ScriptedEndpoint(lambda _: HANG) as endpoint, server_with(tmp_path, endpoint) as server:
        async with Client(server.url) as client:
            await call(client, "propose_topics", {**TASK, "wait_seconds": 0})
            await anyio.to_thread.run_sync(endpoint.arrived.wait)
            given = {"task": "support", "split": "train", "rows": rows(2)}  # by another process, which embeds nothing
            await told(client, "import_examples", {**given, "wait_seconds": 0})
            found = [psutil.Process(pid) for pid in compute_processes(server.process.pid)]
            seen = [(os.getpgid(one.pid) == one.pid, one.cmdline(), dict(one.environ())) for one in found]

    assert len(seen) == 2
    for own_group, command, environment in seen:
        assert own_group
        assert command[0] == sys.executable
        assert not {"OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY"} & set(environment)
    assert sorted("KEY_OF_THE_TEST" in environment for *_, environment in seen) == [False, True]


async def test_a_damaged_jobs_file_ends_no_server_and_is_told_at_each_call_with_its_repair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(opening, "OPEN_AFTER_SECONDS", 0)
    monkeypatch.setattr(opening, "OPEN_AGAIN_SECONDS", 0.01)
    broken = tmp_path / "jobs.sqlite"
    broken.write_bytes(b"no database " * 100)
    async with connected(make_settings(tmp_path)) as client:
        await until(lambda: caplog.text.count("jobs.sqlite: is damaged") > 1)
        refused = await call_failing(client, "list_jobs")
        broken.unlink()
        listed = await call(client, "list_jobs")

    assert "jobs.sqlite: is damaged: file is not a database. Stop the servers of the workspace, " in refused
    assert listed["jobs"] == []
