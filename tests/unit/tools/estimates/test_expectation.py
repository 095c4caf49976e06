"""Expected durations: the guess before anything was measured, the measured pace afterwards, and how sure it is."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classwright_tools.estimates.expectation import expected_count, expected_seconds, guessed
from classwright_tools.estimates.history import Taken
from classwright_tools.estimates.parts import Guess, Part
from classwright_tools.estimates.remaining import seconds_left

GUESS = Guess(each=2.0, unit=0.01)
SIZES = st.lists(st.floats(50, 50_000), min_size=4, max_size=20)


def part(units: float, times: float = 1) -> Part:
    return Part("work", units, GUESS, times)


def test_before_anything_was_measured_the_guess_is_told_with_a_wide_range() -> None:
    told = expected_seconds(part(800), [], speed=1.5)

    assert told is not None
    assert told.value == pytest.approx(1.5 * (2 + 8))
    assert (told.pieces, told.high / told.value > 2, told.value / told.low > 2) == (0, True, True)


def test_without_a_guess_nothing_is_told_before_the_first_piece_and_its_pace_after_it() -> None:
    unguessed = Part("work", 300, None)

    assert expected_seconds(unguessed, [], 1.0) is None
    told = expected_seconds(unguessed, [Taken(1, 100, 20)], 1.0)
    assert told is not None
    assert 20 < told.value < 60


@settings(max_examples=25)
@given(
    small=st.lists(st.floats(50, 500), min_size=4, max_size=10),
    large=st.lists(st.floats(5_000, 50_000), min_size=4, max_size=10),
    each=st.floats(0.5, 8),
    unit=st.floats(0.0025, 0.04),
    asked=st.floats(50, 50_000),
)
def test_a_pace_four_times_off_the_guess_is_learnt_within_a_quarter_by_some_small_and_some_large_pieces(
    small: list[float], large: list[float], each: float, unit: float, asked: float
) -> None:
    took = Guess(each, unit)
    history = [Taken(1, size, took.of(1, size)) for size in [*small, *large]]

    told = expected_seconds(part(asked), history, 1.0)

    assert told is not None
    assert told.low <= told.value <= told.high
    assert told.value == pytest.approx(took.of(1, asked), rel=0.25)


@settings(max_examples=25)
@given(sizes=SIZES)
def test_more_work_is_never_told_to_take_less(sizes: list[float]) -> None:
    history = [Taken(1, size, 1 + size % 7) for size in sizes]

    told = [expected_seconds(part(units), history, 1.0) for units in sorted([*sizes, 10.0, 1e6])]

    values = [one.value for one in told if one]
    assert values == sorted(values)


def test_durations_that_differ_widen_the_range() -> None:
    steady = expected_seconds(part(100), [Taken(1, 100, 10)] * 5, 1.0)
    unsteady = expected_seconds(part(100), [Taken(1, 100, seconds) for seconds in (4, 7, 10, 16, 30)], 1.0)

    assert steady is not None
    assert unsteady is not None
    assert unsteady.high / unsteady.low > 2 * steady.high / steady.low


def test_counts_are_guessed_and_corrected_by_what_earlier_guesses_came_to() -> None:
    asked = Part("writing", 50, GUESS, counts={"tokens_in": 4_000.0})
    earlier = Taken(1, 100, 9, {"tokens_in": 3_000, guessed("tokens_in"): 2_000})

    assert expected_count(asked, "tokens_in", []) == 4_000
    assert expected_count(asked, "tokens_in", [earlier]) == 6_000
    assert expected_count(asked, "tokens_out", []) == 0


@pytest.mark.parametrize(
    ("fraction", "so_far", "expected", "left"),
    [
        (None, 10, None, None),
        (None, 10, 60, 50),
        (0.001, 10, 60, 53.976),
        (0.001, 10, None, None),
        (0.01, 90, 60, 8910),
        (0.5, 10, None, 10),
        (0.5, 10, 60, 30),
        (0.25, 20, 30, 60),
        (0.9, 90, 60, 10),
    ],
)
def test_the_time_left_goes_by_the_own_pace_where_that_is_slower_and_the_more_the_more_is_done(
    fraction: float | None, so_far: float, expected: float | None, left: float | None
) -> None:
    told = seconds_left(fraction, so_far, expected)

    assert told is None if left is None else told == pytest.approx(left)


def test_the_time_left_of_steps_that_are_slower_than_was_expected_rises_by_and_by_and_leaps_nowhere() -> None:
    steps, seconds = 400, 3.5
    told = [seconds_left(step / steps, step * seconds, 300) or 0 for step in range(1, steps)]

    assert told[0] == pytest.approx(300, rel=0.05)
    assert max(later - earlier for earlier, later in pairwise(told)) < 120
    assert told[steps // 20 :] == [pytest.approx(seconds * (steps - step)) for step in range(steps // 20 + 1, steps)]
