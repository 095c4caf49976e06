"""Failures that the caller did not cause: a defect masked under a short id of the log, or a database that is away."""

from __future__ import annotations

import logging
import secrets

logger = logging.getLogger("classwright")


def masked(what: str, error: BaseException) -> str:
    """Log the defect `error` of `what` with its traceback, and return a sentence that reveals nothing of it.

    A PostgreSQL that is away is no defect: the caller is told to call again.
    """
    if _is_outage(error):
        logger.warning("%s: the database does not answer", what)
        return f"{what}: the server's database does not answer. Nothing was lost: call again in a moment."
    incident = secrets.token_hex(4)
    logger.error("incident %s in %s", incident, what, exc_info=error)
    return (
        f"{what}: failed for a reason that lies in Classwright, not in your call (incident {incident}). "
        f"Try once more; if it stays, report the incident with the server's log."
    )


def _is_outage(error: BaseException) -> bool:
    """Whether PostgreSQL did not answer, or broke the connection off."""
    from sqlalchemy.exc import OperationalError  # late: a server that only lists its tools does without

    return isinstance(error, OperationalError) and type(error.orig).__module__.startswith("psycopg")
