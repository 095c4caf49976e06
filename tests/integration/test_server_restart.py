"""A job outlives the server that ran it, and several servers share a workspace without doing anything twice."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import anyio
import pytest
from mcp import Client

from classwright_server.jobs.liveness import FileLock
from support.postgres import ON_BOTH, PostgresServer
from support.server import (
    CELLS,
    TASK,
    TREE,
    ServerProcess,
    call,
    compute_processes,
    connected,
    finished,
    is_alive,
    make_settings,
    on_store,
    rows,
    until,
    writes_sentences,
)
from support.writing import HANG, Said, ScriptedEndpoint, Seen

pytestmark = pytest.mark.anyio


def writer(endpoint: ScriptedEndpoint) -> tuple[str, ...]:
    """The flags that let a server write with `endpoint`."""
    return ("--writer-url", endpoint.url, "--writer-model", "scripted")


async def test_a_call_that_waits_is_answered_as_things_stand_when_the_server_is_told_to_stop(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, "--jobs", "none") as server:
        async with Client(server.url) as client:
            await call(client, "propose_topics", TASK, wait_seconds=0)
            job = await call(client, "import_examples", task="support", split="train", rows=rows(4), wait_seconds=0)

            async def told(_done: float, _total: float | None, _message: str | None) -> None:
                server.process.send_signal(signal.SIGTERM)

            waiting = {"job_id": job["job_id"], "wait_seconds": 50}
            waited = await client.call_tool("get_job", waiting, progress_callback=told)
        await anyio.to_thread.run_sync(server.process.wait)

        assert waited.structured_content is not None
        assert waited.structured_content["status"] == "queued"
        assert "Traceback" not in server.log()
        assert server.process.returncode in (0, -signal.SIGTERM)


async def test_the_compute_processes_of_a_killed_server_end_too(tmp_path: Path) -> None:
    with ScriptedEndpoint(lambda _: HANG) as endpoint, ServerProcess(tmp_path, *writer(endpoint)) as server:
        async with Client(server.url) as client:
            await call(client, "propose_topics", TASK, wait_seconds=0)
            await anyio.to_thread.run_sync(endpoint.arrived.wait)
            [process] = compute_processes(server.process.pid)
            server.kill()
        await until(lambda: not is_alive(process))


@ON_BOTH
async def test_a_living_server_takes_over_the_job_of_a_dead_one_and_only_then(
    tmp_path: Path, index_url: str | None
) -> None:
    """The endpoint holds the first server's requests: whoever else asked for the same would be seen."""
    held: list[int] = []

    def script(seen: Seen) -> Said:
        if not held:
            held.append(seen.number)
            return HANG
        return writes_sentences(seen)

    with (
        ScriptedEndpoint(script) as endpoint,
        ServerProcess(tmp_path, *writer(endpoint), *on_store(index_url)) as first,
    ):
        async with Client(first.url) as client:
            job = await call(client, "propose_topics", TREE, wait_seconds=0)
            await anyio.to_thread.run_sync(endpoint.arrived.wait)
        async with connected(make_settings(tmp_path, writer_url=endpoint.url, index_url=index_url)) as other:
            seen = await call(other, "get_job", job_id=job["job_id"], wait_seconds=5)  # two rounds of looking
            its_processes = compute_processes(os.getpid())
            first.kill()
            view = await finished(other, job["job_id"])

    assert seen["status"] == "running"
    assert its_processes == []
    assert view["status"] == "completed", view["error"]
    assert view["result"]["cells"] == CELLS


async def test_a_job_that_a_kill_interrupted_says_that_it_was_begun_again(tmp_path: Path) -> None:
    with ScriptedEndpoint(lambda _: HANG) as endpoint, ServerProcess(tmp_path, *writer(endpoint)) as first:
        async with Client(first.url) as client:
            job = await call(client, "propose_topics", TREE, wait_seconds=0)
            await anyio.to_thread.run_sync(endpoint.arrived.wait)
            before = await call(client, "get_job", job_id=job["job_id"], wait_seconds=0)
        first.kill()
        async with connected(make_settings(tmp_path, writer_url=endpoint.url)) as client:
            with anyio.fail_after(60):
                view = before
                while "begun again after an interruption" not in view["message"]:
                    view = await call(client, "get_job", job_id=job["job_id"], wait_seconds=1)
            await call(client, "cancel_job", job_id=job["job_id"])

    assert "again" not in before["message"]
    assert view["status"] in ("queued", "running")


