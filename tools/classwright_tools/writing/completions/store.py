"""The store of completions: each is kept the moment it arrives, under the digest of what was asked."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from sqlalchemy import Engine, Insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from classwright_tools.domain.usage import WriterUsage
from classwright_tools.domain.writer import Completion, WritingRequest
from classwright_tools.errors import DamagedArtifact, StorageFailed
from classwright_tools.workspace.index import Base, CompletionRow, PaymentRow, reading
from classwright_tools.workspace.restarts import outlasting_restarts
from classwright_tools.writing.completions.ledger import Payment, paid_by

_SUBJECT = "store of completions"
_KEYS_A_QUERY = 500  # well under the 32,766 parameters that SQLite takes in one statement


class CompletionStore:
    """Completions by key, in the workspace's index. Several processes may use one store at once."""

    def __init__(self, engine: Engine, run_key: str | None = None) -> None:
        """Use the index behind `engine`; what is paid is put down to the run `run_key`, if there is one."""
        self._engine = engine
        self._run_key = run_key

    def get(self, key: str) -> Completion | None:
        """Return the completion stored under `key`, or None.

        Raises:
            DamagedArtifact: what is stored does not read back.
        """
        with reading(self._engine) as session:
            stored = session.scalar(select(CompletionRow.completion).where(CompletionRow.key == key))
        if stored is None:
            return None
        try:
            return Completion.model_validate(stored)
        except ValidationError as error:
            raise DamagedArtifact(
                f"stored completion {key[:12]}", "does not read back", "Restore the workspace's index from a backup."
            ) from error

    def put(self, key: str, request: WritingRequest, completion: Completion, payment: Payment | None = None) -> None:
        """Store `completion` under `key` with the `payment` for it, and commit; one that is already there stays.

        Raises:
            StorageFailed: the disk is full or not writable; neither is stored.
        """
        row = {
            "key": key,
            "request": request.model_dump(mode="json"),
            "completion": completion.model_dump(mode="json"),
        }
        self._write(self._insert_or_ignore(CompletionRow, row), payment)

    def pay(self, payment: Payment) -> None:
        """Write down the `payment` for an answer that could not be used.

        Raises:
            StorageFailed: the disk is full or not writable.
        """
        self._write(None, payment)

    def paid(self) -> WriterUsage | None:
        """Return what the store's run has paid until now, in all its attempts; None if nothing."""
        return paid_by(self._engine, self._run_key) if self._run_key else None

    def _write(self, completion: Insert | None, payment: Payment | None) -> None:
        """Store both in one transaction. They are paid for, so a database that starts anew is waited for."""
        statements = [] if completion is None else [completion]
        if payment and self._run_key:
            statements.append(self._insert_or_ignore(PaymentRow, payment.row(self._run_key)))

        def insert() -> None:
            with Session(self._engine) as session, session.begin():
                for statement in statements:
                    session.execute(statement)

        try:
            outlasting_restarts(self._engine, insert)
        except OperationalError as error:  # how SQLite and PostgreSQL say that the disk is full or read-only
            raise StorageFailed(
                _SUBJECT,
                "the index cannot be written",
                "Free some space or check the database, then call again: what was stored before is kept.",
            ) from error

    def stored(self, keys: list[str]) -> set[str]:
        """Return those of `keys` that have a completion."""
        found: set[str] = set()
        with reading(self._engine) as session:
            for start in range(0, len(keys), _KEYS_A_QUERY):
                some = keys[start : start + _KEYS_A_QUERY]
                found.update(session.scalars(select(CompletionRow.key).where(CompletionRow.key.in_(some))))
        return found

    def _insert_or_ignore(self, table: type[Base], row: dict[str, Any]) -> Insert:
        """Return the statement that two processes may run for one key without either of them failing."""
        if self._engine.dialect.name == "postgresql":
            return postgresql.insert(table).values(row).on_conflict_do_nothing()
        return sqlite.insert(table).values(row).on_conflict_do_nothing()
