"""Durable jobs on DBOS: a job survives the server that started it, and runs in one place at a time.

A job is a DBOS workflow whose id is the job's id and the `run_key` of the tool. It waits in a queue of DBOS, its lane.
The workflow hands the order to a compute process and waits; after a crash it is run again, and the tools find what an
earlier run had finished by the `run_key`. Progress is kept in the workflow's attributes, so every server of the
workspace can show it.
"""

from __future__ import annotations

import functools
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

from dbos import DBOS

from classwright_server.config.settings import ToolSettings
from classwright_server.config.workspaces import Workspaces
from classwright_server.jobs.job_queue import JobQueue
from classwright_server.jobs.job_table import JobTable
from classwright_server.jobs.launch import configured, launch
from classwright_server.jobs.liveness import SignOfLife
from classwright_server.jobs.messages import Order, Outcome
from classwright_server.jobs.outlook import Durations, outlook_of
from classwright_server.jobs.pool import ProcessPool
from classwright_server.jobs.process import JobCancelled
from classwright_server.jobs.records import JobRecord, ProgressRecord, owner_of, record_of, status_of, user_of
from classwright_server.jobs.rescue import Rescuer
from classwright_server.jobs.runs import Runs
from classwright_server.jobs.telemetry import measured, observe_turns
from classwright_server.vllm import GpuShare
from classwright_tools.domain.noun import ToolRequest
from classwright_tools.errors import NotFound
from classwright_tools.work import Lane
from classwright_tools.workspace.atomic import storage_errors

logger = logging.getLogger("classwright.jobs")


