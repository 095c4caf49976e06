"""The move of tables, such as those of an index, from SQLite into a PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, Engine, Integer, Table, func, insert, select, text

from classwright_tools.workspace.index import Base, TaskRow, reading

_AT_ONCE = 500


def holds_tasks(engine: Engine) -> bool:
    """Whether an index has a task already."""
    with reading(engine) as session:
        return session.scalar(select(TaskRow.key).limit(1)) is not None


def copy_index(old: Engine, new: Engine) -> int:
    """Copy all rows of an index in SQLite into an empty one in a PostgreSQL, or none; return how many."""
    with old.connect() as source, new.begin() as target:
        copied = copy_rows(source, target, [(table, table) for table in Base.metadata.sorted_tables])
        for table in Base.metadata.sorted_tables:
            _count_on(target, table)
        return copied


def copy_rows(source: Connection, target: Connection, tables: Iterable[tuple[Table, Table]]) -> int:
    """Copy the rows of each first table, in a SQLite, into the second one, and return how many."""
    copied = 0
    for old, new in tables:
        in_order = select(old).order_by(text("rowid"))  # what a row refers to was there before it
        for part in source.execute(in_order).mappings().partitions(_AT_ONCE):
            target.execute(insert(new), [dict(row) for row in part])
            copied += len(part)
    return copied


def _count_on(target: Connection, table: Table) -> None:
    """Let a table that numbers its rows go on after the highest number."""
    for column in table.primary_key:
        if isinstance(column.type, Integer):
            highest = target.scalar(select(func.max(column)))
            if highest:
                sequence = func.pg_get_serial_sequence(table.name, column.name)
                target.execute(select(func.setval(sequence, highest)))
