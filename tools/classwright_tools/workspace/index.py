"""The index of everything in a workspace: SQLAlchemy tables, on SQLite or on PostgreSQL."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    URL,
    Connection,
    DateTime,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
    create_engine,
    event,
    func,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.schema import CreateSchema

from classwright_tools.domain.kinds import Kind
from classwright_tools.errors import InvalidInput, StorageFailed
from classwright_tools.workspace.sqlite_files import WAIT_SECONDS, own_file, use_write_ahead_log

logger = logging.getLogger("classwright.index")

_ENGINE: dict[str, Any] = {"pool_pre_ping": True, "hide_parameters": True}  # an error in the log holds no text
_OF_A_PRINCIPAL = {"pool_size": 1, "max_overflow": 4}
"""Connections of which a process keeps one, and opens so many more: there are many principals, and one PostgreSQL."""
INDEX_FILE = "index.sqlite"
_READING = "classwright_reads"  # the option of a connection by which its transactions only read
_MAKING_TABLES = 0x636C6173  # the key of the advisory lock under which one process at a time makes the tables
# Of every connection, in the words of libpq. A host that is gone closes none: both are given up within half a minute.
_TIMEOUTS = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "25000",
}
_TIMES = "-ctimezone=UTC"  # in which those of SQLite are, that name no zone when they are copied; the last option wins
_FORM = "Write it as postgresql://USER:PASSWORD@HOST/DATABASE, or leave it out for SQLite in the workspace."


def _now() -> datetime:
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """The tables' common base."""


class TaskRow(Base):
    """One version of a task."""

    __tablename__ = "tasks"
    __table_args__ = (UniqueConstraint("slug", "version"),)

    key: Mapped[int] = mapped_column(Integer, primary_key=True)
    slug: Mapped[str] = mapped_column(String(40), index=True)
    version: Mapped[int] = mapped_column(Integer)
    task: Mapped[dict[str, Any]] = mapped_column(JSON)
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=_now)


class ArtifactRow(Base):
    """One immutable artifact; `run_key` is the run that made it, so that a repeated run finds it again."""

    __tablename__ = "artifacts"
    __table_args__ = (UniqueConstraint("task", "kind", "number"), UniqueConstraint("run_key", "kind"))

    id: Mapped[str] = mapped_column(String(60), primary_key=True)
    task: Mapped[str] = mapped_column(String(40), index=True)
    kind: Mapped[Kind] = mapped_column(String(20))
    number: Mapped[int] = mapped_column(Integer)
    parent: Mapped[str | None] = mapped_column(ForeignKey("artifacts.id"))
    run_key: Mapped[str] = mapped_column(String(200))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=_now)


class CompletionRow(Base):
    """One answer of a language model, stored when it arrived, under the digest of what was asked."""

    __tablename__ = "completions"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    request: Mapped[dict[str, Any]] = mapped_column(JSON)
    completion: Mapped[dict[str, Any]] = mapped_column(JSON)
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=_now)


class PaymentRow(Base):
    """What one answer of a language model cost, and the run that asked for it; `cost` is in US dollars."""

    __tablename__ = "payments"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    run_key: Mapped[str] = mapped_column(String(200), index=True)
    writer: Mapped[str] = mapped_column(String)
    tokens_in: Mapped[int] = mapped_column(Integer)
    tokens_out: Mapped[int] = mapped_column(Integer)
    cost: Mapped[float] = mapped_column(Float)
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=_now)


class SubmissionRow(Base):
    """One text that a calling model submitted for a batch of an assignment; a text counts once an assignment."""

    __tablename__ = "submissions"

    assignment: Mapped[str] = mapped_column(ForeignKey("artifacts.id"), primary_key=True)
    example: Mapped[str] = mapped_column(String(16), primary_key=True)
    batch: Mapped[str] = mapped_column(String(8))
    row: Mapped[dict[str, Any]] = mapped_column(JSON)
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=_now)


class AnswerRow(Base):
    """What an annotator said of one row; a row counts once an annotation."""

    __tablename__ = "answers"

    annotation: Mapped[str] = mapped_column(ForeignKey("artifacts.id"), primary_key=True)
    example: Mapped[str] = mapped_column(String(16), primary_key=True)
    answer: Mapped[dict[str, Any]] = mapped_column(JSON)
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=_now)


