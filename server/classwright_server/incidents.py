"""Failures that the caller did not cause: a defect masked under a short id of the log, or a database that fails."""

from __future__ import annotations

import logging
import secrets

from classwright_server.extensions import extension_behind, first_of
from classwright_server.sanitize import sanitized

logger = logging.getLogger("classwright")

_TOO_MANY_CONNECTIONS = "53300"
"""The state in which PostgreSQL refuses a further one (its manual, appendix A)."""


def masked(what: str, error: BaseException, *, for_operator: bool = False) -> str:
    """Log the defect `error` of `what` with its traceback, and return a sentence that reveals nothing of it.

    A failure of PostgreSQL, or an SQLite that another process holds, is no defect: the caller is told to call again,
    and the log has the reason. A defect of an extension is told as such, and what it says to the operator alone, whose
    extension it is: it may quote what other callers must not read.
    """
    if failure := _failure_of_database(error):
        logger.warning("%s: the server %s: %s", what, failure, getattr(error, "orig", error))
        return (
            f"{what}: the server {failure}. Nothing was lost: call again in a moment; if it stays, tell the server's "
            "operator, whose log has the reason."
        )
    incident = secrets.token_hex(4)
    cause = first_of(error)
    extension = extension_behind(cause)
    logger.error("incident %s in %s", incident, f"{what}, {extension}" if extension else what, exc_info=error)
    if extension and for_operator:
        said = " ".join(sanitized(cause).split())
        return (
            f"{what}: {extension}, an extension, raised {type(cause).__name__}: {said} (incident {incident}). "
            f"Correct it, and start the server again; the server's log has the traceback."
        )
    if extension:
        return (
            f"{what}: failed in {extension}, an extension of this server (incident {incident}). "
            f"Report the incident to the server's operator, whose log has the reason."
        )
    return (
        f"{what}: failed for a reason that lies in Classwright, not in your call (incident {incident}). "
        f"Try once more; if it stays, report the incident with the server's log."
    )


def _failure_of_database(error: BaseException) -> str | None:
    """Return what became of the server's database, if the `error` tells of such a failure."""
    from sqlalchemy.exc import OperationalError  # late, as the next: a server that only lists its tools does without

    from classwright_tools.workspace.restarts import AWAY_STATES
    from classwright_tools.workspace.sqlite_files import is_busy

    if is_busy(error.orig if isinstance(error, OperationalError) else error):
        return "waited in vain for another process that writes to the workspace, such as `classwright remove`"
    if not isinstance(error, OperationalError) or not type(error.orig).__module__.startswith("psycopg"):
        return None
    state = getattr(error.orig, "sqlstate", None)  # none where it was never connected, or the connection broke off
    is_away = state is None or state.startswith((*AWAY_STATES, _TOO_MANY_CONNECTIONS))
    return "has no connection to its database" if is_away else "had its work given up by its database"
