"""A full disk: no job is made that could not be stored, and a job whose end could not be stored is finished later."""

from __future__ import annotations

from pathlib import Path

import pytest
from mcp import Client

from support.disk import small_disk
from support.server import TASK, ServerProcess, call, call_failing, compute_processes, finished, rows, topics, until

pytestmark = pytest.mark.anyio


async def test_a_job_that_met_a_full_disk_is_finished_once_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        if disk is None:
            pytest.skip("a disk cannot be mounted here; root can")
        workspace = tmp_path / "disk" / "workspace"
        with ServerProcess(workspace) as server:
            async with Client(server.url) as client:
                await call(client, "propose_topics", {**TASK, **topics(1)})
                old = set(compute_processes(server.process.pid))
                job = await call(client, "train_classifier", task="support", wait_seconds=0)
                await until(lambda: bool(set(compute_processes(server.process.pid)) - old))
                disk.fill()  # while the process begins: it fails for want of rows, and that is not stored
                again = {"task": "support", "split": "train", "rows": rows(4), "wait_seconds": 0}
                refused = await call_failing(client, "import_examples", **again)
                kept = await call_failing(client, "cancel_job", job_id=job["job_id"])
                await until(lambda: "how it ended could not be stored" in server.log())
                disk.make_room()
                view = await finished(client, job["job_id"])
                listed = (await call(client, "list_jobs"))["jobs"]

    assert "no job begins" in refused
    assert "the index says: database or disk is full" in kept
    assert "has no dataset yet" in view["error"]
    assert [line["tool"] for line in listed] == ["train_classifier"]
