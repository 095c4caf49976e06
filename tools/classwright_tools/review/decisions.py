"""The decisions of persons on disk: each stored once, in the order of arrival, until a version of the dataset has them.

A decision that was stored is there after a crash, and for whoever else reviews the same task.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from classwright_tools.domain.decision import Decision
from classwright_tools.workspace.atomic import storage_errors
from classwright_tools.workspace.index import DecisionRow, TaskRow, in_utc, reading
from classwright_tools.workspace.workspace import Workspace


@dataclass(frozen=True)
class Entry:
    """A stored decision: its number, which rises with the time, who took it and about which dataset."""

    number: int
    person: str
    dataset: str
    decision: Decision
    created: datetime

    @property
    def page(self) -> str:
        """What tells pages apart, which stands behind the name that a person gave there."""
        return self.person.rpartition("-")[2]


def store(workspace: Workspace, task: str, dataset: str, person: str, decisions: Sequence[Decision]) -> int:
    """Store the decisions of `person` about rows of `dataset` and return how many of them were new.

    Raises:
        StorageFailed: the disk is full; none of them was stored.
    """
    with storage_errors(f"decisions on task {task!r}"), Session(workspace.engine) as session, session.begin():
        if workspace.engine.dialect.name != "sqlite":  # numbers of one task must rise in the order of commits
            session.scalars(select(TaskRow).where(TaskRow.slug == task).with_for_update()).all()
        ids = [decision.id for decision in decisions]
        known = set(session.scalars(select(DecisionRow.id).where(DecisionRow.task == task, DecisionRow.id.in_(ids))))
        new = {decision.id: decision for decision in decisions if decision.id not in known}
        session.add_all(
            DecisionRow(
                task=task,
                id=decision.id,
                person=person,
                dataset=dataset,
                decision=decision.model_dump(mode="json", exclude_defaults=True),
            )
            for decision in new.values()
        )
    return len(new)


def read(
    workspace: Workspace, task: str, after: int = 0, versions: Mapping[int, str] = MappingProxyType({})
) -> tuple[list[Entry], Mapping[int, str]]:
    """Return the decisions on `task` with a number above `after`, in the order of arrival, and `versions` as of now.

    `versions` are the datasets that have decisions, by the number of the decision: all of them are read again where
    there are others than those that are known.
    """
    new = select(DecisionRow).where(DecisionRow.task == task, DecisionRow.number > after).order_by(DecisionRow.number)
    made = select(DecisionRow.number, DecisionRow.version).where(
        DecisionRow.task == task, DecisionRow.version.is_not(None)
    )
    with reading(workspace.engine) as session:
        entries = [_entry(row) for row in session.scalars(new)]
        if session.scalar(select(func.count()).select_from(made.subquery())) != len(versions):
            versions = {number: version for number, version in session.execute(made) if version}
    return entries, versions


def _entry(row: DecisionRow) -> Entry:
    return Entry(
        number=row.number,
        person=row.person,
        dataset=row.dataset,
        decision=Decision.model_validate(row.decision),
        created=in_utc(row.created),
    )


def mark_made(session: Session, version: str, *, numbers: Collection[int]) -> None:
    """Store that the dataset `version` has the decisions with `numbers`, in the transaction of `session`."""
    for start in range(0, len(ordered := sorted(numbers)), 500):  # SQLite takes so many values in a statement
        part = ordered[start : start + 500]
        session.execute(update(DecisionRow).where(DecisionRow.number.in_(part)).values(version=version))


def mark_without_change(workspace: Workspace, version: str, numbers: Collection[int]) -> None:
    """Store that the decisions with `numbers` came to nothing: the dataset `version` is as they want it."""
    with Session(workspace.engine) as session, session.begin():
        mark_made(session, version, numbers=numbers)
