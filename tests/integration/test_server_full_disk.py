"""A full disk: no job is made that could not be stored, and a job whose end could not be stored is finished later."""

from __future__ import annotations

import threading
from pathlib import Path

import anyio
import pytest
from mcp import Client

from disk_parts import fill, small_disk
from server_parts import TASK, ServerProcess, call, call_failing, finished, topics, writes_sentences
from writing_parts import Said, ScriptedEndpoint, Seen

pytestmark = pytest.mark.anyio


def said(server: ServerProcess, words: bytes) -> None:
    """Return once the server's log holds `words`."""
    assert server.process.stderr is not None
    assert any(words in line for line in server.process.stderr), "the server ended"


async def test_a_job_that_met_a_full_disk_is_finished_once_there_is_room(tmp_path: Path) -> None:
    room = threading.Event()
    asked = threading.Event()

    def script(seen: Seen) -> Said:
        asked.set()
        room.wait()
        return writes_sentences(seen)

    with small_disk(tmp_path / "disk", 16) as mounted, ScriptedEndpoint(script) as endpoint:
        if not mounted:
            pytest.skip("a disk cannot be mounted here; root can")
        workspace = tmp_path / "disk" / "workspace"
        flags = ("--writer-url", endpoint.url, "--writer-model", "scripted")
        with ServerProcess(workspace, *flags) as server:
            async with Client(server.url) as client:
                await call(client, "propose_topics", {**TASK, **topics(1)}, wait_seconds=50)
                job = await call(client, "synthesize_examples", task="support", rows=4, wait_seconds=0)
                await anyio.to_thread.run_sync(asked.wait)
                ballast = fill(workspace)
                refused = await call_failing(client, "synthesize_examples", task="support", rows=2, wait_seconds=0)
                kept = await call_failing(client, "cancel_job", job_id=job["job_id"])
                room.set()
                await anyio.to_thread.run_sync(said, server, b"how it ended could not be stored")
                ballast.unlink()
                view = await finished(client, job["job_id"])
                listed = (await call(client, "list_jobs"))["jobs"]

    assert "the index says: database or disk is full" in refused
    assert "Free some space" in kept
    assert (view["status"], view["result"]["accepted"]) == ("completed", 4)
    assert [line["tool"] for line in listed] == ["synthesize_examples", "propose_topics"]
