"""The PostgreSQL that may hold an index: its URL, its connections, and whether it can be used."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError, OperationalError

from classwright_tools.errors import InvalidInput, StorageFailed

logger = logging.getLogger("classwright.index")

ENGINE: dict[str, Any] = {"pool_pre_ping": True, "hide_parameters": True}  # an error in the log holds no text
_OF_A_PRINCIPAL = {"pool_size": 1, "max_overflow": 4}
"""Connections of which a process keeps one, and opens so many more: there are many principals, and one PostgreSQL."""
# Of every connection, in the words of libpq. A host that is gone closes none: both are given up within half a minute.
_TIMEOUTS = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "25000",
}
_TIMES = "-ctimezone=UTC"  # in which those of SQLite are, that name no zone when they are copied; the last option wins
# PostgreSQL's words for what no waiting helps against; in another language it is waited for all the same.
_REFUSED = re.compile(
    r'FATAL: +((database|role) ".*" does not exist|password authentication failed|no pg_hba.conf entry)'
)
CREATEDB = "createdb -O USER -E UTF8 -T template0 NAME"
_FORM = "Write it as postgresql://USER:PASSWORD@HOST/DATABASE, or leave it out for SQLite in the workspace."


def check_database(url: str) -> None:
    """Return if the PostgreSQL at `url` answers and can hold an index. Nothing is made.

    Raises:
        InvalidInput: `url` names no database that can be used.
        StorageFailed: the database does not answer.
    """
    engine = postgres_engine(url, None)
    try:
        with answering(), engine.connect() as connection:
            may_make = [  # tables here, and schemas: of each principal, and of the jobs
                func.has_schema_privilege(func.current_schema(), "CREATE"),
                func.has_database_privilege(func.current_database(), "CREATE"),
            ]
            allowed = all(connection.execute(select(*may_make)).one())
    finally:
        engine.dispose()
    if not allowed:
        reason = "does not let the user of that URL make tables and schemas"
        repair = f"Let that user own it: {CREATEDB}."
        raise InvalidInput("the database of --index-url", reason, repair)


def postgres_engine(url: str, schema: str | None) -> Engine:
    """Return an engine, not yet connected, of the PostgreSQL at `url`; with `schema` its tables lie there."""
    found = postgres_url(url)
    options = f"{found.query.get('options', '')} {_TIMES}"
    if schema:
        options += f" -csearch_path={schema}"
    found = found.update_query_dict({"options": options})
    engine = create_engine(found, **ENGINE, **(_OF_A_PRINCIPAL if schema else {}))
    event.listen(engine, "connect", _check_encoding, insert=True)  # before SQLAlchemy itself asks it anything
    return engine


def _check_encoding(connection: Any, _record: Any) -> None:
    """Refuse a database that does not hold every text: one in SQL_ASCII answers with bytes, which break each query."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise InvalidInput(
            "the database of --index-url",
            f"has the encoding {encoding}, and UTF8 is needed",
            f"Make a new one: {CREATEDB}.",
        )


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """Turn the error of a database that does not answer into a `StorageFailed`, of one that refuses `InvalidInput`."""
    try:
        yield
    except OperationalError as error:
        logger.warning("the database of --index-url: %s", error.orig)  # not told to clients: it names hosts
        if _REFUSED.search(str(error.orig)):
            reason = "is not there, or its user may not log in, as the log says"
            repair = f"Correct the URL, or make it: {CREATEDB}."
            raise InvalidInput("the database of --index-url", reason, repair) from error
        raise StorageFailed("database of the index", "does not answer", "Start it, or correct --index-url.") from error


def postgres_url(url: str) -> URL:
    """Return the URL of a PostgreSQL with the driver that is used here, and with time limits where it has none.

    Raises:
        InvalidInput: it is no URL, one of another database, or the driver is not installed.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InvalidInput("--index-url", "is not a URL", _FORM) from None  # it may hold a password: not repeated
    if parsed.get_backend_name() != "postgresql":
        raise InvalidInput("--index-url", f"names a {parsed.get_backend_name()} database", _FORM)
    if find_spec("psycopg") is None:
        raise InvalidInput("--index-url", "needs the package psycopg", "Run: pip install 'classwright[postgres]'.")
    limits = {name: value for name, value in _TIMEOUTS.items() if name not in parsed.query}
    return parsed.set(drivername="postgresql+psycopg").update_query_dict(limits)
