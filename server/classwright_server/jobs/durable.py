"""Durable jobs on DBOS: a job survives the server that started it, and runs in one place at a time.

A job is a DBOS workflow whose id is the job's id and the `run_key` of the tool. It waits in a queue of DBOS, its lane.
The workflow hands the order to a compute process and waits; after a crash it is run again, and the tools find what an
earlier run had finished by the `run_key`. Progress is kept in the workflow's attributes, so every server of the
workspace can show it.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import logging
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from dbos import (
    DBOS,
    DBOSContextSetAuth,
    DBOSPortableJSONSerializer,
    SetEnqueueOptions,
    SetWorkflowAttributes,
    SetWorkflowID,
    WorkflowStatus,
)
from sqlalchemy.exc import SQLAlchemyError

from classwright_server.config.settings import COMPUTE, Lane, ToolSettings
from classwright_server.config.workspaces import Workspaces
from classwright_server.jobs.job_table import JobTable
from classwright_server.jobs.lanes import Asked, Work
from classwright_server.jobs.liveness import SignOfLife
from classwright_server.jobs.messages import Order, Outcome, Progress
from classwright_server.jobs.outlook import Durations, Outlook, outlook_of
from classwright_server.jobs.pool import ProcessPool
from classwright_server.jobs.process import JobCancelled
from classwright_server.jobs.retention import Retention
from classwright_server.jobs.telemetry import measured
from classwright_server.jobs.turns import seat_of, turns
from classwright_server.jobs.view import JobStatus
from classwright_server.mcp.verbs import VERBS
from classwright_server.vllm import GpuShare
from classwright_tools.domain.usage import WriterUsage
from classwright_tools.errors import BudgetExceeded, NotFound
from classwright_tools.workspace.atomic import storage_errors
from classwright_tools.workspace.index import postgres_url
from classwright_tools.workspace.restarts import outlasting_restarts
from classwright_tools.workspace.sqlite_files import WAIT_SECONDS, own_file, use_write_ahead_log

logger = logging.getLogger("classwright.jobs")

JOBS_VERSION = "1"
"""The form in which jobs are stored. It does not change with the program, so an upgrade finishes the old jobs."""
POLL_SECONDS = 0.2
TAKE_OVER_SECONDS = 2.0
RESCUER_SECONDS = 5.0  # for its last look, which has no end while the database is out of reach
CANCEL_CHECK_SECONDS = 1.0
PROGRESS_EVERY_SECONDS = 0.5
AT_ONCE: dict[Lane, int] = {"short": 2, "long": 1, "writing": 4}
"""Jobs of a lane that a process runs beside each other."""
OLD_QUEUE = "compute"
"""Where all jobs that compute waited before there were lanes."""

_STATUS: dict[str, JobStatus] = {
    "ENQUEUED": "queued",
    "DELAYED": "queued",
    "PENDING": "running",
    "CANCELLED": "cancelled",
    "ERROR": "failed",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed",
}
_OPERATOR = "operator"
"""The DBOS user of the operator's jobs; a principal's are stored under their slug, which is never this word."""
_NEVER_FINISHED = (
    "The job: ended the server each time that it ran. Call the tool again with less work, or see the server's log."
)


@dataclass(frozen=True)
class JobRecord:
    """What is stored of a job."""

    id: str
    tool: str
    task: str | None
    status: JobStatus
    progress: Progress
    outcome: Outcome | None
    created: datetime
    updated: datetime
    made: tuple[str, ...] = ()
    """What it had made when it was cancelled; looked for only then."""
    usage: WriterUsage | None = None
    """What it has spent on the writer; looked for only while it has no result to say so."""
    outlook: Outlook | None = None
    """When it should begin; looked for only while it waits."""


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
        self._workspaces = workspaces
        self._pool = pool
        self._gpu = gpu
        self._sign = sign
        self._runs: dict[str, object] = {}  # by job, the run of it that may go on in this process
        self._stopping = threading.Event()
        self._seating = threading.Lock()
        _current = self
        try:
            self._table = JobTable(_launch(tool_settings, sign.executor_id, lanes))
            self._durations = Durations(self._table)
        except BaseException:  # half launched, it would pass for launched when it is tried again
            DBOS.destroy(workflow_completion_timeout_sec=0)
            raise
        self._rescuer = threading.Thread(target=self._take_over, name="classwright-rescuer", daemon=True)
        self._rescuer.start()

    def submit(
        self, tool: str, request: dict[str, Any], task: str | None, owner: str | None, *, most_waiting: int
    ) -> str:
        """Store a new job of `owner` and return its id; it will run, whatever becomes of this process.

        Raises:
            BudgetExceeded: `most_waiting` of theirs wait already.
            StorageFailed: the disk is full; there is no job.
        """
        user = owner or _OPERATOR
        _check_queue(user, most_waiting)
        job_id = new_job_id()
        work = self._judged(tool, request, owner)
        attributes = SetWorkflowAttributes({"tool": tool, "task": task, "kind": work.kind, "size": work.size})
        with storage_errors("the job"), self._seating:
            options = SetEnqueueOptions(priority=self._round(work.lane, user, task))
            with SetWorkflowID(job_id), attributes, DBOSContextSetAuth(user, None), options:
                DBOS.enqueue_workflow(work.lane, run_job, tool, request)
        return job_id

    def record(self, job_id: str, owner: str | None) -> JobRecord:
        """Return what is stored of the job `job_id` of `owner`.

        Raises:
            NotFound: there is no such job, or it is another's: whoever asks cannot tell which.
        """
        status = DBOS.get_workflow_status(job_id)
        if status is None or status.authenticated_user != (owner or _OPERATOR):
            raise NotFound(f"job {job_id[:80]!r}", "does not exist", "Call list_jobs to see the jobs there are.")
        return _record(status)

    def with_outlooks(self, records: Sequence[JobRecord]) -> list[JobRecord]:
        """Return the jobs, those that wait with what they may tell of their turn."""
        if all(record.status != "queued" for record in records):
            return list(records)
        everything, now = turns(), time.time()
        return [
            replace(record, outlook=outlook_of(record.id, everything, self._durations.of, now))
            if record.status == "queued"
            else record
            for record in records
        ]

    def newest(self, limit: int, offset: int, owner: str | None) -> list[JobRecord]:
        """Return `limit` jobs of `owner`, newest first, from the one at `offset` on."""
        user = owner or _OPERATOR
        found = DBOS.list_workflows(user=user, limit=limit, offset=offset, sort_desc=True, load_input=False)
        return [_record(status) for status in found]

    def cancel(self, job_id: str, owner: str | None) -> JobRecord:
        """Stop a job of `owner`, wherever it runs, and return it as it then is; a finished one stays as it is.

        Raises:
            NotFound: there is no such job, or it is another's.
            StorageFailed: the disk is full; the job goes on.
        """
        self.record(job_id, owner)
        with storage_errors(f"job {job_id!r}"):
            DBOS.cancel_workflow(job_id)
        self._runs.pop(job_id, None)
        self._pool.end(job_id)
        return self.record(job_id, owner)

    def close(self) -> None:
        """Stop: what is under way is left for another server, or for the next start."""
        if self._runs:
            logger.warning("stopping: %d job(s) are left for another server, or for the next start", len(self._runs))
        self._stopping.set()
        self._pool.close()
        DBOS.destroy(workflow_completion_timeout_sec=0)
        self._rescuer.join(RESCUER_SECONDS)

    # --- inside

    def run(self, job_id: str, tool: str, request: dict[str, Any], owner: str | None) -> Outcome:
        """Run a job of `owner` in a compute process. Called by the workflow, in a thread of its own.

        Raises:
            JobCancelled: it was cancelled or taken over, or waits in another lane from now on.
        """
        order = self._order(job_id, tool, request, owner)
        with self._run_of(job_id) as is_over:  # a beginning that is slow is no stray
            lane = self._begin(order)
            return measured(tool, functools.partial(self._computed, order, is_over, lane))

    def _order(self, job_id: str, tool: str, request: dict[str, Any], owner: str | None) -> Order:
        return Order(run_key=job_id, tool_settings=self._tool_settings, owner=owner, tool=tool, request=request)

    def _begin(self, order: Order) -> Lane:
        """Return the lane in which a job begins, judged again: what it reads may have grown since the call.

        Raises:
            JobCancelled: it is cancelled, or it is no short work any more and waits in the long lane from now on.
        """
        status = contextvars.Context().run(DBOS.get_workflow_status, order.run_key)
        if status is None or status.status != "PENDING" or status.queue_name is None:  # cancelled since it was taken
            raise JobCancelled
        lane = cast("Lane", status.queue_name)
        work = self._judged_again(order)
        if work and (lane, work.lane) == ("short", "long"):
            self._move(status, "long", self._sign.executor_id)
            raise JobCancelled
        known = {"kind": work.kind, "size": work.size} if work else {}
        _ProgressRecord(order.run_key).store({"fraction": 0.0, "message": "started", **known})
        return lane

    def _computed(self, order: Order, is_over: Callable[[], bool], lane: Lane) -> Outcome:
        """Run a job that has begun."""
        report = _ProgressRecord(order.run_key)
        with self._gpu.of(lane):
            began = time.monotonic()
            outcome = self._pool.run(order, report, is_over, lane)
        if outcome.error is None:  # the duration of others of its kind is estimated from these
            report.store({"seconds": round(time.monotonic() - began, 3)})
        return outcome

    def _judged(self, tool: str, request: dict[str, Any], owner: str | None) -> Work:
        """Return the lane and the size of a job."""
        return VERBS[tool].judge(Asked(tool, request, self._workspaces.of(owner), self._tool_settings))

    def _judged_again(self, order: Order) -> Work | None:
        """Return the lane and the size of a stored job; None if they cannot be told.

        An older version may have stored it, and its request lack what has a default by now.
        """
        tool, owner = order.tool, order.owner
        try:
            request = VERBS[tool].request.model_validate(order.request).model_dump(mode="json")
            return outlasting_restarts(self._table.engine, lambda: self._judged(tool, request, owner))
        except Exception:  # what is wrong with it the run itself tells
            logger.warning("the lane of job %s cannot be told", order.run_key, exc_info=True)
            return None

    def _move(self, status: WorkflowStatus, lane: Lane, executor_id: str | None = None) -> None:
        """Let a job wait in `lane`, in the turn that a new one would get there; see `JobTable.move`."""
        user, task = status.authenticated_user or "", (status.attributes or {}).get("task")

        def move() -> None:
            with self._seating:
                self._table.move(status.workflow_id, lane, self._round(lane, user, task), executor_id)

        outlasting_restarts(self._table.engine, move)

    def _round(self, lane: Lane, user: str, task: str | None) -> int:
        """Return the round of a new job of DBOS's `user` in `lane`, when it has room there. Needs the lock of seats."""
        # In an empty context: within a workflow it would be kept as a step of it.
        seat = seat_of(contextvars.Context().run(turns, lane), user, task)
        if seat.moves_others:
            self._table.make_room(lane, user, seat)
        return seat.round

    @contextlib.contextmanager
    def _run_of(self, job_id: str) -> Iterator[Callable[[], bool]]:
        """Enter a new run of a job, and yield what tells whether it is over: cancelled, or taken over by another.

        A job is taken over while its run goes on when this process was out of reach for a while.
        """
        run = self._runs[job_id] = object()
        next_look = 0.0

        def is_over() -> bool:
            nonlocal next_look
            if self._runs.get(job_id) is not run:
                return True
            if time.monotonic() < next_look:
                return False
            next_look = time.monotonic() + CANCEL_CHECK_SECONDS
            status = contextvars.Context().run(DBOS.get_workflow_status, job_id)
            return status is None or (status.status, status.executor_id) != ("PENDING", self._sign.executor_id)

        try:
            yield is_over
        finally:
            if self._runs.get(job_id) is run:
                del self._runs[job_id]

    def _take_over(self) -> None:
        """Take up the jobs of servers that died, and those of this one that strayed; forget those that are old."""
        retention = Retention()
        strays: set[str] = set()
        while not self._stopping.is_set():
            try:
                strays = self._looked_after(retention, strays)
            except SQLAlchemyError:  # a busy database: the next round looks again
                pass
            except Exception:  # without this thread no job of a dead server would ever go on
                logger.exception("looking after the jobs failed; it is tried again")
            self._stopping.wait(TAKE_OVER_SECONDS)

    def _looked_after(self, retention: Retention, strays: set[str]) -> set[str]:
        """Look after all jobs once; return those that count as running here and are not, as `strays` did before."""
        retention.sweep_if_due()
        self._move_old_jobs()
        running = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        owners = {status.executor_id for status in running if status.executor_id} - {self._sign.executor_id}
        dead = self._sign.dead(owners)
        if dead:
            left = sum(status.executor_id in dead for status in running)
            logger.warning("going on with %d job(s) that ended servers left unfinished", left)
            # Internal to DBOS, where Conductor calls it. It returns a job to its queue only while the dead server
            # still owns it, so that two servers that see the same death start it once.
            DBOS._recover_pending_workflows(dead)
        return self._resume_strays(running, strays)

    def _move_old_jobs(self) -> None:
        """Let the jobs that were queued before there were lanes wait in theirs."""
        for status in DBOS.list_workflows(status="ENQUEUED", queue_name=OLD_QUEUE, load_output=False):
            assert status.input is not None
            tool, request = status.input["args"]
            owner = _owner(status.authenticated_user)
            work = self._judged_again(self._order(status.workflow_id, tool, request, owner))
            self._move(status, work.lane if work else "long")

    def _resume_strays(self, running: list[WorkflowStatus], before: set[str]) -> set[str]:
        """Return the jobs that count as running here and are not; run again those that were so at the look `before`.

        The end of such a job could not be stored, because the disk was full. Its second run finds what the first made.
        """
        own = [status for status in running if status.executor_id == self._sign.executor_id]
        strays = {status.workflow_id: status.queue_name for status in own if status.workflow_id not in self._runs}
        for job_id in strays.keys() & before:
            logger.warning("running job %s again: how it ended could not be stored", job_id)
            DBOS.resume_workflow(job_id, queue_name=strays.pop(job_id))
        return set(strays)


