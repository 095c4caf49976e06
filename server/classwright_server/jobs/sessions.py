"""Signs of life over many hosts: each process holds an advisory lock in a session of the jobs' PostgreSQL.

PostgreSQL gives the lock back when the session ends: at once when the last process that holds its socket is gone, and
within half a minute when the host is. The socket is handed to the compute processes, as a lock on a file would be.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections.abc import Iterable
from typing import Any

import psycopg

from classwright_tools.errors import StorageFailed
from classwright_tools.workspace.database import postgres_url

logger = logging.getLogger("classwright.jobs")

LOOK_SECONDS = 1.0
GRACE_SECONDS = 5.0
"""A lock must be free for so long before its holder counts as dead: when PostgreSQL starts anew all locks are gone, and
the living take theirs again within a look or two."""
# A host that is gone closes no connection. With these PostgreSQL gives one up as early as its clients do.
_SERVER_TIMEOUTS = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25000",
}


class SessionLock:
    """An advisory lock in a session of its own, taken again when the session is lost."""

    def __init__(self, index_url: str) -> None:
        """Take a new lock in the database at `index_url`.

        Raises:
            StorageFailed: it does not answer.
        """
        url = postgres_url(index_url).set(drivername="postgresql")
        self._url = url.render_as_string(hide_password=False)
        self.executor_id = uuid.uuid4().hex
        try:
            self._session = self._new_session()
        except psycopg.OperationalError as error:
            logger.warning("the database of --index-url: %s", error)
            raise StorageFailed(
                "database of the jobs", "does not answer", "Start it, or correct --index-url."
            ) from error
        # A number of its own, which stays when the session behind it is replaced.
        self.descriptor = os.dup(self._session.fileno())
        self._free_since: dict[str, float] = {}
        self._stopping = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="classwright-keeper", daemon=True)
        self._keeper.start()

    def dead(self, executor_ids: Iterable[str]) -> list[str]:
        """Return those whose lock nobody has held for the time of grace."""
        now = time.monotonic()
        self._free_since = {one: self._free_since.get(one, now) for one in self.silent(executor_ids)}
        return [one for one, since in self._free_since.items() if now - since >= GRACE_SECONDS]

    def silent(self, executor_ids: Iterable[str]) -> list[str]:
        """Return those whose lock nobody holds now."""
        try:
            return [one for one in executor_ids if self._is_free(one)]
        except psycopg.OperationalError:  # the session is lost: what was seen in it says nothing about the next one
            return []

    def release(self) -> None:
        """End the session, and with it the lock."""
        self._stopping.set()
        self._keeper.join()
        self._session.close()
        os.close(self.descriptor)

    # --- inside

    def _new_session(self) -> psycopg.Connection[Any]:
        session = psycopg.connect(self._url, autocommit=True)
        for name, value in _SERVER_TIMEOUTS.items():
            session.execute("SELECT set_config(%s, %s, false)", (name, value))
        # Shared, so that it need not wait for a lost session of this process that the server has not given up yet.
        session.execute("SELECT pg_advisory_lock_shared(%s)", (_key(self.executor_id),))
        return session

    def _is_free(self, executor_id: str) -> bool:
        """Whether nobody holds the lock; the look's own lock ends with its statement."""
        found = self._session.execute("SELECT pg_try_advisory_xact_lock(%s)", (_key(executor_id),)).fetchone()
        return bool(found and found[0])

    def _keep(self) -> None:
        """Look whether the session is there, and take the lock in a new one if it is not."""
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self._session.execute("SELECT 1")
            except psycopg.OperationalError as error:
                logger.warning("the session with the jobs' database was lost: %s", error)
                self._renew()

    def _renew(self) -> None:
        try:
            session = self._new_session()
        except psycopg.OperationalError:  # the next look tries again
            return
        os.dup2(session.fileno(), self.descriptor, inheritable=False)
        lost, self._session = self._session, session
        lost.close()


def _key(executor_id: str) -> int:
    """Return the 64 bits, signed, that name an executor's lock."""
    return int.from_bytes(bytes.fromhex(executor_id)[:8], "big", signed=True)
