"""The queue of jobs: each is judged, and gets a lane and a seat in it; one whose work has grown is moved."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from dbos import DBOS, DBOSContextSetAuth, SetEnqueueOptions, SetWorkflowAttributes, SetWorkflowID, WorkflowStatus

from classwright_server.config.settings import ToolSettings
from classwright_server.config.workspaces import Workspaces
from classwright_server.jobs.job_table import JobTable
from classwright_server.jobs.launch import jobs_at_once
from classwright_server.jobs.liveness import SignOfLife
from classwright_server.jobs.messages import Order
from classwright_server.jobs.records import user_of
from classwright_server.jobs.sizes import StoredSizes
from classwright_server.jobs.turns import seat_of
from classwright_tools.catalogue import catalogue
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.noun import ToolRequest
from classwright_tools.errors import BudgetExceeded
from classwright_tools.tool import task_named
from classwright_tools.work import Lane, Work
from classwright_tools.workspace.atomic import storage_errors
from classwright_tools.workspace.restarts import outlasting_restarts

logger = logging.getLogger("classwright.jobs")

_LOOK_SECONDS = 0.2

_WAITING = ("job that waits for its turn, which is all that is", "jobs that wait for their turn, which is all that are")


class JobQueue:
    """The lanes of one workspace. Safe for several threads."""

    def __init__(self, table: JobTable, tool_settings: ToolSettings, workspaces: Workspaces) -> None:
        self._table = table
        self._tool_settings = tool_settings
        self._tools = catalogue(tool_settings.tools)
        self._workspaces = workspaces
        self._seating = threading.Lock()

    def put(self, order: Order, request: ToolRequest, workflow: Callable[..., Any], *, most_waiting: int) -> None:
        """Store a new job, which `workflow` runs with the tool and the `request` of its order.

        Raises:
            BudgetExceeded: `most_waiting` of its principal's wait already.
            StorageFailed: the disk is full; there is no job.
        """
        user = user_of(order.owner)
        _check_room(user, most_waiting)
        task, work = task_named(request), self._judged(order, request)
        attributes = SetWorkflowAttributes({"tool": order.tool, "task": task, **self.known_of(order, work)})
        with storage_errors("the job"), self._seating:
            options = SetEnqueueOptions(priority=self._round(work.lane, user, task))
            with SetWorkflowID(order.run_key), attributes, DBOSContextSetAuth(user, None), options:
                DBOS.enqueue_workflow(work.lane, workflow, order.tool, order.request)

    def judged_again(self, order: Order) -> Work | None:
        """Return the lane and the size of a stored job; None if they cannot be told.

        An older version may have stored it, and its request lack what has a default by now.
        """
        try:
            request = self._tools[order.tool].request.model_validate(order.request)
            return outlasting_restarts(self._table.engine, lambda: self._judged(order, request))
        except Exception:  # what is wrong with it the run itself tells
            logger.warning("the lane of job %s cannot be told", order.run_key, exc_info=True)
            return None

    def known_of(self, order: Order, work: Work) -> dict[str, Any]:
        """Return what is stored of a job's work, by which it is told how long others will take."""
        return {"kind": self._tools[order.tool].kind_of(work), "size": work.size}

    def move(self, status: WorkflowStatus, lane: Lane, executor_id: str) -> None:
        """Let a job wait in `lane`, in the turn that a new one would get there; see `JobTable.move`."""
        user, task = status.authenticated_user or "", (status.attributes or {}).get("task")

        def move() -> None:
            with self._seating:
                self._table.move(status.workflow_id, lane, self._round(lane, user, task), executor_id)

        outlasting_restarts(self._table.engine, move)

    def put_back(self, job_id: str, lane: Lane, sign: SignOfLife, is_over: Callable[[], bool]) -> bool:
        """Whether a job that this process has taken is not to begin: it is over, or waits again for its turn.

        It waits where it would take the place of one ahead of it whose process gives no sign of life. That one goes
        back into the lane when its process counts as dead, which takes a while, and goes on first.
        """
        waited = False
        while not is_over():
            turns = outlasting_restarts(self._table.engine, lambda: self._table.turns(lane))
            own = next((turn for turn in turns if turn.job_id == job_id), None)
            if own is None:  # another server cancelled it
                return True
            ahead = turns[: turns.index(own)]
            here = [turn for turn in turns if turn.runs and turn.executor == sign.executor_id]
            others = {turn.executor for turn in ahead if turn.runs and turn.executor} - {sign.executor_id}
            silent = sign.silent(others)
            interrupted = [turn for turn in ahead if turn.runs and turn.executor in silent]
            if not interrupted or len(here) + len(interrupted) <= jobs_at_once(lane, self._tool_settings):
                if waited and not all(turn.runs for turn in ahead):
                    move = functools.partial(self._table.move, job_id, lane, own.round, sign.executor_id)
                    outlasting_restarts(self._table.engine, move)
                    return True
                return False
            waited = True
            time.sleep(_LOOK_SECONDS)
        return True

    def _judged(self, order: Order, request: ToolRequest) -> Work:
        """Return the lane and the size of a job."""
        sizes = StoredSizes(self._workspaces.of(order.owner), self._tool_settings)
        return self._tools[order.tool].work(request, sizes)

    def _round(self, lane: Lane, user: str, task: str | None) -> int:
        """Return the round of a new job of DBOS's `user` in `lane`, when it has room there. Needs the lock of seats."""
        seat = seat_of(self._table.turns(lane), user, task)
        if seat.moves_others:
            self._table.make_room(lane, user, seat)
        return seat.round


def _check_room(user: str, most_waiting: int) -> None:
    """Raise a `BudgetExceeded` if `most_waiting` jobs of DBOS's `user` wait for their turn."""
    last = DBOS.list_workflows(
        user=user, status="ENQUEUED", offset=most_waiting - 1, limit=1, load_input=False, load_output=False
    )
    if last:
        raise BudgetExceeded(
            "your queue",
            f"holds {counted(most_waiting, *_WAITING)} allowed",
            "Call again when some are done, or cancel some with cancel_job.",
        )