_current: Jobs | None = None


@DBOS.workflow(name="job")
def run_job(tool: str, request: dict[str, Any]) -> dict[str, Any]:
    """Run one job; DBOS calls it again if the process that runs it dies."""
    assert _current is not None
    assert DBOS.workflow_id is not None
    assert DBOS.authenticated_user is not None
    try:
        outcome = _current.run(DBOS.workflow_id, tool, request, _owner(DBOS.authenticated_user))
        return outcome.model_dump(mode="json")
    except JobCancelled:
        logger.info("job %s was cancelled, or taken over by another", DBOS.workflow_id)
        raise


def _owner(user: str | None) -> str | None:
    """Return the principal that is DBOS's `user`; None is the operator."""
    return None if user == _OPERATOR else user


def _launch(tool_settings: ToolSettings, executor_id: str, lanes: Sequence[Lane]) -> DBOS:
    """Launch DBOS on the workspace's database, with a queue a lane, of which this process takes jobs from `lanes`."""
    dbos = DBOS(
        config={
            "name": "classwright",
            "system_database_url": _database_url(tool_settings),
            "application_version": JOBS_VERSION,
            "executor_id": executor_id,
            "serializer": DBOSPortableJSONSerializer(),
            "db_engine_kwargs": {"hide_parameters": True},  # an error in the log holds no text of a request
            "log_level": "WARNING",
        }
    )
    DBOS.listen_queues(lanes)
    DBOS.launch()
    # SQLite is shared by the servers of one machine, PostgreSQL by hosts with a GPU each.
    one_machine = tool_settings.index_url is None
    for lane in AT_ONCE:
        most = jobs_at_once(lane, tool_settings)
        together = most if one_machine and lane in COMPUTE else None
        DBOS.register_queue(
            lane, worker_concurrency=most, global_concurrency=together, polling_interval_sec=POLL_SECONDS
        )
    return dbos


