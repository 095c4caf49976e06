"""The backend of the tools: the workspace, the jobs and the compute processes, opened when first needed."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from classwright_server.at_once import REPORT_EVERY_SECONDS, AtOnce, GoOn
from classwright_server.config.principals import current_principal
from classwright_server.config.settings import ServerSettings
from classwright_server.jobs.disk_quota import check_room
from classwright_server.jobs.messages import Order, Outcome
from classwright_server.jobs.telemetry import count_call, count_result
from classwright_server.jobs.view import FINISHED
from classwright_server.mcp.job_views import view_at_once
from classwright_server.mcp.preflight import check_names
from classwright_server.mcp.results import fits
from classwright_server.opening import Opening
from classwright_server.runtime import Runtime
from classwright_tools.catalogue import catalogue
from classwright_tools.domain.noun import ToolRequest
from classwright_tools.domain.uris import job_uri
from classwright_tools.tool import first_id

if TYPE_CHECKING:
    from classwright_server.jobs.records import JobRecord
    from classwright_server.jobs.warm import WarmProcesses
    from classwright_tools.workspace.workspace import Workspace

FIRST_LOOKS_SECONDS = 2.0
LOOK_SECONDS = 0.05
LATER_LOOK_SECONDS = 0.25

Report = Callable[["JobRecord"], Awaitable[None]]


class Backend:
    """The workspace and its jobs, for one server process. Nothing heavy is imported before `runtime` is called."""

    def __init__(
        self,
        settings: ServerSettings,
        warm: WarmProcesses | None = None,
        stopping: Event | None = None,
        *,
        tells_places: bool = False,
    ) -> None:
        """Share the compute processes `warm` with others; without them the backend keeps some of its own.

        Once `stopping` is set no call waits for its job any longer. With `tells_places` its clients are on this
        machine: they are told where files are.
        """
        self._stopping = stopping or Event()
        self.settings = settings
        self.told_root = settings.tool_settings.workspace.resolve() if tells_places else None
        """The folder of the workspace where answers may name it."""
        self.tools = catalogue(settings.tool_settings.tools)
        self.opening = Opening(settings, warm)
        self._at_once = AtOnce()
        self._users = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the backend for as long as a transport serves; the last one closes it."""
        self._users += 1
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.opening.open_later)
                yield
                tasks.cancel_scope.cancel()
        finally:
            self._users -= 1
            if not self._users:
                await self.opening.close()

    async def runtime(self) -> Runtime:
        """Return what is open, opening it if need be.

        Raises:
            StorageFailed: the workspace cannot be made or written.
        """
        return await self.opening.runtime()

    async def workspace(self) -> Workspace:
        """Return the workspace of the calling principal.

        Raises:
            StorageFailed: it cannot be made or written.
        """
        runtime = await self.runtime()
        return await anyio.to_thread.run_sync(runtime.workspaces.of, current_principal())

    async def task_names(self) -> list[str]:
        """Return the names of the tasks of the calling principal."""
        workspace = await self.workspace()
        return await anyio.to_thread.run_sync(workspace.tasks)

    async def run_now(self, tool: str, request: ToolRequest, go_on: GoOn) -> Outcome:
        """Run a quick verb in a compute process and return its outcome; it is no job.

        `go_on` is called every two seconds until then. When the call is cancelled, so is the verb.

        Raises:
            NotFound: something that the request names does not exist.
            StorageFailed: there is no room for what it makes.
        """
        runtime = await self.runtime()
        await self._check(tool, request)
        order = runtime.order(tool, request)
        began = time.monotonic()
        writes = self.tools[tool].text.outward and runtime.tool_settings.writer
        outcome = await self._at_once.quick(runtime.pool, order, go_on, "writing" if writes else "short")
        count_call(tool, outcome, time.monotonic() - began)
        count_result(tool, outcome.result or {})
        if outcome.result and not fits(outcome.result):
            await self._keep_whole(order, outcome.result)
        return outcome

    async def estimate(self, tool: str, request: ToolRequest, go_on: GoOn) -> Outcome:
        """Return, as the estimate of an outcome, what a call would take; nothing is made.

        `go_on` is called every two seconds until then.

        Raises:
            NotFound: something that the request names does not exist.
            StorageFailed: there is no room for what it makes.
        """
        runtime = await self.runtime()
        await self._check(tool, request)
        order = runtime.order(tool, request).model_copy(update={"dry_run": True})
        return await self._at_once.quick(runtime.pool, order, go_on)

    async def run_small(self, tool: str, request: ToolRequest, go_on: GoOn) -> Outcome | None:
        """Answer a call that is little work at once; None if it is much, has to wait, or none is done here.

        `go_on` is called every two seconds until then. When the call is cancelled, so is the verb.

        Raises:
            NotFound: something that the request names does not exist.
            StorageFailed: there is no room for what it makes.
        """
        if "short" not in self.settings.jobs:
            return None
        runtime = await self.runtime()
        workspace = await self.workspace()
        spec, most_bytes = self.tools[tool], self.most_bytes()

        def is_small() -> bool:
            check_names(workspace, spec, request)
            work = runtime.small_work(spec, request, workspace)
            if work and work.stores:  # what stores nothing is answered in a full workspace too, and needs no look at it
                check_room(workspace.root, most_bytes)
            return work is not None

        if not await anyio.to_thread.run_sync(is_small):
            return None
        order = runtime.order(tool, request)
        began = time.monotonic()
        outcome = await self._at_once.small(runtime.pool, order, first_id(request), go_on)
        if outcome:
            count_call(tool, outcome, time.monotonic() - began)
        if outcome and outcome.result:
            view = view_at_once(tool, outcome.result, self.told_root)
            if not fits(view.model_dump(mode="json")):
                await self._keep_whole(order, outcome.result)
        return outcome

    async def _keep_whole(self, order: Order, result: dict[str, Any]) -> None:
        """Keep a result that is too long for an answer and that no job holds, and name it in the result."""
        from classwright_server.mcp.long_answers import keep_answer

        root = (await self.workspace()).root
        await anyio.to_thread.run_sync(keep_answer, root, order.run_key, result)
        result["uris"]["whole"] = job_uri(order.run_key)

    async def submit(self, tool: str, request: ToolRequest) -> str:
        """Store a job and return its id.

        Raises:
            NotFound: something that the request names does not exist.
            StorageFailed: there is no room for what it makes.
            BudgetExceeded: too many jobs of whoever asks wait already.
        """
        runtime = await self.runtime()
        await self._check(tool, request)
        submit = partial(runtime.jobs.submit, most_waiting=self.settings.limits.waiting_jobs)
        return await anyio.to_thread.run_sync(submit, tool, request, current_principal())

    async def _check(self, tool: str, request: ToolRequest) -> None:
        """Return if what `request` names exists, and there is room for what it makes."""
        workspace = await self.workspace()
        most_bytes = math.inf if self.tools[tool].text.reads_only else self.most_bytes()

        def check() -> None:
            check_names(workspace, self.tools[tool], request)
            check_room(workspace.root, most_bytes)

        await anyio.to_thread.run_sync(check)

    def most_bytes(self) -> float:
        """Return the bytes that the workspace of the calling principal may hold."""
        return self.settings.tool_settings.most_bytes(current_principal())

    async def record(self, job_id: str) -> JobRecord:
        """Return a job as it is now.

        Raises:
            NotFound: whoever asks has no such job.
        """
        return await self._with_outlook(await self._record(job_id))

    async def _record(self, job_id: str) -> JobRecord:
        runtime = await self.runtime()
        return await anyio.to_thread.run_sync(runtime.jobs.record, job_id, current_principal())

    async def _with_outlook(self, record: JobRecord) -> JobRecord:
        """Return a job with its outlook if it waits, and with what it had made if it was cancelled."""
        runtime = await self.runtime()
        [with_outlook] = await anyio.to_thread.run_sync(runtime.jobs.with_outlooks, [record])
        return await self._looked_into(with_outlook)

    async def wait(self, job_id: str, seconds: float, report: Report) -> JobRecord:
        """Return the job once it has finished, or as it is after `seconds`, reporting every two seconds until then.

        It is returned as it is, too, once the server is told to stop: it goes on at the next start.

        Raises:
            NotFound: whoever asks has no such job.
        """
        started = time.monotonic()
        next_report = started
        while True:
            record = await self._record(job_id)
            now = time.monotonic()
            if record.status in FINISHED or now >= started + seconds or self._stopping.is_set():
                return await self._with_outlook(record)
            if now >= next_report:
                next_report = now + REPORT_EVERY_SECONDS
                await report(await self._with_outlook(record))
            look = LOOK_SECONDS if now < started + FIRST_LOOKS_SECONDS else LATER_LOOK_SECONDS
            await anyio.sleep(min(look, started + seconds - now))

    async def cancel(self, job_id: str) -> JobRecord:
        """Stop a job and return it.

        Raises:
            NotFound: whoever asks has no such job.
        """
        runtime = await self.runtime()
        return await self._looked_into(await anyio.to_thread.run_sync(runtime.jobs.cancel, job_id, current_principal()))

    async def _looked_into(self, record: JobRecord) -> JobRecord:
        """Return a job; one without a result with what it has spent, a cancelled one with what it had made by then."""
        from classwright_tools.writing.completions.ledger import paid_by

        if record.outcome and record.outcome.result:
            return record
        workspace = await self.workspace()

        def look() -> JobRecord:
            made = tuple(workspace.made_in(record.id)) if record.status == "cancelled" else ()
            return replace(record, made=made, usage=paid_by(workspace.engine, record.id))

        return await anyio.to_thread.run_sync(look)

    async def newest_jobs(self, limit: int, offset: int) -> list[JobRecord]:
        """Return `limit` jobs of the calling principal from `offset` on, newest first; with outlooks if they wait."""
        runtime = await self.runtime()
        found = await anyio.to_thread.run_sync(runtime.jobs.newest, limit, offset, current_principal())
        return await anyio.to_thread.run_sync(runtime.jobs.with_outlooks, found)
