"""The expected duration of work, from what work of its kind took: a line through the pieces, pulled to the guess.

Two things are learnt of a kind: the seconds each time and the seconds a unit. They are found by least squares of the
relative errors, none below zero (Lawson and Hanson 1974, "Solving Least Squares Problems", chapter 23), with the guess
as two weak observations: after one piece the line has the guess's shape, after several their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from classwright_tools.estimates.history import Taken
from classwright_tools.estimates.parts import Guess, Part

GUESS_WEIGHT = 0.2
"""Of each of the guess's two observations beside one measured piece; beside n pieces, by n squared less."""
GUESSED_SPREAD = math.log(2.5)
"""A guess may be wrong by this factor, to either side, as a logarithm."""
LEAST_SPREAD = math.log(1.15)
FEW_SPREAD = math.log(1.6)
"""Added to the spread of one piece; of more pieces accordingly less."""
MOST_SPREAD = math.log(4)
FOUR_OF_FIVE = 1.28
"""Standard deviations to either side within which four of five values of a normal distribution lie."""


@dataclass(frozen=True)
class Expected:
    """An amount with the range that four of five should lie in, and the number of pieces that it was learnt from."""

    value: float
    low: float
    high: float
    pieces: int


def expected_seconds(part: Part, history: Sequence[Taken], speed: float) -> Expected | None:
    """Return the seconds that a part should take; None where there is neither a piece nor a guess.

    `speed` is how long other work took here beside its guesses: where there is no piece, the guess is taken times it.
    """
    guess = part.guess or (Guess(1.0, 1.0 / max(1.0, history[0].units)) if history else None)
    if guess is None:
        return None
    if not history:
        value = speed * guess.of(part.times, part.units)
        return _within(value, GUESSED_SPREAD, 0)
    line = _line(history, guess)
    # A line may give nothing to a piece without units.
    errors = [math.log(one.seconds / max(1e-9, line.of(one.times, one.units))) for one in history]
    error = math.sqrt(sum(one * one for one in errors) / len(errors))
    spread = max(LEAST_SPREAD, FOUR_OF_FIVE * error) + FEW_SPREAD / len(history)
    beyond = part.units / max(1e-9, *(one.units for one in history))
    if beyond > 1:  # a line is less sure where no piece has been
        spread += math.log(beyond) / 4
    return _within(line.of(part.times, part.units), spread, len(history))


def expected_count(part: Part, name: str, history: Sequence[Taken]) -> float:
    """Return how much else a part takes, such as "tokens_in": the guess, corrected by what others of its kind took."""
    guess = part.counts.get(name, 0.0)
    told = [one for one in history if one.counts.get(guessed(name))]
    if not told:
        return guess
    return guess * sum(one.counts[name] for one in told) / sum(one.counts[guessed(name)] for one in told)


def guessed(name: str) -> str:
    """Return the name of the guess of a count, which is kept beside what it came to."""
    return f"{name}, guessed"


def speed_of(pairs: Sequence[tuple[Guess, Sequence[Taken]]]) -> float:
    """Return how long work took beside its guesses, the middle of all pieces; 1 where there are none."""
    ratios = sorted(one.seconds / guess.of(one.times, one.units) for guess, taken in pairs for one in taken)
    return ratios[len(ratios) // 2] if ratios else 1.0


def _line(history: Sequence[Taken], guess: Guess) -> Guess:
    """Return the line that fits the history."""
    import numpy as np
    from scipy.optimize import nnls

    middle = speed_of([(guess, history)])
    shares = [[guess.each * one.times / one.seconds, guess.unit * one.units / one.seconds] for one in history]
    weight = math.sqrt(GUESS_WEIGHT) / len(history)
    pulled = [[weight / middle, 0.0], [0.0, weight / middle]]
    factors, _ = nnls(np.array([*shares, *pulled]), np.array([*[1.0] * len(history), weight, weight]))
    return Guess(guess.each * float(factors[0]), guess.unit * float(factors[1]))


def _within(value: float, spread: float, pieces: int) -> Expected:
    factor = math.exp(min(spread, MOST_SPREAD))
    return Expected(value, value / factor, value * factor, pieces)
