"""Jobs that a dead server had begun: each is run again once, whatever the database does in the middle of the look.

Each test is a fault that DBOS itself had once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from anyio import to_thread
from dbos import DBOS
from dbos._sys_db import GetPendingWorkflowsOutput, SystemDatabase
from mcp import Client
from sqlalchemy.exc import OperationalError

from classwright_server.config.settings import ServerSettings, ToolSettings
from classwright_server.jobs import durable, launch, rescue, sessions
from classwright_server.jobs.messages import Order, Outcome
from classwright_tools.work import Lane
from support.postgres import ON_BOTH
from support.server import TASK, call, connected, finished, make_settings, rows, until

pytestmark = pytest.mark.anyio
DEAD = "d" * 32
"""The executor of a server that died."""


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The jobs are looked after all the time."""
    monkeypatch.setattr(rescue, "TAKE_OVER_SECONDS", 0.05)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The jobs that were run, as often as they were."""
    seen: list[str] = []
    computed = durable.Jobs._computed

    def noting(self: durable.Jobs, order: Order, is_over: Callable[[], bool], lane: Lane) -> Outcome:
        seen.append(order.run_key)
        return computed(self, order, is_over, lane)

    monkeypatch.setattr(durable.Jobs, "_computed", noting)
    return seen


async def importing(client: Client, number: int) -> str:
    """Queue an import of four rows of their own, and return the job's id."""
    given = {"task": "support", "split": "train", "rows": rows(4, 50 * number), "wait_seconds": 0}
    return str((await call(client, "import_examples", given))["job_id"])


def settings_on(folder: Path, index_url: str | None, **changes: Any) -> ServerSettings:
    """Settings for a server whose jobs are at `index_url`."""
    return ServerSettings(tool_settings=ToolSettings(workspace=folder, index_url=index_url), **changes)


async def queued(folder: Path, jobs: int, index_url: str | None = None) -> list[str]:
    """Queue imports of which the first was begun by a server that died."""
    async with connected(settings_on(folder, index_url, jobs=())) as client:
        await call(client, "propose_topics", TASK)
        ids = [await importing(client, number) for number in range(jobs)]
        assert durable._current is not None
        table = durable._current._table
        begun: dict[str, Any] = {"status": "PENDING", "started_at_epoch_ms": int(1_000 * time.time())}
        begun |= {"executor_id": DEAD, "application_version": launch.JOBS_VERSION}
        table._update(table._jobs.c.workflow_uuid == ids[0], **begun)
    return ids


async def test_a_look_that_is_out_of_date_runs_nothing_twice(
    tmp_path: Path, runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the act the job was begun here, and in the second case it has ended."""
    may_end = threading.Event()
    computed = durable.Jobs._computed

    def held(*given: Any) -> Outcome:
        outcome = computed(*given)
        may_end.wait(60)
        return outcome

    monkeypatch.setattr(durable.Jobs, "_computed", held)
    [job] = await queued(tmp_path, 1)
    async with connected(make_settings(tmp_path)) as client:
        await call(client, "list_jobs")
        await until(lambda: runs == [job])
        before = [GetPendingWorkflowsOutput(workflow_id=job, shard_key=None)]
        monkeypatch.setattr(SystemDatabase, "get_pending_workflows", lambda *_: before)
        await to_thread.run_sync(DBOS._recover_pending_workflows, [DEAD])
        may_end.set()
        view = await finished(client, job)
        await to_thread.run_sync(DBOS._recover_pending_workflows, [DEAD])
        other = await importing(client, 1)
        await finished(client, other)

    assert view["status"] == "completed"
    assert runs == [job, other]


@contextmanager
def failing_in_turn(thread: str) -> Iterator[list[str]]:
    """Let one statement of a thread's look fail, first its first one, then its second and so on; yield those."""
    failed: list[str] = []
    asked = 0

    def fail(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal asked
        if threading.current_thread().name != thread:
            return
        asked += 1
        if asked > len(failed):
            asked = 0
            failed.append(statement)
            raise OperationalError(statement, None, Exception("the database is gone"))

    sa.event.listen(sa.Engine, "before_cursor_execute", fail)
    try:
        yield failed
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", fail)


async def test_whichever_statement_of_a_look_fails_the_next_look_finds_the_job(tmp_path: Path, runs: list[str]) -> None:
    [job] = await queued(tmp_path, 1)
    with failing_in_turn("classwright-rescuer") as failed:
        async with connected(make_settings(tmp_path)) as client:
            view = await finished(client, job)

    assert view["status"] == "completed"
    assert runs == [job]
    assert any(statement.startswith("UPDATE") for statement in failed)  # what gives the job back to its queue


@ON_BOTH
async def test_in_a_lane_for_one_job_that_which_a_dead_server_had_begun_keeps_its_turn(
    tmp_path: Path, runs: list[str], monkeypatch: pytest.MonkeyPatch, index_url: str | None
) -> None:
    """On PostgreSQL a server counts as dead only some looks at the lane after the start of the next one."""
    monkeypatch.setitem(launch.AT_ONCE, "short", 1)
    monkeypatch.setattr(sessions, "GRACE_SECONDS", 2 * launch.POLL_SECONDS["short"])
    jobs = await queued(tmp_path, 3, index_url)
    async with connected(settings_on(tmp_path, index_url)) as client:
        views = [await finished(client, job) for job in jobs]

    assert [view["status"] for view in views] == ["completed"] * 3
    assert runs == jobs


async def test_a_server_does_not_say_that_it_goes_on_with_jobs_that_it_does_not_take(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await queued(tmp_path, 1)
    async with connected(make_settings(tmp_path, jobs=("writing",))) as client:
        await call(client, "list_jobs")
        await until(lambda: "1 job(s) that ended servers left unfinished wait for a process that" in caplog.text)

    assert "going on with" not in caplog.text


async def test_a_row_without_an_id_runs_nothing_and_holds_up_nobody(tmp_path: Path, runs: list[str]) -> None:
    [job] = await queued(tmp_path, 1)
    async with connected(make_settings(tmp_path, jobs=())) as client:
        await call(client, "list_jobs")
        assert durable._current is not None
        table = durable._current._table
        with table.engine.begin() as connection:
            [row] = connection.execute(sa.select(table._jobs)).mappings()
            connection.execute(sa.insert(table._jobs).values({**row, "workflow_uuid": ""}))
    async with connected(make_settings(tmp_path)) as client:
        view = await finished(client, job)
        later = await importing(client, 1)
        await finished(client, later)

    assert view["status"] == "completed"
    assert runs == [job, later]
