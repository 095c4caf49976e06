"""Compute processes: what they see of the environment, whose they are, and what they hold while they work."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest

from classwright_server.config.settings import ToolSettings
from classwright_server.jobs.environment import child_environment
from classwright_server.jobs.liveness import FileLock
from classwright_server.jobs.messages import Order, Outcome
from classwright_server.jobs.pool import ProcessPool
from classwright_server.jobs.warm import WarmProcesses
from classwright_tools.workspace.workspace import Workspace
from classwright_tools.writing.backends.endpoint_settings import EndpointSettings
from support.server import (
    TASK,
    compute_processes,
    until,
)
from support.writing import HANG, ScriptedEndpoint

pytestmark = pytest.mark.anyio


def test_a_compute_process_sees_no_key_but_the_writers_and_only_where_it_writes(tmp_path: Path) -> None:
    writer = EndpointSettings(base_urls=("http://127.0.0.1:9/v1",), model="m", key_env="WRITER_KEY")
    tool_settings = ToolSettings(workspace=tmp_path, writer=writer)
    environment = {"PATH": "/bin", "WRITER_KEY": "k", "OPENAI_API_KEY": "o", "HF_TOKEN": "h", "HF_HOME": "/cache"}

    harmless = {"PATH": "/bin", "HF_HOME": "/cache", "OMP_WAIT_POLICY": "PASSIVE"}
    assert child_environment(tool_settings, environment, "writing") == {**harmless, "WRITER_KEY": "k"}
    assert child_environment(tool_settings, environment, "long") == harmless


def test_an_operator_may_have_a_compute_process_wait_otherwise(tmp_path: Path) -> None:
    told = child_environment(ToolSettings(workspace=tmp_path), {"OMP_WAIT_POLICY": "ACTIVE"}, "short")
    assert told == {"OMP_WAIT_POLICY": "ACTIVE"}


@contextlib.contextmanager
def pool_of_its_own(*held: int, idle_seconds: float = 60) -> Iterator[ProcessPool]:
    """A pool whose processes nobody else uses."""
    warm = WarmProcesses(idle_seconds)
    pool = ProcessPool(warm, os.environ, held, most_seconds=60)
    try:
        yield pool
    finally:
        pool.close()
        warm.close()


def order_in(workspace: Path, owner: str | None = None, **settings: Any) -> Order:
    """An order whose outcome names its owner."""
    return Order(
        run_key="r",
        tool_settings=ToolSettings(workspace=workspace, **settings),
        owner=owner,
        tool="submit_examples",
        request={"assignment": f"{owner or 'operator'}-a1", "texts": {"b1": ["t"]}},
    )


def outcome_in(pool: ProcessPool, order: Order, is_over: Callable[[], bool] = lambda: False) -> Outcome:
    """What becomes of an order in the lane that writes."""
    return pool.run(order, lambda _: None, is_over, "writing")


async def test_processes_are_kept_warm_and_recycled_when_idle(tmp_path: Path) -> None:
    with pool_of_its_own(idle_seconds=2.0) as pool:
        kept = []
        for _ in range(2):
            outcome = await anyio.to_thread.run_sync(outcome_in, pool, order_in(tmp_path))
            assert "does not exist" in (outcome.error or "")
            kept += compute_processes(os.getpid())
        await until(lambda: not compute_processes(os.getpid()))

    assert len(kept) == 2
    assert kept[0] == kept[1]


async def test_a_process_holds_its_servers_lock_while_it_works_and_no_longer(tmp_path: Path) -> None:
    """A job whose server died is not begun again while its process still works."""
    lock, other = FileLock(tmp_path / "executors"), FileLock(tmp_path / "executors")
    with ScriptedEndpoint(lambda _: HANG) as endpoint, pool_of_its_own(lock.descriptor) as pool:
        writer = EndpointSettings(base_urls=(endpoint.url,), model="scripted")
        hangs = order_in(tmp_path, writer=writer).model_copy(update={"tool": "propose_topics", "request": TASK})
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.to_thread.run_sync, outcome_in, pool, hangs)
            await anyio.to_thread.run_sync(endpoint.arrived.wait)
            os.close(lock.descriptor)  # the server's own end of it
            assert not other.dead([lock.executor_id])
            pool.end(hangs.run_key)
        # A process that ends loses its command line, and its first thread, before the last one closes the lock.
        await until(lambda: bool(other.dead([lock.executor_id])))

    lock = FileLock(tmp_path / "executors")
    with pool_of_its_own(lock.descriptor) as pool:
        await anyio.to_thread.run_sync(outcome_in, pool, order_in(tmp_path))
        os.close(lock.descriptor)
        assert compute_processes(os.getpid())
        assert other.dead([lock.executor_id])
    other.release()


def test_a_process_works_in_the_workspace_of_each_order(tmp_path: Path) -> None:
    one, other = Workspace(tmp_path / "one"), Workspace(tmp_path / "other")
    order = order_in(tmp_path).model_copy(update={"tool": "propose_topics", "request": TASK})
    with pool_of_its_own() as pool:
        for root in (one.root, other.root, one.root):
            settings = order.tool_settings.model_copy(update={"workspace": root})
            assert outcome_in(pool, order.model_copy(update={"tool_settings": settings})).error is None
            assert len(compute_processes(os.getpid())) == 1

    assert one.tasks() == other.tasks() == ["support"]


def test_a_process_that_was_given_a_writers_key_works_for_no_workspace_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRITER_KEY", "k")
    keyed = EndpointSettings(base_urls=("http://127.0.0.1:9/v1",), model="m", key_env="WRITER_KEY")
    with pool_of_its_own() as pool:
        outcome_in(pool, order_in(tmp_path / "one", writer=keyed))
        [with_key] = compute_processes(os.getpid())
        outcome_in(pool, order_in(tmp_path / "other"))
        [without] = set(compute_processes(os.getpid())) - {with_key}
        environments = [psutil.Process(pid).environ() for pid in (with_key, without)]

    assert [environment.get("WRITER_KEY") for environment in environments] == ["k", None]


def test_what_an_order_left_unfinished_is_never_the_outcome_of_the_next_one(tmp_path: Path) -> None:
    """Here the look whether a job is over fails while it is under way, as it does when its database is out of reach."""
    looks = iter((False,))
    with pool_of_its_own() as pool:
        with pytest.raises(StopIteration):
            outcome_in(pool, order_in(tmp_path, "alice"), lambda: next(looks))
        assert not compute_processes(os.getpid())
        outcome = outcome_in(pool, order_in(tmp_path, "bob"))

    assert "assignment 'bob-a1': does not exist" in (outcome.error or "")


def test_a_server_with_more_than_a_thousand_open_files_runs_jobs_too(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (2048, hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1030)]
    try:
        with pool_of_its_own() as pool:
            outcome = outcome_in(pool, order_in(tmp_path, "alice"))
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert "assignment 'alice-a1': does not exist" in (outcome.error or "")
