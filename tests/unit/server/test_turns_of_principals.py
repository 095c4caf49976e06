"""Principals beside each other: one's many calls, or database that says nothing, hold up nobody else."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from classwright_server.at_once import QUICK_AT_ONCE, AtOnce
from classwright_server.config import workspaces
from classwright_server.config.settings import ToolSettings
from classwright_server.config.workspaces import Workspaces
from classwright_server.jobs.messages import Order, Outcome
from classwright_server.jobs.pool import ProcessPool
from classwright_tools.workspace.workspace import Workspace

PATIENCE_SECONDS = 60.0


class HeldPool:
    """A pool whose orders end one by one, when the test says so."""

    def __init__(self) -> None:
        self.started: list[str | None] = []
        self.ends = threading.Semaphore(0)

    def run(self, order: Order, *_: object) -> Outcome:
        """Hold the order."""
        self.started.append(order.owner)
        assert self.ends.acquire(timeout=PATIENCE_SECONDS)
        return Outcome(result={})


async def _nothing() -> None:
    """Report nothing."""


@pytest.mark.anyio
async def test_the_quick_calls_of_one_principal_hold_up_those_of_another_for_one_of_them_at_most(
    tmp_path: Path,
) -> None:
    pool, at_once = HeldPool(), AtOnce()

    async def call(owner: str) -> None:
        settings = ToolSettings(workspace=tmp_path)
        order = Order(run_key="job", tool_settings=settings, owner=owner, tool="submit_examples", request={})
        await at_once.quick(cast("ProcessPool", pool), order, _nothing)

    with anyio.fail_after(PATIENCE_SECONDS):
        async with anyio.create_task_group() as calls:
            for _ in range(3 * QUICK_AT_ONCE):
                calls.start_soon(call, "many")
            while len(pool.started) < QUICK_AT_ONCE:
                await anyio.sleep(0)
            calls.start_soon(call, "one")
            await anyio.wait_all_tasks_blocked()
            pool.ends.release()
            while len(pool.started) <= QUICK_AT_ONCE:
                await anyio.sleep(0)
            pool.ends.release(3 * QUICK_AT_ONCE)

    assert pool.started[: QUICK_AT_ONCE + 1] == ["many"] * QUICK_AT_ONCE + ["one"]


def test_a_workspace_is_opened_once_and_while_another_s_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opens, go_on = threading.Event(), threading.Event()
    opened: list[str] = []

    def slowly(root: Path, index_url: str | None, schema: str | None) -> Workspace:
        opened.append(root.name)
        if root.name == "slow":
            opens.set()
            assert go_on.wait(PATIENCE_SECONDS)
        return Workspace(root, index_url, schema)

    monkeypatch.setattr(workspaces, "Workspace", slowly)
    every = Workspaces(ToolSettings(workspace=tmp_path))
    with ThreadPoolExecutor(3) as threads:
        try:
            slow: list[Any] = [threads.submit(every.of, "slow") for _ in range(2)]
            assert opens.wait(PATIENCE_SECONDS)
            other = threads.submit(every.of, "other").result(PATIENCE_SECONDS)
        finally:
            go_on.set()
        first, second = (one.result() for one in slow)
    every.close()

    assert first is second
    assert other is not first
    assert sorted(opened) == ["other", "slow"]
