"""The backend of the tools: the workspace, the jobs and the compute processes, opened when first needed."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.from_thread
import anyio.to_thread

from classwright_server.config.principals import current_principal
from classwright_server.config.settings import ServerSettings, ToolSettings
from classwright_server.jobs.disk_quota import check_room
from classwright_server.jobs.messages import Order, Outcome, Progress
from classwright_server.jobs.telemetry import count_result, flush_telemetry
from classwright_server.jobs.view import FINISHED
from classwright_server.mcp.preflight import check_names
from classwright_server.mcp.results import fits
from classwright_tools.catalogue import catalogue
from classwright_tools.domain.noun import ToolRequest
from classwright_tools.domain.uris import job_uri
from classwright_tools.errors import ClasswrightError

if TYPE_CHECKING:
    from classwright_server.config.workspaces import Workspaces
    from classwright_server.jobs.durable import Jobs
    from classwright_server.jobs.pool import ProcessPool
    from classwright_server.jobs.records import JobRecord
    from classwright_server.jobs.warm import WarmProcesses
    from classwright_server.vllm import GpuShare
    from classwright_tools.workspace.workspace import Workspace

logger = logging.getLogger("classwright")

OPEN_AFTER_SECONDS = 3.0
"""A server that is not called opens its workspace after so long, to take over what a dead one left."""
REPORT_EVERY_SECONDS = 2.0
FIRST_LOOKS_SECONDS = 2.0
LOOK_SECONDS = 0.05
LATER_LOOK_SECONDS = 0.25
QUICK_AT_ONCE = 4
"""Quick verbs that are under way at once; further calls wait for their turn. Each takes a process."""

Report = Callable[["JobRecord"], Awaitable[None]]


class Backend:
    """The workspace and its jobs, for one server process. Nothing heavy is imported before `runtime` is called."""

    def __init__(self, settings: ServerSettings, warm: WarmProcesses | None = None) -> None:
        """Share the compute processes `warm` with others; without them the backend keeps some of its own."""
        self.settings = settings
        self._warm = warm
        self.tools = catalogue(settings.tool_settings.tools)
        self._runtime: Runtime | None = None
        self._opening = anyio.Lock()
        self._quick = anyio.CapacityLimiter(QUICK_AT_ONCE)  # apart from the threads that look after jobs
        self._users = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the backend for as long as a transport serves; the last one closes it."""
        self._users += 1
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._open_later)
                yield
                tasks.cancel_scope.cancel()
        finally:
            self._users -= 1
            if not self._users and self._runtime:
                runtime, self._runtime = self._runtime, None
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(runtime.close)

    async def runtime(self) -> Runtime:
        """Return what is open, opening it if need be.

        Raises:
            StorageFailed: the workspace cannot be made or written.
        """
        async with self._opening:
            if self._runtime is None:
                with anyio.CancelScope(shield=True):  # what is half open could not be closed
                    self._runtime = await anyio.to_thread.run_sync(Runtime, self.settings, self._warm)
            assert self._runtime is not None
            return self._runtime

    async def workspace(self) -> Workspace:
        """Return the workspace of the calling principal.

        Raises:
            StorageFailed: it cannot be made or written.
        """
        runtime = await self.runtime()
        return await anyio.to_thread.run_sync(runtime.workspaces.of, current_principal())

    async def run_now(self, tool: str, request: ToolRequest, go_on: Callable[[], Awaitable[None]]) -> Outcome:
        """Run a quick verb in a compute process and return its outcome; it is no job.

        `go_on` is called every two seconds until then. When the call is cancelled, so is the verb.

        Raises:
            NotFound: something that the request names does not exist.
            StorageFailed: there is no room for what it makes.
        """
        from classwright_server.jobs.durable import new_job_id

        runtime = await self.runtime()
        await self._check(tool, request)
        order = Order(
            run_key=new_job_id(),
            tool_settings=runtime.tool_settings,
            owner=current_principal(),
            tool=tool,
            request=request.model_dump(mode="json"),
        )

        def run() -> Outcome:
            return runtime.pool.run(order, _ignored, _unless_cancelled, "writing")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_every_two_seconds, go_on)
            outcome = await anyio.to_thread.run_sync(run, limiter=self._quick)
            tasks.cancel_scope.cancel()
        count_result(tool, outcome.result or {})
        if outcome.result and not fits(outcome.result):  # there is no job that would hold it whole
            from classwright_server.mcp.long_answers import keep_answer

            root = (await self.workspace()).root
            await anyio.to_thread.run_sync(keep_answer, root, order.run_key, outcome.result)
            outcome.result["uris"]["whole"] = job_uri(order.run_key)
        return outcome

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
        most_bytes = self.settings.tool_settings.most_bytes(current_principal())

        def check() -> None:
            check_names(workspace, self.tools[tool], request)
            check_room(workspace.root, most_bytes)

        await anyio.to_thread.run_sync(check)

    async def record(self, job_id: str) -> JobRecord:
        """Return a job as it is now.

        Raises:
            NotFound: whoever asks has no such job.
        """
        return await self._told(await self._record(job_id))

    async def _record(self, job_id: str) -> JobRecord:
        runtime = await self.runtime()
        return await anyio.to_thread.run_sync(runtime.jobs.record, job_id, current_principal())

    async def _told(self, record: JobRecord) -> JobRecord:
        """Return a job with its outlook if it waits, and with what it had made if it was cancelled."""
        runtime = await self.runtime()
        [with_outlook] = await anyio.to_thread.run_sync(runtime.jobs.with_outlooks, [record])
        return await self._looked_into(with_outlook)

    async def wait(self, job_id: str, seconds: float, report: Report) -> JobRecord:
        """Return the job once it has finished, or as it is after `seconds`, reporting every two seconds until then.

        Raises:
            NotFound: whoever asks has no such job.
        """
        started = time.monotonic()
        next_report = started
        while True:
            record = await self._record(job_id)
            now = time.monotonic()
            if record.status in FINISHED or now >= started + seconds:
                return await self._told(record)
            if now >= next_report:
                next_report = now + REPORT_EVERY_SECONDS
                await report(await self._told(record))
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

    async def _open_later(self) -> None:
        if not self.settings.vllm:  # a model takes long to load: it starts at once
            await anyio.sleep(OPEN_AFTER_SECONDS)
        try:
            await self.runtime()
        except ClasswrightError as error:
            logger.error("%s", error)  # a caller of a tool gets the same error


