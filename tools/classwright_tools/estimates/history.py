"""The history of work on this machine: what each piece took, kept in the workspace's index."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Engine, delete, select
from sqlalchemy.orm import Session

from classwright_tools.estimates.machine import machine
from classwright_tools.meter import Meter
from classwright_tools.workspace.index import WorkRow, reading

LATEST = 30
"""Pieces of a kind that count: a machine, its libraries and its load change."""
_LEAST_SECONDS = 0.001


@dataclass(frozen=True)
class Taken:
    """What work of one kind took in one run."""

    times: int
    units: float
    seconds: float
    counts: dict[str, float] = field(default_factory=dict)


class History:
    """What work took here. What was measured on another `machine` does not count."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._machine = machine()

    def of(self, kind: str) -> list[Taken]:
        """Return what the latest work of a kind took, the newest first."""
        query = select(WorkRow).where(*self._which(kind))
        with reading(self._engine) as session:
            rows = session.scalars(query.order_by(WorkRow.number.desc()).limit(LATEST))
            return [Taken(row.times, row.units, row.seconds, row.counts) for row in rows]

    def add(self, meter: Meter) -> None:
        """Keep what a meter has measured, in place of what is older than the latest of its kind."""
        rows = [
            WorkRow(
                machine=self._machine,
                kind=kind,
                times=piece.times,
                units=piece.units,
                seconds=max(piece.seconds, _LEAST_SECONDS),
                counts=dict(piece.counts),
            )
            for kind, piece in meter.kinds.items()
            if piece.times and piece.typical
        ]
        with Session(self._engine) as session, session.begin():
            session.add_all(rows)
            session.flush()
            for kind in {row.kind for row in rows}:
                newest = select(WorkRow.number).where(*self._which(kind)).order_by(WorkRow.number.desc())
                oldest = newest.offset(LATEST).limit(1).scalar_subquery()  # null where there are no more
                session.execute(delete(WorkRow).where(*self._which(kind), WorkRow.number <= oldest))

    def _which(self, kind: str) -> tuple[ColumnElement[bool], ...]:
        """Return the conditions of a kind's rows on this machine."""
        return WorkRow.machine == self._machine, WorkRow.kind == kind
