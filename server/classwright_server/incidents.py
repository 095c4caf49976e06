"""Defects: masked towards the client, explained in the log under a short id."""

from __future__ import annotations

import logging
import secrets

logger = logging.getLogger("classwright")


def masked(what: str, error: BaseException) -> str:
    """Log the defect `error` of `what` with its traceback, and return a sentence that reveals nothing of it."""
    incident = secrets.token_hex(4)
    logger.error("incident %s in %s", incident, what, exc_info=error)
    return (
        f"{what}: failed for a reason that lies in Classwright, not in your call (incident {incident}). "
        f"Try once more; if it stays, report the incident with the server's log."
    )
