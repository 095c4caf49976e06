"""The meter: time counts once, for the innermost work, and only while a run is measured."""

from __future__ import annotations

from classwright_tools.meter import Meter, metered
from support.clock import Clock


def test_work_inside_other_work_is_not_counted_twice(clock: Clock) -> None:
    meter = Meter()
    with meter.running(), metered("training", 10):
        clock.now += 2
        with metered("encoding", 5):
            clock.now += 3
        clock.now += 1
        with metered("encoding", 5):
            clock.now += 4

    assert {kind: (one.times, one.units, one.seconds) for kind, one in meter.kinds.items()} == {
        "training": (1, 10, 3),
        "encoding": (2, 10, 7),
    }


def test_work_that_failed_has_taken_time_but_tells_no_pace(clock: Clock) -> None:
    meter = Meter()
    try:
        with meter.running(), metered("encoding", 5):
            clock.now += 1
            raise ValueError
    except ValueError:
        pass

    assert meter.kinds["encoding"].times == 0


def test_outside_a_run_nothing_is_measured() -> None:
    meter = Meter()
    with meter.running():
        pass
    with metered("encoding", 5):
        pass

    assert not meter.kinds