@ON_BOTH
async def test_a_job_can_be_cancelled_from_another_server(tmp_path: Path, index_url: str | None) -> None:
    with (
        ScriptedEndpoint(lambda _: HANG) as endpoint,
        ServerProcess(tmp_path, *writer(endpoint), *on_store(index_url)) as first,
    ):
        async with Client(first.url) as client:
            job = await call(client, "propose_topics", TASK, wait_seconds=0)
            await anyio.to_thread.run_sync(endpoint.arrived.wait)
        [process] = compute_processes(first.process.pid)
        async with connected(make_settings(tmp_path, writer_url=endpoint.url, index_url=index_url)) as other:
            await call(other, "cancel_job", job_id=job["job_id"])
            await until(lambda: not is_alive(process))


async def test_a_server_that_is_stopped_leaves_its_job_to_the_next_one(tmp_path: Path) -> None:
    with ScriptedEndpoint(lambda seen: writes_sentences(seen) if stopped else HANG) as endpoint:
        stopped: list[bool] = []
        with ServerProcess(tmp_path, *writer(endpoint)) as server:
            async with Client(server.url) as client:
                job = await call(client, "propose_topics", TREE, wait_seconds=0)
                await anyio.to_thread.run_sync(endpoint.arrived.wait)
            server.process.terminate()
            server.process.wait(60)
        stopped.append(True)
        async with connected(make_settings(tmp_path, writer_url=endpoint.url)) as client:
            view = await finished(client, job["job_id"])

    assert view["status"] == "completed", view["error"]


@ON_BOTH
async def test_a_job_of_a_killed_server_is_finished_by_the_next_one_and_counts_what_was_spent_before(
    tmp_path: Path, index_url: str | None
) -> None:
    """A training's `tests/end_to_end/test_kills.py` shows, again and again."""
    killed: list[bool] = []

    def script(seen: Seen) -> Said:
        return writes_sentences(seen) if killed or seen.number < 5 else HANG

    with ScriptedEndpoint(script) as endpoint:
        with ServerProcess(tmp_path, *writer(endpoint), *on_store(index_url)) as server:
            async with Client(server.url) as client:
                job = await call(client, "propose_topics", TREE, wait_seconds=0)
                seen = await call(client, "get_job", job_id=job["job_id"], wait_seconds=0)
                while seen["usage"].get("requests", 0) < 5:
                    seen = await call(client, "get_job", job_id=job["job_id"], wait_seconds=1)
                server.kill()
        killed.append(True)
        async with connected(make_settings(tmp_path, writer_url=endpoint.url, index_url=index_url)) as client:
            view = await finished(client, job["job_id"])

    usage = view["result"]["usage"]
    assert view["status"] == "completed", view["error"]
    assert view["usage"] == {}  # the result tells it
    assert (usage["tokens_in"], usage["tokens_out"]) == (usage["requests"] * 100, usage["requests"] * 20)
    assert usage["completions_reused"] == 5


def test_a_lock_is_held_until_the_last_process_that_inherited_it_is_gone(tmp_path: Path) -> None:
    lock = FileLock(tmp_path)
    other = FileLock(tmp_path)
    heir = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=(lock.descriptor,))
    os.close(lock.descriptor)  # what the end of the server does

    assert other.dead([lock.executor_id]) == []
    heir.communicate()
    assert other.dead([lock.executor_id]) == [lock.executor_id]
    assert other.dead([lock.executor_id]) == [lock.executor_id]  # its file is gone now
    other.release()
    assert not list(tmp_path.iterdir())


async def test_a_server_ends_when_it_is_stopped_while_postgresql_is_gone(
    tmp_path: Path, own_postgres: PostgresServer
) -> None:
    with ServerProcess(tmp_path, *on_store(own_postgres.new_database())) as server:
        async with Client(server.url) as client:
            await call(client, "list_jobs")
        own_postgres.stop()
        # By then it looks for the jobs of dead servers as well, as it does every two seconds, and finds no end.
        await until(lambda: "attempt 3" in server.log())
        server.process.terminate()
        try:
            assert server.process.wait(60) is not None
        finally:
            server.kill()
            own_postgres.start()
