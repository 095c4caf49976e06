"""A full disk: no job is made that could not be stored, what is not stored in the end is later, and a server starts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import httpx
import psutil
import pytest
from mcp import Client

from support.disk import SmallDisk, small_disk
from support.server import (
    PATIENCE_SECONDS,
    TASK,
    ServerProcess,
    call,
    call_failing,
    compute_processes,
    finished,
    rows,
    topics,
    until,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk that can be filled."""
    with small_disk(tmp_path / "disk") as mounted:
        if mounted is None:
            pytest.skip("a disk cannot be mounted here; root can")
        yield mounted


@contextmanager
def computing_held(of: int) -> Iterator[None]:
    """Hold the compute processes of the server `of` while the block runs."""
    held = list(map(psutil.Process, compute_processes(of)))
    for process in held:
        process.suspend()
    try:
        yield
    finally:
        for process in held:
            process.resume()


async def test_a_job_that_met_a_full_disk_is_finished_once_there_is_room(disk: SmallDisk) -> None:
    workspace = disk.at / "workspace"
    with ServerProcess(workspace) as server:
        async with Client(server.url) as client:
            await call(client, "propose_topics", {**TASK, **topics(1)})
            with computing_held(server.process.pid):
                lacking = {"task": "support", "split": "train", "path": "none.csv", "wait_seconds": 0}
                job = (await call(client, "import_examples", lacking))["job_id"]
                with anyio.fail_after(PATIENCE_SECONDS):
                    while (await call(client, "get_job", job_id=job, wait_seconds=0))["status"] == "queued":
                        pass
                disk.fill()  # before the process is at work: it fails for want of a file, and that is not stored
            again = {"task": "support", "split": "train", "rows": rows(4), "wait_seconds": 0}
            refused = await call_failing(client, "import_examples", **again)
            kept = await call_failing(client, "cancel_job", job_id=job)
            await until(lambda: "how it ended could not be stored" in server.log())
            disk.make_room()
            view = await finished(client, job)
            listed = (await call(client, "list_jobs"))["jobs"]

    assert "no job begins" in refused
    assert "the index says: database or disk is full" in kept
    assert "path 'none.csv'" in view["error"]
    assert [line["job_id"] for line in listed] == [job]


async def test_a_server_that_starts_on_a_full_disk_says_so_and_opens_once_there_is_room(disk: SmallDisk) -> None:
    workspace = disk.at / "workspace"
    with ServerProcess(workspace) as server:
        async with Client(server.url) as client:
            await call(client, "propose_topics", {**TASK, **topics(1)})
    disk.fill()
    with ServerProcess(workspace) as server:

        def ready() -> tuple[int, str]:
            answer = httpx.get(f"http://127.0.0.1:{server.port}/ready", trust_env=False, timeout=30)
            return answer.status_code, answer.json().get("reason", "")

        await until(lambda: ready() == (503, "the workspace could not be opened"))  # before anybody called
        async with Client(server.url) as client:
            refused = await call_failing(client, "list_jobs")
            disk.make_room()
            listed = await call(client, "list_jobs")
        opened = ready()

    assert "the index says:" in refused
    assert "Free some space" in refused
    assert listed["jobs"] == []
    assert opened == (200, "")
