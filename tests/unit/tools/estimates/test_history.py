"""The history of work: of this machine alone, the latest first, and nothing that tells no pace."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from classwright_tools.estimates import history
from classwright_tools.estimates.history import LATEST, History, Taken
from classwright_tools.meter import Meter
from classwright_tools.workspace.index import WorkRow
from classwright_tools.workspace.workspace import Workspace
from support.clock import Clock


def worked(clock: Clock, seconds: float, units: float = 10, *, typical: bool = True) -> Meter:
    meter = Meter()
    with meter.running(), meter.of("encoding", units) as piece:
        clock.now += seconds
        piece.counts["tokens_in"] = 5
        piece.typical = typical
    return meter


def test_what_work_took_is_found_again_the_latest_first(workspace: Workspace, clock: Clock) -> None:
    for seconds in (1.0, 2.0):
        History(workspace.engine).add(worked(clock, seconds))

    assert History(workspace.engine).of("encoding") == [
        Taken(1, 10, seconds, {"tokens_in": 5}) for seconds in (2.0, 1.0)
    ]
    assert History(workspace.engine).of("fitting") == []


def test_work_on_another_machine_does_not_count(
    workspace: Workspace, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    History(workspace.engine).add(worked(clock, 1.0))
    monkeypatch.setattr(history, "machine", lambda: "another 64 gpu")

    assert History(workspace.engine).of("encoding") == []


def test_of_each_kind_only_the_latest_are_kept(workspace: Workspace, clock: Clock) -> None:
    for seconds in range(1, LATEST + 4):
        History(workspace.engine).add(worked(clock, seconds))

    with Session(workspace.engine) as session:
        kept = session.scalars(select(WorkRow.seconds).order_by(WorkRow.number)).all()
    assert kept == list(range(4, LATEST + 4))


def test_work_that_is_not_typical_is_not_kept(workspace: Workspace, clock: Clock) -> None:
    History(workspace.engine).add(worked(clock, 1.0, typical=False))

    assert History(workspace.engine).of("encoding") == []