class Runtime:
    """Everything that a process of the workspace keeps open: a server, or a worker."""

    tool_settings: ToolSettings
    workspaces: Workspaces
    jobs: Jobs
    pool: ProcessPool

    def __init__(self, settings: ServerSettings, warm: WarmProcesses | None = None) -> None:
        from classwright_server.config.workspaces import Workspaces
        from classwright_server.jobs.durable import Jobs
        from classwright_server.jobs.liveness import sign_of_life
        from classwright_server.jobs.pool import ProcessPool
        from classwright_server.jobs.warm import WarmProcesses
        from classwright_server.vllm import NoGpuShare, VllmServer

        tool_settings = settings.tool_settings
        with ExitStack() as opening:  # what is open when the next one fails is closed again
            opening.callback(flush_telemetry)
            self.workspaces = Workspaces(tool_settings)
            opening.callback(self.workspaces.close)
            self.workspaces.of(None)  # made, or found to be unusable, before any job is taken
            sign = sign_of_life(tool_settings)
            opening.callback(sign.release)
            gpu: GpuShare = NoGpuShare()
            if settings.vllm:
                gpu = vllm = VllmServer(settings.vllm, os.environ, settings.vllm_thinking_tokens)
                opening.callback(vllm.close)
                tool_settings = tool_settings.model_copy(update={"writer": vllm.endpoint})
            most_seconds = settings.limits.job_hours * 3600
            if warm is None:
                warm = WarmProcesses()
                opening.callback(warm.close)
            self.pool = ProcessPool(warm, os.environ, (sign.descriptor,), most_seconds=most_seconds)
            opening.callback(self.pool.close)
            self.tool_settings = tool_settings
            self.jobs = Jobs(tool_settings, self.workspaces, sign, self.pool, gpu, settings.jobs)
            opening.callback(self.jobs.close)
            self._open = opening.pop_all()

    def close(self) -> None:
        """Stop everything; jobs under way are left for others."""
        self._open.close()


async def _every_two_seconds(go_on: Callable[[], Awaitable[None]]) -> None:
    while True:
        await anyio.sleep(REPORT_EVERY_SECONDS)
        await go_on()


def _ignored(_progress: Progress) -> None:
    """A quick verb's progress is not reported: it has ended before anyone could read it."""


def _unless_cancelled() -> bool:
    """Return that a quick verb is not over; raise if the call that waits for it was cancelled."""
    anyio.from_thread.check_cancelled()
    return False
