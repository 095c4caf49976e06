"""The index of everything in a workspace: SQLAlchemy tables, on SQLite or on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
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
    select,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.schema import CreateSchema

from classwright_tools.domain.kinds import Kind
from classwright_tools.workspace.database import ENGINE, answering, postgres_engine
from classwright_tools.workspace.sqlite_files import WAIT_SECONDS, own_file, use_write_ahead_log

INDEX_FILE = "index.sqlite"
_READING = "classwright_reads"  # the option of a connection by which its transactions only read
_MAKING_TABLES = 0x636C6173  # the key of the advisory lock under which one process at a time makes the tables


def _now() -> datetime:
    return datetime.now(UTC)


def in_utc(when: datetime) -> datetime:
    """Return a time of the index with its zone, which SQLite does not keep."""
    return when if when.tzinfo else when.replace(tzinfo=UTC)


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
        engine = create_engine(f"sqlite:///{own_file(root / INDEX_FILE)}", **ENGINE)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin)
        Base.metadata.create_all(engine)
        return engine
    engine = postgres_engine(url, schema)
    with answering(), engine.begin() as connection:
        connection.execute(select(func.pg_advisory_xact_lock(_MAKING_TABLES)))
        if schema:
            connection.execute(CreateSchema(schema, if_not_exists=True))
        Base.metadata.create_all(connection)
    return engine


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
