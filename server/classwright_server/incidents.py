"""Failures that the caller did not cause: a defect masked under a short id of the log, or a database that is away."""

from __future__ import annotations

import logging
import secrets

from classwright_server.extensions import extension_behind, first_of
from classwright_server.sanitize import sanitized

logger = logging.getLogger("classwright")


def masked(what: str, error: BaseException, *, for_operator: bool = False) -> str:
    """Log the defect `error` of `what` with its traceback, and return a sentence that reveals nothing of it.

    A PostgreSQL that is away is no defect: the caller is told to call again. A defect of an extension is told as such,
    and what it says to the operator alone, whose extension it is: it may quote what other callers must not read.
    """
    if _is_outage(error):
        logger.warning("%s: the database does not answer", what)
        return f"{what}: the server's database does not answer. Nothing was lost: call again in a moment."
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


def _is_outage(error: BaseException) -> bool:
    """Whether PostgreSQL did not answer, or broke the connection off."""
    from sqlalchemy.exc import OperationalError  # late: a server that only lists its tools does without

    return isinstance(error, OperationalError) and type(error.orig).__module__.startswith("psycopg")
