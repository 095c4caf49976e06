"""The tasks extension: a job as a task, over every transport, for clients that declare it, and for nobody else."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client, StdioServerParameters
from mcp.client import advertise
from mcp_types import (
    HEADER_MISMATCH,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CallToolResult,
)

from classwright_server.jobs.retention import KEPT_DAYS
from classwright_server.mcp import task_push, tools
from classwright_server.mcp.task_push import MAX_TASKS
from classwright_server.mcp.tasks_extension import TASKS
from support.server import (
    CELLS,
    TASK,
    TREE,
    ServerProcess,
    call,
    compute_processes,
    connected,
    is_alive,
    make_server,
    make_settings,
    rows,
    signed_in,
    topics,
    until,
    writes_sentences,
)
from support.tasks import (
    SeenTask,
    TasksClient,
    cancel,
    ended,
    listen,
    refusal,
    seen,
    started,
    update,
)
from support.writing import HANG, ScriptedEndpoint

pytestmark = pytest.mark.anyio
UNKNOWN = "job_" + "0" * 32
IMPORT = {"task": "support", "split": "train", "rows": rows(24), "wait_seconds": 50}


@asynccontextmanager
async def follower(workspace: Path, **settings: Any) -> AsyncIterator[Client]:
    """A client that follows tasks, of a server in this process."""
    async with Client(make_server(make_settings(workspace, **settings)), extensions=[TasksClient()]) as client:
        yield client


@pytest.fixture
def hanging() -> Iterator[ScriptedEndpoint]:
    """An endpoint that never answers: a job that writes with it goes on until it is cancelled."""
    with ScriptedEndpoint(lambda _: HANG) as endpoint:
        yield endpoint


@pytest.fixture
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """No job is quick enough to be answered by its result."""
    monkeypatch.setattr(tools, "TASK_WAIT_SECONDS", 0.0)


async def check_a_call_becomes_a_task(client: Client) -> SeenTask:
    """Import rows as a task, see that the job and the task are the same, and return it."""
    await call(client, "propose_topics", TASK)
    # Another process serves it: nothing but the call can say that even a quick job is to be a task.
    created = await started(client, "import_examples", {**IMPORT, "wait_seconds": 0})
    task = await ended(client, created.task_id)
    view = await call(client, "get_job", job_id=created.task_id)

    assert created.status == "working"
    assert created.ttl_ms == KEPT_DAYS * 24 * 3600 * 1000
    assert created.poll_interval_ms > 0
    assert task.status == "completed"
    assert task.result is not None
    assert task.result["structuredContent"] == view
    assert json.loads(task.result["content"][0]["text"]) == view
    assert view["result"]["imported"] == 24
    assert task.created_at == created.created_at <= task.last_updated_at
    return task


@pytest.mark.usefixtures("no_grace")
async def test_in_memory_a_call_becomes_a_task_whose_id_is_the_jobs(tmp_path: Path) -> None:
    async with follower(tmp_path) as client:
        await check_a_call_becomes_a_task(client)


async def test_over_http_a_call_becomes_a_task_and_every_server_of_the_workspace_knows_it(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as first, ServerProcess(tmp_path) as second:
        async with (
            Client(first.url, extensions=[TasksClient()]) as client,
            Client(second.url, extensions=[TasksClient()]) as other,
        ):
            task = await check_a_call_becomes_a_task(client)

            assert (await seen(other, task.task_id)).result == task.result


async def test_over_stdio_a_call_becomes_a_task(tmp_path: Path) -> None:
    command = ["-m", "classwright_server.cli", "serve", "--workspace", str(tmp_path)]
    kept = {name: value for name, value in os.environ.items() if name.startswith(("HF_", "OMP_", "PYTHON"))}
    async with Client(
        StdioServerParameters(command=sys.executable, args=command, env=kept), extensions=[TasksClient()]
    ) as client:
        assert client.protocol_version == "2026-07-28"
        await check_a_call_becomes_a_task(client)


async def test_a_task_outlives_the_server_that_was_killed(tmp_path: Path) -> None:
    killed: list[bool] = []
    with ScriptedEndpoint(lambda seen: writes_sentences(seen) if killed else HANG) as endpoint:
        flags = ("--writer-url", endpoint.url, "--writer-model", "scripted")
        with ServerProcess(tmp_path, *flags) as server:
            async with Client(server.url, extensions=[TasksClient()]) as client:
                created = await started(client, "propose_topics", TREE)
                await anyio.to_thread.run_sync(endpoint.arrived.wait)
                server.kill()
        killed.append(True)
        async with follower(tmp_path, writer_url=endpoint.url) as client:
            task = await ended(client, created.task_id)

    assert (task.status, task.created_at) == ("completed", created.created_at)
    assert task.result is not None
    assert task.result["structuredContent"]["result"]["cells"] == CELLS


@pytest.mark.usefixtures("no_grace")
async def test_the_sdks_client_sees_no_more_than_the_result(tmp_path: Path) -> None:
    extension = TasksClient()
    async with Client(make_server(make_settings(tmp_path)), extensions=[extension]) as client:
        await call(client, "propose_topics", TASK)
        view = await call(client, "import_examples", IMPORT)

    assert view["result"]["imported"] == 24
    assert extension.ids == [view["job_id"]]


async def test_a_job_that_ends_at_once_is_answered_by_its_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "TASK_WAIT_SECONDS", 50.0)
    async with follower(tmp_path) as client:
        await call(client, "propose_topics", TASK)
        result = await client.session.call_tool("import_examples", IMPORT, allow_claimed=True)

    assert isinstance(result, CallToolResult)
    assert result.structured_content is not None
    assert result.structured_content["status"] == "completed"


@pytest.mark.usefixtures("no_grace")
async def test_what_the_tool_refuses_is_a_completed_task_with_an_error_in_its_result(tmp_path: Path) -> None:
    async with follower(tmp_path) as client:
        await call(client, "propose_topics", TASK)
        created = await started(client, "train_classifier", {"task": "support"})
        task = await ended(client, created.task_id)

    assert (task.status, task.error) == ("completed", None)
    assert task.result is not None
    assert task.result["isError"] is True
    assert "task 'support': has no dataset yet" in task.result["content"][0]["text"]


async def test_a_job_whose_process_crashes_is_a_failed_task(tmp_path: Path, hanging: ScriptedEndpoint) -> None:
    async with follower(tmp_path, writer_url=hanging.url) as client:
        created = await started(client, "propose_topics", TASK)
        await anyio.to_thread.run_sync(hanging.arrived.wait)
        os.kill(compute_processes(os.getpid())[0], signal.SIGSEGV)
        task = await ended(client, created.task_id)

    assert (task.status, task.result) == ("failed", None)
    assert task.error is not None
    assert task.error["code"] == INTERNAL_ERROR
    assert "SIGSEGV" in task.error["message"]


async def test_a_cancelled_task_ends_its_process_and_may_be_cancelled_again(
    tmp_path: Path, hanging: ScriptedEndpoint
) -> None:
    async with follower(tmp_path, writer_url=hanging.url) as client:
        created = await started(client, "propose_topics", TASK)
        await anyio.to_thread.run_sync(hanging.arrived.wait)
        [process] = compute_processes(os.getpid())
        acknowledged = await cancel(client, created.task_id)
        await until(lambda: not is_alive(process))
        again = await cancel(client, created.task_id)
        task = await ended(client, created.task_id)

    assert acknowledged.model_dump(exclude={"meta"}) == again.model_dump(exclude={"meta"})
    assert (task.status, task.result, task.error) == ("cancelled", None, None)


async def test_no_job_asks_anything_so_every_answer_is_ignored(tmp_path: Path, hanging: ScriptedEndpoint) -> None:
    async with follower(tmp_path, writer_url=hanging.url) as client:
        created = await started(client, "propose_topics", TASK)
        await update(client, created.task_id, {"key": {"action": "accept"}})

        assert (await seen(client, created.task_id)).status == "working"


@pytest.mark.usefixtures("no_grace")
async def test_asking_after_a_job_by_the_tools_is_never_a_task(tmp_path: Path, hanging: ScriptedEndpoint) -> None:
    async with follower(tmp_path, writer_url=hanging.url) as client:
        created = await started(client, "propose_topics", TASK)
        view = await call(client, "get_job", job_id=created.task_id, wait_seconds=0)
        cancelled = await call(client, "cancel_job", job_id=created.task_id)

    assert view["status"] in ("queued", "running")
    assert cancelled["status"] == "cancelled"


async def test_an_unknown_task_and_that_of_another_are_refused_alike(tmp_path: Path, hanging: ScriptedEndpoint) -> None:
    async with follower(tmp_path, writer_url=hanging.url) as client:
        with signed_in("alice"):
            own = (await started(client, "propose_topics", TASK)).task_id
        with signed_in("bob"):
            told = [await refusals(client, id_) for id_ in (own, UNKNOWN)]
            await listen(client, [own, UNKNOWN])
        with signed_in("alice"):
            still = await seen(client, own)

    assert told[0] == [(code, words.replace(UNKNOWN, own)) for code, words in told[1]]
    assert {code for code, _ in told[0]} == {INVALID_PARAMS}
    assert all("does not exist" in words for _, words in told[0])
    assert still.status == "working"


async def refusals(client: Client, task_id: str) -> list[tuple[int, str]]:
    """What each method says of a task that whoever asks does not have."""
    return [
        await refusal(seen(client, task_id)),
        await refusal(cancel(client, task_id)),
        await refusal(update(client, task_id, {})),
    ]


async def test_a_client_that_does_not_declare_the_extension_gets_no_task_and_may_not_ask(
    tmp_path: Path, hanging: ScriptedEndpoint
) -> None:
    async with connected(make_settings(tmp_path, writer_url=hanging.url)) as client:
        view = await call(client, "propose_topics", TASK, wait_seconds=0)
        told = await refusals(client, view["job_id"])
        told.append(await refusal(listen(client, [view["job_id"]])))

    assert view["status"] == "queued"
    assert {code for code, _ in told} == {MISSING_REQUIRED_CLIENT_CAPABILITY}


async def test_in_the_older_era_there_are_no_tasks_whatever_the_client_declares(
    tmp_path: Path, hanging: ScriptedEndpoint
) -> None:
    server = make_server(make_settings(tmp_path, writer_url=hanging.url))
    async with Client(server, mode="legacy", extensions=[advertise(TASKS)]) as client:
        view = await call(client, "propose_topics", TASK, wait_seconds=0)
        told = await refusals(client, view["job_id"])

    assert view["status"] == "queued"
    assert {code for code, _ in told} == {METHOD_NOT_FOUND}


async def test_the_extension_is_advertised_in_the_newer_era(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path)) as client:
        capabilities = client.server_capabilities

    assert capabilities is not None
    assert capabilities.extensions is not None
    assert capabilities.extensions[TASKS] == {}


@pytest.mark.usefixtures("no_grace")
async def test_a_stream_tells_of_a_task_until_it_has_ended(tmp_path: Path) -> None:
    extension = TasksClient()
    with ScriptedEndpoint(writes_sentences) as endpoint:
        server = make_server(make_settings(tmp_path, writer_url=endpoint.url))
        async with Client(server, extensions=[extension]) as client:
            created = await started(client, "propose_topics", {**TASK, **topics(1)})
            with anyio.fail_after(60):
                await listen(client, [created.task_id, UNKNOWN])
            task = await seen(client, created.task_id)

    assert {note.task_id for note in extension.notes} == {created.task_id}
    assert [note.status for note in extension.notes if note.status != "working"] == ["completed"]
    assert extension.notes[-1].model_extra is not None
    assert extension.notes[-1].model_extra["result"] == task.result


@pytest.mark.usefixtures("no_grace")
async def test_who_has_too_many_streams_open_is_told_so_and_nobody_else_is(
    tmp_path: Path, hanging: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_push, "MAX_STREAMS_OF_ONE", 1)
    extension = TasksClient()
    server = make_server(make_settings(tmp_path, writer_url=hanging.url))
    async with Client(server, extensions=[extension]) as client, anyio.create_task_group() as streams:
        with signed_in("alice"):
            own = (await started(client, "propose_topics", TASK)).task_id
            streams.start_soon(listen, client, [own])
            await until(lambda: bool(extension.notes))
            told = await refusal(listen(client, [own]))
        with signed_in("bob"):
            await listen(client, [UNKNOWN])
        streams.cancel_scope.cancel()

    assert told == (INTERNAL_ERROR, "Too many subscriptions: 1 of yours are open. End some, or ask with tasks/get.")


@pytest.mark.parametrize("ids", ["job", [1], [], [UNKNOWN] * (MAX_TASKS + 1), ["x" * 101]])
async def test_ids_that_cannot_be_followed_are_refused(tmp_path: Path, ids: Any) -> None:
    async with follower(tmp_path) as client:
        code, words = await refusal(listen(client, ids))

    assert code == INVALID_PARAMS
    assert "taskIds" in words


def posted(server: ServerProcess, method: str, params: dict[str, Any], *, declares: bool = True, **headers: str) -> Any:
    """The answer to a bare request of the newer era."""
    declared = {"extensions": {TASKS: {}}} if declares else {}
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": declared,
    }
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
    sent = {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": method,
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return httpx.post(server.url, json=message, headers=sent, trust_env=False)


async def test_on_the_wire_refusals_have_the_codes_and_statuses_of_the_specification(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        params = {"taskId": UNKNOWN}
        undeclared = posted(server, "tasks/get", params, declares=False, Mcp_Name=UNKNOWN)
        mismatched = posted(server, "tasks/get", params, Mcp_Name="job_other")
        unnamed = posted(server, "tasks/get", params)
        removed = posted(server, "tasks/list", {})
        long = posted(server, "tasks/get", {"taskId": "x" * 101})
        heard = posted(server, "subscriptions/listen", {"notifications": {"taskIds": [UNKNOWN]}})

    answers = [(answer.status_code, answer.json()["error"]["code"]) for answer in (undeclared, mismatched)]
    assert answers == [(400, MISSING_REQUIRED_CLIENT_CAPABILITY), (400, HEADER_MISMATCH)]
    assert undeclared.json()["error"]["data"] == {"requiredCapabilities": {"extensions": {TASKS: {}}}}
    assert unnamed.json()["error"]["code"] == long.json()["error"]["code"] == INVALID_PARAMS
    assert "does not exist" in unnamed.json()["error"]["message"]
    assert removed.json()["error"]["code"] == METHOD_NOT_FOUND
    acknowledged, closed = [json.loads(line[6:]) for line in heard.text.splitlines() if line.startswith("data: ")]
    assert acknowledged["params"]["notifications"] == {"taskIds": []}
    assert closed["result"]["resultType"] == "complete"
