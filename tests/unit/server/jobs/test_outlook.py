"""What a job that waits tells of its turn: its place, what comes before it, when it should begin."""

from __future__ import annotations

from classwright_server.jobs.outlook import outlook_of
from classwright_server.jobs.turns import Turn

NOW = 1_000.0


def turn(number: int, user: str = "alice", task: str = "shop", kind: str = "evaluate", **changes: object) -> Turn:
    """A job of the short lane, the `number`th in it."""
    fields = {"runs": False, "round": number, "created": number, "lane": "short", "size": 0, **changes}
    return Turn(job_id=f"job_{number}", user=user, tool=kind, task=task, kind=kind, **fields)  # type: ignore[arg-type]


def running(number: int, seconds: float, fraction: float | None = None, **changes: object) -> Turn:
    """A job that began so many seconds ago."""
    return turn(number, runs=True, began=int(1000 * (NOW - seconds)), fraction=fraction, **changes)  # type: ignore[arg-type]


def full(
    lane: list[Turn], seconds: float | None = 30.0, job: str = "job_9", lanes: tuple[str, ...] = ("short",)
) -> str:
    """What the job is told where one takes so many seconds."""
    outlook = outlook_of(job, lane, lambda _: seconds, NOW, lanes)
    assert outlook is not None
    return outlook.full


def test_a_job_tells_its_place_and_names_ones_own_jobs_before_it() -> None:
    told = full([running(1, 10, 0.5), turn(2), turn(9), turn(10)])

    assert told.startswith("place 2 in the short lane. Running now: your evaluate for 'shop' (job_1, 50% done). ")
    assert "Before it: your evaluate for 'shop' (job_2). " in told
    assert "job_10" not in told


def test_of_others_only_the_kind_of_work_is_told() -> None:
    told = full([running(1, 10, user="bob", task="secret"), turn(2, "carol", "secret"), turn(3, "bob", "x"), turn(9)])

    assert "Running now: 1 evaluate of others. Before it: 2 evaluate of others." in told
    assert not any(word in told for word in ("bob", "carol", "secret", "job_"))


def test_of_many_jobs_of_ones_own_the_first_three_are_named() -> None:
    told = full([turn(number) for number in range(1, 8)] + [turn(9)])

    assert "(job_3), 4 more of yours." in told


def test_the_start_is_told_from_what_runs_and_what_comes_before() -> None:
    assert "should begin in about 40 s" in full([running(1, 20), turn(2), turn(9)])  # 10 left of 30, and another 30
    assert "should begin in about 60 s" in full([running(1, 20, 0.25), turn(9)])  # its own pace says more
    assert "should begin in about 10 s" in full([running(1, 20), running(2, 5), turn(9)])  # the first place to be free
    assert "should begin in about 25 s" in full([running(1, 20), running(2, 5), turn(3), turn(9)])
    assert "should begin in about 6 min" in full([turn(n) for n in range(2, 8)] + [running(1, 2), turn(9)], 50)
    assert "should begin in a few seconds" in full([running(1, 28), turn(9)])
    assert "should begin in about 80 s" in full([running(1, 20, expected=100.0), turn(9)], None)  # its own estimate


def test_an_unknown_start_is_called_so() -> None:
    assert "begins at an unknown time, because it is not known how long evaluate takes here" in full(
        [running(1, 20), turn(9)], None
    )
    assert "begins at an unknown time" in full([running(1, 31), turn(9)])  # it takes longer than any did


def test_where_nothing_runs_a_job_begins_at_once_if_anyone_takes_it() -> None:
    assert "It begins at once." in full([turn(9)])
    without = full([turn(9)], lanes=("writing",))
    assert "It begins at once if a worker takes short jobs, which this server does not." in without
    assert "should begin in about 10 s" in full([running(1, 20), turn(9)], lanes=())  # somebody takes them


def test_jobs_of_another_lane_do_not_come_before_it() -> None:
    assert full([running(1, 5, lane="long"), turn(2, lane="long"), turn(9)]).startswith("place 1 in the short lane. It")


def test_a_job_that_does_not_wait_any_more_tells_nothing() -> None:
    assert outlook_of("job_1", [running(1, 5)], lambda _: 1.0, NOW, ("short",)) is None
    assert outlook_of("job_2", [running(1, 5)], lambda _: 1.0, NOW, ("short",)) is None