class DecisionRow(Base):
    """A decision of a person about rows of a task, in the order of arrival; `version` is the dataset made of it."""

    __tablename__ = "decisions"
    __table_args__ = (
        UniqueConstraint("task", "id"),
        {"sqlite_autoincrement": True},  # a page that was open when a task was removed knows the last number
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    task: Mapped[str] = mapped_column(String(40), index=True)
    id: Mapped[str] = mapped_column(String(40))
    person: Mapped[str] = mapped_column(String(40))
    dataset: Mapped[str] = mapped_column(ForeignKey("artifacts.id"))
    decision: Mapped[dict[str, Any]] = mapped_column(JSON)
    version: Mapped[str | None] = mapped_column(ForeignKey("artifacts.id"), index=True)
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=_now)


class ClosedAssignmentRow(Base):
    """An assignment, or an annotation, that takes no more: what is there makes its dataset."""

    __tablename__ = "closed_assignments"

    assignment: Mapped[str] = mapped_column(ForeignKey("artifacts.id"), primary_key=True)
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=_now)


class WorkRow(Base):
    """What work of one kind took in one run on one machine: estimates of later runs are made of these."""

    __tablename__ = "work"
    __table_args__ = (Index("work_of_kind", "machine", "kind"),)

    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    machine: Mapped[str] = mapped_column(String)
    kind: Mapped[str] = mapped_column(String)
    times: Mapped[int] = mapped_column(Integer)
    units: Mapped[float] = mapped_column(Float)
    seconds: Mapped[float] = mapped_column(Float)
    counts: Mapped[dict[str, float]] = mapped_column(JSON)
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=_now)


def reading(engine: Engine) -> Session:
    """Return a session that reads the index, and waits for no writer. What it wrote would be lost."""
    return Session(engine.execution_options(**{_READING: True}))


def open_index(root: Path, url: str | None, schema: str | None) -> Engine:
    """Return the engine of the index at `url`, or of `root`/index.sqlite, with its tables made.

    In a PostgreSQL the tables lie in `schema`, so that several workspaces share one; None is the database's own.

    Raises:
        InvalidInput: `url` names no database that can be used, or one of another encoding than UTF8.
        StorageFailed: the database does not answer.
    """
    if url is None:
        engine = create_engine(f"sqlite:///{own_file(root / INDEX_FILE)}", **_ENGINE)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin)
        Base.metadata.create_all(engine)
        return engine
    engine = _postgres(url, schema)
    with _answering(), engine.begin() as connection:
        connection.execute(select(func.pg_advisory_xact_lock(_MAKING_TABLES)))
        if schema:
            connection.execute(CreateSchema(schema, if_not_exists=True))
        Base.metadata.create_all(connection)
    return engine


def check_database(url: str) -> None:
    """Return if the PostgreSQL at `url` answers and can hold an index. Nothing is made.

    Raises:
        InvalidInput: `url` names no database that can be used.
        StorageFailed: the database does not answer.
    """
    engine = _postgres(url, None)
    try:
        with _answering():
            engine.connect().close()
    finally:
        engine.dispose()


def _postgres(url: str, schema: str | None) -> Engine:
    """Return an engine, not yet connected, of the PostgreSQL at `url`; with `schema` its tables lie there."""
    found = postgres_url(url)
    options = f"{found.query.get('options', '')} {_TIMES}"
    if schema:
        options += f" -csearch_path={schema}"
    found = found.update_query_dict({"options": options})
    engine = create_engine(found, **_ENGINE, **(_OF_A_PRINCIPAL if schema else {}))
    event.listen(engine, "connect", _check_encoding, insert=True)  # before SQLAlchemy itself asks it anything
    return engine


def _check_encoding(connection: Any, _record: Any) -> None:
    """Refuse a database that does not hold every text: one in SQL_ASCII answers with bytes, which break each query."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise InvalidInput(
            "the database of --index-url",
            f"has the encoding {encoding}, and UTF8 is needed",
            "Create the database with -E UTF8 -T template0: createdb -E UTF8 -T template0 NAME.",
        )


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    """Turn the error of a database that does not answer into a `StorageFailed`."""
    try:
        yield
    except OperationalError as error:
        logger.warning("the database of --index-url: %s", error.orig)  # not told to clients: it names hosts
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


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Set up a connection that several processes share: write-ahead log, waiting instead of failing."""
    connection.isolation_level = None  # SQLAlchemy's own BEGIN is used: see _begin
    use_write_ahead_log(connection)
    for pragma in ("synchronous=FULL", f"busy_timeout={WAIT_SECONDS * 1000:.0f}", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """Take SQLite's write lock at the start of a transaction, so that two writers queue instead of failing.

    One that only reads takes none: it sees what was there when it began, and waits for nobody.
    """
    is_reading = connection.get_execution_options().get(_READING)
    connection.exec_driver_sql("BEGIN" if is_reading else "BEGIN IMMEDIATE")