def jobs_at_once(lane: Lane, tool_settings: ToolSettings) -> int:
    """Return the number of jobs of `lane` that a process runs beside each other.

    It is one where each job that writes would load the writer's model again.
    """
    writer = tool_settings.writer
    return 1 if lane == "writing" and writer is not None and writer.loads_model else AT_ONCE[lane]


def _check_queue(user: str, most_waiting: int) -> None:
    """Raise a `BudgetExceeded` if `most_waiting` jobs of DBOS's `user` wait for their turn."""
    last = DBOS.list_workflows(
        user=user, status="ENQUEUED", offset=most_waiting - 1, limit=1, load_input=False, load_output=False
    )
    if last:
        raise BudgetExceeded(
            "your queue",
            f"holds {most_waiting} jobs that wait for their turn, which is all that are allowed",
            "Call again when some are done, or cancel some with cancel_job.",
        )


def new_job_id() -> str:
    """Return an id that nobody can guess: 128 random bits."""
    return f"job_{secrets.token_hex(16)}"


class _ProgressRecord:
    """Stores a job's progress, not more often than anyone looks."""

    def __init__(self, job_id: str) -> None:
        self._job_id = job_id
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        """Store `progress` unless another was stored just before."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + PROGRESS_EVERY_SECONDS
        self.store({"fraction": progress.fraction, "message": progress.message})

    def store(self, attributes: dict[str, Any]) -> None:
        """Store what is known of the job, beside what is known already."""
        with contextlib.suppress(SQLAlchemyError):  # a job does not fail because its progress could not be told
            # In an empty context, so that DBOS does not take it for a step of the workflow and keep every one.
            contextvars.Context().run(DBOS.update_workflow_attributes, self._job_id, attributes, merge=True)


def _record(status: WorkflowStatus) -> JobRecord:
    attributes = status.attributes or {}
    outcome = Outcome.model_validate(status.output) if status.output else None
    known: JobStatus = "completed" if outcome and outcome.error is None else "failed"
    state = known if status.status == "SUCCESS" else _STATUS[status.status]
    if state == "failed" and outcome is None:
        logger.error("job %s ended as %s: %r", status.workflow_id, status.status, status.error)
        outcome = Outcome(error=_NEVER_FINISHED, defect=True)
    return JobRecord(
        id=status.workflow_id,
        tool=str(attributes.get("tool", "")),
        task=attributes.get("task"),
        status=state,
        progress=Progress(fraction=attributes.get("fraction"), message=attributes.get("message") or ""),
        outcome=outcome,
        created=_moment(status.created_at),
        updated=_moment(status.updated_at),
    )


def _moment(milliseconds: int | None) -> datetime:
    return datetime.fromtimestamp((milliseconds or 0) / 1000, UTC)


def _database_url(tool_settings: ToolSettings) -> str:
    """Return where DBOS keeps its tables: in the index's PostgreSQL, else in a SQLite file of the workspace."""
    if tool_settings.index_url:
        return postgres_url(tool_settings.index_url).render_as_string(hide_password=False)
    path = own_file(tool_settings.workspace / "jobs.sqlite")
    with contextlib.closing(sqlite3.connect(path, timeout=WAIT_SECONDS)) as connection:
        use_write_ahead_log(connection)  # kept in the file
    return f"sqlite:///{path}"
