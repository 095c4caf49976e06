"""Records of jobs, read from their DBOS workflows, and their progress, written into them."""

from __future__ import annotations

import contextlib
import contextvars
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dbos import DBOS, WorkflowStatus
from sqlalchemy.exc import SQLAlchemyError

from classwright_server.jobs.job_table import LIVE
from classwright_server.jobs.messages import Outcome, Progress
from classwright_server.jobs.outlook import Outlook
from classwright_server.jobs.view import JobStatus
from classwright_tools.domain.usage import WriterUsage

logger = logging.getLogger("classwright.jobs")

PROGRESS_EVERY_SECONDS = 0.5

_STATUS: dict[str, JobStatus] = {
    "ENQUEUED": "queued",
    "DELAYED": "queued",
    "PENDING": "running",
    "CANCELLED": "cancelled",
    "ERROR": "failed",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed",
}
_PROGRESS = ("fraction", "ends", "estimate")
"""What is told of a job's progress besides the message, by the names of its attributes."""
_AGAIN = "begun again after an interruption"
_OPERATOR = "operator"
"""The DBOS user of the operator's jobs; a principal's are stored under their slug, which is never this word."""
_NEVER_FINISHED = (
    "The job: ended the server each time that it ran. Call the tool again with less work, or see the server's log."
)


@dataclass(frozen=True)
class JobRecord:
    """A job as it is stored."""

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


def user_of(owner: str | None) -> str:
    """Return the DBOS user of the jobs of a principal; None is the operator."""
    return owner or _OPERATOR


def owner_of(user: str | None) -> str | None:
    """Return the principal that is DBOS's `user`; None is the operator."""
    return None if user == _OPERATOR else user


def status_of(job_id: str) -> WorkflowStatus | None:
    """Return the workflow of a job without its request, which may be megabytes; with its outcome once it has ended."""
    found = _looked_up(job_id, load_output=False)
    return found if found is None or found.status in LIVE else _looked_up(job_id, load_output=True)


def _looked_up(job_id: str, *, load_output: bool) -> WorkflowStatus | None:
    def look() -> list[WorkflowStatus]:
        return DBOS.list_workflows(workflow_ids=[job_id], load_input=False, load_output=load_output)

    # In an empty context, so that DBOS does not take it for a step of a workflow and keep every one.
    return next(iter(contextvars.Context().run(look)), None)


def record_of(status: WorkflowStatus, *, listed: bool = False) -> JobRecord:
    """Return what the workflow of a job says of it; of one that is `listed`, that has no outcome, how it ended."""
    attributes = status.attributes or {}
    if listed and status.status == "SUCCESS" and not attributes.keys() & {"ended", "seconds"}:  # they were not stored
        whole = status_of(status.workflow_id)
        if whole:
            return record_of(whole)
    message = attributes.get("message") or ""
    outcome = Outcome.model_validate(status.output) if status.output else None
    known: JobStatus = "completed" if outcome and outcome.error is None else "failed"
    if listed:
        known = attributes.get("ended") or "completed"  # an older version stored the seconds of those alone
    state = known if status.status == "SUCCESS" else _STATUS[status.status]
    if state == "failed" and outcome is None and not listed:
        logger.error("job %s ended as %s: %r", status.workflow_id, status.status, status.error)
        outcome = Outcome(error=_NEVER_FINISHED, defect=True)
    known_progress = {name: attributes.get(name) for name in _PROGRESS}
    begun = attributes.get("begun", 0)
    if state == "running" and begun > 1:
        message += f" ({_AGAIN})"
    elif state == "queued" and begun:  # how far it came says nothing any more
        known_progress |= {"fraction": 0.0, "ends": None}
        message = f"waits to be {_AGAIN}"
    return JobRecord(
        id=status.workflow_id,
        tool=str(attributes.get("tool", "")),
        task=attributes.get("task"),
        status=state,
        progress=Progress.model_validate(known_progress | {"message": message}),
        outcome=outcome,
        created=_moment(status.created_at),
        updated=_moment(status.updated_at),
    )


class ProgressRecord:
    """Stores a job's progress, not more often than anyone looks."""

    def __init__(self, job_id: str) -> None:
        self._job_id = job_id
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        """Store `progress` unless another was stored just before; an estimate is told once, and stored in any case."""
        now = time.monotonic()
        if now < self._next and progress.estimate is None:
            return
        self._next = now + PROGRESS_EVERY_SECONDS
        told = {name: value for name, value in progress.model_dump().items() if name != "estimate" or value}
        self.store(told)

    def store(self, attributes: dict[str, Any]) -> None:
        """Store what is known of the job, beside what is known already."""
        # In an empty context, as above.
        with contextlib.suppress(SQLAlchemyError):  # a job does not fail because its progress could not be told
            contextvars.Context().run(DBOS.update_workflow_attributes, self._job_id, attributes, merge=True)


def _moment(milliseconds: int | None) -> datetime:
    return datetime.fromtimestamp((milliseconds or 0) / 1000, UTC)
