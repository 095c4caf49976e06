"""Work that outlasts a restart of its PostgreSQL: what failed because the database was away is done again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError

T = TypeVar("T")

AWAY_SECONDS = 60.0
"""A database that stays away for longer is not about to come back."""
MOST_RESTARTS = 5
"""A call in which the database goes away again and again may be what ends it."""
_LOOK_SECONDS = 0.25
AWAY_STATES = ("57P", "08")  # it shuts down, crashed or starts; the connection is gone


def outlasting_restarts(engine: Engine, call: Callable[[], T]) -> T:
    """Return what `call` returns; if PostgreSQL goes away meanwhile, wait for it and call again.

    `call` must be one that may be repeated. On SQLite it is called once.
    """
    for _ in range(MOST_RESTARTS):
        try:
            return call()
        except DBAPIError as error:
            if not _is_away(error) or not _comes_back(engine):
                raise
    return call()


def _is_away(error: DBAPIError) -> bool:
    """Whether a statement failed because PostgreSQL was not there; a connection that failed has no state at all."""
    state = getattr(error.orig, "sqlstate", "")  # which SQLite's errors do not have
    return state is None or state.startswith(AWAY_STATES)


def _comes_back(engine: Engine) -> bool:
    """Wait until the database answers, and say whether it does."""
    deadline = time.monotonic() + AWAY_SECONDS
    while time.monotonic() < deadline:
        try:
            engine.connect().close()
        except OperationalError:
            time.sleep(_LOOK_SECONDS)
        else:
            return True
    return False
