"""The rescue of jobs: what dead servers left, and what strayed, is taken up; what is old is forgotten."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from dbos import DBOS, WorkflowStatus
from sqlalchemy.exc import SQLAlchemyError

from classwright_server.jobs.job_table import JobTable
from classwright_server.jobs.liveness import SignOfLife
from classwright_server.jobs.retention import Retention
from classwright_server.jobs.runs import Runs
from classwright_tools.work import Lane

logger = logging.getLogger("classwright.jobs")

TAKE_OVER_SECONDS = 2.0
LAST_LOOK_SECONDS = 5.0  # which has no end while the database is out of reach


class Rescuer:
    """A thread that looks after the jobs every two seconds."""

    def __init__(self, sign: SignOfLife, runs: Runs, lanes: Sequence[Lane], table: JobTable) -> None:
        """Look after the jobs of all lanes; those of `lanes` are run here."""
        self._lanes = lanes
        self._table = table
        self._sign = sign
        self._runs = runs
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._look_after, name="classwright-rescuer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look after nothing any more."""
        self._stopping.set()

    def join(self) -> None:
        """Wait for the end of a look that is under way."""
        self._thread.join(LAST_LOOK_SECONDS)

    # --- inside

    def _look_after(self) -> None:
        retention = Retention(self._table)
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
        running = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        owners = {status.executor_id for status in running if status.executor_id} - {self._sign.executor_id}
        dead = self._sign.dead(owners)
        if dead:
            left = [status.queue_name in self._lanes for status in running if status.executor_id in dead]
            if True in left:
                logger.warning("going on with %d job(s) that ended servers left unfinished", left.count(True))
            if False in left:
                words = "%d job(s) that ended servers left unfinished wait for a process that takes such jobs"
                logger.warning(words, left.count(False))
            # Internal to DBOS, where Conductor calls it. It returns a job to its queue only while the dead server
            # still owns it, so that two servers that see the same death start it once.
            DBOS._recover_pending_workflows(dead)
        return self.resume_strays(running, strays)

    def resume_strays(self, running: list[WorkflowStatus], before: set[str]) -> set[str]:
        """Return the jobs that count as running here and are not; run again those that were so at the look `before`.

        The end of such a job could not be stored, because the disk was full. Its second run finds what the first made.
        """
        own = [status for status in running if status.executor_id == self._sign.executor_id]
        strays = {status.workflow_id: status.queue_name for status in own if status.workflow_id not in self._runs}
        for job_id in strays.keys() & before:
            logger.warning("running job %s again: how it ended could not be stored", job_id)
            DBOS.resume_workflow(job_id, queue_name=strays.pop(job_id))
        return set(strays)
