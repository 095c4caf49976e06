"""Whose job is next: principals take turns, and within a principal's jobs their tasks do."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from classwright_server.jobs.turns import Turn, seat_of


def turn(user: str, task: str, number: int, round_: int, *, runs: bool = False) -> Turn:
    """A training job, the `number`th that was queued."""
    return Turn(f"job_{number}", "long", user, "train_classifier", task, "train_classifier", 0, runs, round_, number)


def ordered(lane: list[Turn]) -> list[Turn]:
    """The jobs in the order in which they are taken."""
    return sorted(lane, key=lambda one: (one.round, one.created))


def queued(lane: list[Turn], user: str, task: str) -> list[Turn]:
    """The lane after `user` has queued a job."""
    seat = seat_of(lane, user, task)
    if seat.moves_others:
        moved = {one for one in lane if one.user == user and not one.runs and one.round >= seat.round}
        lane = [replace(one, round=one.round + 1) if one in moved else one for one in lane]
    number = max((one.created for one in lane), default=0) + 1
    return ordered([*lane, turn(user, task, number, seat.round)])


def lane_of(*jobs: tuple[str, str]) -> list[Turn]:
    """The lane in which these jobs were queued one after the other."""
    lane: list[Turn] = []
    for user, task in jobs:
        lane = queued(lane, user, task)
    return lane


def begun(lane: list[Turn]) -> list[Turn]:
    """The lane after what ran has ended and the next one has begun."""
    waiting = [one for one in lane if not one.runs]
    return [replace(waiting[0], runs=True), *waiting[1:]]


def said(lane: list[Turn]) -> list[tuple[str, str]]:
    return [(one.user, str(one.task)) for one in lane]


def test_one_who_queued_a_hundred_jobs_does_not_hold_up_the_one_job_of_another() -> None:
    lane = begun(lane_of(*[("alice", "a")] * 100))

    assert said(queued(lane, "bob", "b"))[:3] == [("alice", "a"), ("bob", "b"), ("alice", "a")]


def test_a_hundred_tasks_of_one_principal_count_as_much_as_one_of_another() -> None:
    lane = begun(lane_of(*(("alice", f"a{number}") for number in range(100))))

    assert said(queued(lane, "bob", "b"))[1] == ("bob", "b")


def test_the_tasks_of_a_principal_take_turns() -> None:
    lane = queued(begun(lane_of(*[("alice", "a")] * 4)), "alice", "b")

    assert said(lane) == [("alice", "a"), ("alice", "b"), *[("alice", "a")] * 3]


def test_turns_within_a_principal_take_none_from_another() -> None:
    lane = lane_of(*[("alice", "a")] * 3, *[("bob", "b")] * 3)

    users = [one.user for one in queued(lane, "alice", "c")]

    assert [set(users[place : place + 2]) for place in (0, 2, 4)] == [{"alice", "bob"}] * 3


def test_who_comes_when_others_have_had_many_turns_has_none_to_catch_up_with() -> None:
    lane = lane_of(*[("alice", "a")] * 30)
    for _ in range(20):
        lane = begun(lane)
    lane = queued(queued(lane, "bob", "b"), "bob", "b")

    assert [one.user for one in lane[:5]] == ["alice", "bob", "alice", "bob", "alice"]


def test_jobs_that_were_queued_before_there_were_turns_come_first() -> None:
    old = [turn("alice", "a", number, 0) for number in range(3)]

    assert said(queued(old, "bob", "b"))[3:] == [("bob", "b")]


JOBS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz")), min_size=1, max_size=40)


@given(JOBS)
def test_of_jobs_that_all_wait_each_principal_has_one_in_each_round_and_tasks_alternate(
    jobs: list[tuple[str, str]],
) -> None:
    lane = lane_of(*jobs)

    assert sorted(said(lane)) == sorted(jobs)
    for user in {user for user, _ in jobs}:
        own = [one for one in lane if one.user == user]
        rounds = [one.round for one in own]
        assert rounds == sorted(set(rounds))
        seen: dict[str | None, int] = {}
        for one in own:  # the nth of a task comes after the (n-1)th of every other that has as many
            seen[one.task] = seen.get(one.task, 0) + 1
            assert all(count >= seen[one.task] - 1 for task, count in counts(own, seen).items() if task != one.task)


def counts(own: list[Turn], seen: dict[str | None, int]) -> dict[str | None, int]:
    """How many of each task have come; of those that have no more, more than can be missed."""
    total: dict[str | None, int] = {}
    for one in own:
        total[one.task] = total.get(one.task, 0) + 1
    return {task: seen.get(task, 0) if seen.get(task, 0) < total[task] else 10**6 for task in total}


@given(JOBS, JOBS)
def test_a_newcomer_waits_for_one_job_of_each_at_most(
    first: list[tuple[str, str]], later: list[tuple[str, str]]
) -> None:
    lane = begun(lane_of(*first))
    for _, task in later:
        lane = queued(lane, "new", task)
    waiting = [one.user for one in lane if not one.runs]
    before = waiting[: waiting.index("new")]

    assert len(before) == len(set(before))