class Jobs:
    """The jobs of one workspace, as this process sees and runs them. One at a time in a process."""

    def __init__(
        self,
        tool_settings: ToolSettings,
        workspaces: Workspaces,
        sign: SignOfLife,
        pool: ProcessPool,
        gpu: GpuShare,
        lanes: Sequence[Lane],
    ) -> None:
        """Launch DBOS on the workspace's database and begin to take jobs from `lanes`."""
        global _current
        self._tool_settings = tool_settings
        self._pool = pool
        self._gpu = gpu
        self._lanes = lanes
        self._sign = sign
        self._runs = Runs(sign.executor_id)
        try:
            self._table = JobTable(configured(tool_settings, sign.executor_id))
            self._queue = JobQueue(self._table, tool_settings, workspaces)
            self._durations = Durations(self._table)
            _current = self  # from the launch on, jobs are taken
            launch(lanes)
            observe_turns(self._table.turns)
        except BaseException:  # half launched, it would pass for launched when it is tried again
            DBOS.destroy(workflow_completion_timeout_sec=0)
            raise
        self._rescuer = Rescuer(sign, self._runs, lanes, self._table)

    def submit(self, tool: str, request: ToolRequest, owner: str | None, *, most_waiting: int) -> str:
        """Store a new job of `owner` and return its id; it will run, whatever becomes of this process.

        Raises:
            BudgetExceeded: `most_waiting` of theirs wait already.
            StorageFailed: the disk is full; there is no job.
        """
        order = self._order(new_job_id(), tool, request.as_sent(), owner)
        self._queue.put(order, request, run_job, most_waiting=most_waiting)
        return order.run_key

    def record(self, job_id: str, owner: str | None) -> JobRecord:
        """Return what is stored of the job `job_id` of `owner`.

        Raises:
            NotFound: there is no such job, or it is another's: whoever asks cannot tell which.
        """
        status = status_of(job_id)
        if status is None or status.authenticated_user != user_of(owner):
            raise NotFound(f"job {job_id[:80]!r}", "does not exist", "Call list_jobs to see the jobs there are.")
        return record_of(status)

    def with_outlooks(self, records: Sequence[JobRecord]) -> list[JobRecord]:
        """Return the jobs, those that wait with what they may tell of their turn."""
        if all(record.status != "queued" for record in records):
            return list(records)
        everything, now = self._table.turns(), time.time()
        return [
            replace(record, outlook=outlook_of(record.id, everything, self._durations.of, now, self._lanes))
            if record.status == "queued"
            else record
            for record in records
        ]

    def newest(self, limit: int, offset: int, owner: str | None) -> list[JobRecord]:
        """Return `limit` jobs of `owner`, newest first, from the one at `offset` on; without their outcomes."""
        user = user_of(owner)
        found = DBOS.list_workflows(
            user=user, limit=limit, offset=offset, sort_desc=True, load_input=False, load_output=False
        )
        return [record_of(status, listed=True) for status in found]

    def cancel(self, job_id: str, owner: str | None) -> JobRecord:
        """Stop a job of `owner`, wherever it runs, and return it as it then is; a finished one stays as it is.

        Raises:
            NotFound: there is no such job, or it is another's.
            StorageFailed: the disk is full; the job goes on.
        """
        self.record(job_id, owner)
        with storage_errors(f"job {job_id!r}"):
            DBOS.cancel_workflow(job_id)
        self._runs.stop(job_id)
        self._pool.end(job_id)
        return self.record(job_id, owner)

    def close(self) -> None:
        """Stop: what is under way is left for another server, or for the next start."""
        if self._runs:
            logger.warning("stopping: %d job(s) are left for another server, or for the next start", len(self._runs))
        observe_turns(None)
        self._rescuer.stop()
        self._pool.close()
        DBOS.destroy(workflow_completion_timeout_sec=0)
        self._rescuer.join()

    # --- inside

    def run(self, job_id: str, tool: str, request: dict[str, Any], owner: str | None) -> Outcome:
        """Run a job of `owner` in a compute process. Called by the workflow, in a thread of its own.

        Raises:
            JobCancelled: it was cancelled or taken over, or waits in another lane from now on.
        """
        order = self._order(job_id, tool, request, owner)
        with self._runs.entered(job_id) as is_over:  # a beginning that is slow is no stray
            lane = self._begin(order, is_over)
            return measured(tool, functools.partial(self._computed, order, is_over, lane))

    def _order(self, job_id: str, tool: str, request: dict[str, Any], owner: str | None) -> Order:
        return Order(run_key=job_id, tool_settings=self._tool_settings, owner=owner, tool=tool, request=request)

    def _begin(self, order: Order, is_over: Callable[[], bool]) -> Lane:
        """Return the lane in which a job begins, judged again: what it reads may have grown since the call.

        Raises:
            JobCancelled: it is cancelled, or it waits again: in the long lane, as it is no short work any more, or
                behind an interrupted job.
        """
        status = status_of(order.run_key)
        if status is None or status.status != "PENDING" or status.queue_name is None:  # cancelled since it was taken
            raise JobCancelled
        lane = cast("Lane", status.queue_name)
        work = self._queue.judged_again(order)
        if work and (lane, work.lane) == ("short", "long"):
            self._queue.move(status, "long", self._sign.executor_id)
            raise JobCancelled
        if self._queue.put_back(order.run_key, lane, self._sign, is_over):
            raise JobCancelled
        known = self._queue.known_of(order, work) if work else {}
        begun = 1 + (status.attributes or {}).get("begun", 0)
        ProgressRecord(order.run_key).store(
            {"fraction": 0.0, "message": "started", "ends": None, "begun": begun, **known}
        )
        return lane

    def _computed(self, order: Order, is_over: Callable[[], bool], lane: Lane) -> Outcome:
        """Run a job that has begun."""
        report = ProgressRecord(order.run_key)
        with self._gpu.of(lane):
            began = time.monotonic()
            outcome = self._pool.run(order, report, is_over, lane)
            seconds = time.monotonic() - began
        ended = "failed" if outcome.error else "completed"
        whose = f" of principal {order.owner}" if order.owner else ""
        logger.info("%s%s %s after %.1f s (%s)", order.tool, whose, ended, seconds, order.run_key)
        # The duration of others of its kind is estimated from these.
        timed = {"seconds": round(seconds, 3)} if outcome.error is None else {}
        report.store({"ended": ended, **timed})
        return outcome


_current: Jobs | None = None


@DBOS.workflow(name="job")
def run_job(tool: str, request: dict[str, Any]) -> dict[str, Any]:
    """Run one job; DBOS calls it again if the process that runs it dies."""
    assert _current is not None
    assert DBOS.workflow_id is not None
    assert DBOS.authenticated_user is not None
    try:
        outcome = _current.run(DBOS.workflow_id, tool, request, owner_of(DBOS.authenticated_user))
        return outcome.model_dump(mode="json")
    except JobCancelled:
        logger.info("job %s was cancelled, or taken over by another", DBOS.workflow_id)
        raise


def new_job_id() -> str:
    """Return an id that nobody can guess: 128 random bits."""
    return f"job_{secrets.token_hex(16)}"
