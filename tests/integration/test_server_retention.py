"""Finished jobs are forgotten when they are old or too many; what they made, and what still runs, stays."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
from mcp import Client

from classwright_server.jobs import durable, retention
from classwright_server.jobs.job_table import JobTable
from classwright_server.jobs.retention import KEPT_DAYS, forget_old_jobs
from support.server import TASK, call, call_failing, connected, make_settings, rows, signed_in
from support.writing import HANG, ScriptedEndpoint

pytestmark = pytest.mark.anyio


async def imported(client: Client, number: int) -> str:
    """Import two rows, and return the id of the job that did."""
    given = {"task": "support", "split": "train", "rows": rows(2, 10 * number), "wait_seconds": 50}
    return str((await call(client, "import_examples", given))["job_id"])


def job_table() -> JobTable:
    """The table of the server that runs in this process."""
    assert durable._current
    return durable._current._table


async def listed(client: Client) -> list[str]:
    return [job["job_id"] for job in (await call(client, "list_jobs"))["jobs"]]


async def test_an_old_job_is_unknown_what_it_made_and_what_runs_stays(tmp_path: Path) -> None:
    almost, over = (datetime.now(UTC) + timedelta(days=KEPT_DAYS, minutes=minutes) for minutes in (-5, 5))
    with ScriptedEndpoint(lambda _: HANG) as endpoint:
        async with connected(make_settings(tmp_path, writer_url=endpoint.url)) as client:
            running = (await call(client, "propose_topics", TASK, wait_seconds=0))["job_id"]
            cancelled = (await call(client, "propose_topics", {**TASK, "task": "other"}, wait_seconds=0))["job_id"]
            await call(client, "cancel_job", job_id=cancelled)
            await anyio.to_thread.run_sync(forget_old_jobs, almost, job_table())
            before = await listed(client)
            await anyio.to_thread.run_sync(forget_old_jobs, over, job_table())
            after = await listed(client)
            told = await call_failing(client, "get_job", job_id=cancelled)

    assert before == [cancelled, running]
    assert after == [running]
    assert f"job {cancelled!r}: does not exist" in told


async def test_of_too_many_jobs_a_server_forgets_the_oldest_when_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(make_settings(tmp_path)) as client:
        await call(client, "propose_topics", TASK)
        ids = [await imported(client, number) for number in range(3)]
    monkeypatch.setattr(retention, "KEPT_JOBS", 2)
    async with connected(make_settings(tmp_path)) as client:
        while ids[0] in await listed(client):
            await anyio.sleep(0.02)
        kept = await listed(client)
        [task] = (await client.read_resource("classwright://support")).contents

    assert kept == [ids[2], ids[1]]
    made = [event["id"] for event in json.loads(task.text)["history"]]  # type: ignore[union-attr]  # it is JSON
    assert made == ["support-d3", "support-d2", "support-d1"]


async def test_one_principals_many_jobs_push_out_nobody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "KEPT_JOBS", 2)
    made: dict[str, list[str]] = {}
    async with connected(make_settings(tmp_path)) as client:
        for name, number in (("alice", 1), ("bob", 3)):
            with signed_in(name):
                await call(client, "propose_topics", TASK)
                made[name] = [await imported(client, again) for again in range(number)]
        await anyio.to_thread.run_sync(forget_old_jobs, datetime.now(UTC), job_table())
        for name, ids in made.items():
            with signed_in(name):
                assert await listed(client) == ids[:-3:-1], name
