"""The parts of a call's work, of which its estimate is the sum."""

from __future__ import annotations

from dataclasses import dataclass, field

from classwright_tools.domain.usage import Prices


@dataclass(frozen=True)
class Guess:
    """How long work takes where none of its kind was measured yet: seconds each time, and seconds a unit.

    What was measured here corrects them.
    """

    each: float
    unit: float

    def of(self, times: float, units: float) -> float:
        """Return the seconds of so many units, done so many times."""
        return self.each * times + self.unit * units


@dataclass(frozen=True)
class Part:
    """Work of one kind: `times` pieces of it, with so many `units` in all.

    `guess` is None where nothing can be said before it was measured. `counts` guesses what else it takes, in all.
    """

    kind: str
    units: float
    guess: Guess | None
    times: float = 1
    counts: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Workload:
    """The work of a call: `own` is what it does besides the `parts`, which are measured by themselves.

    `memory` guesses the megabytes that its process holds at most. `remark` says what the estimate leaves out.
    """

    own: Part
    parts: tuple[Part, ...] = ()
    memory: int | None = None
    remark: str = ""
    loads: bool = False
    """Whether it needs the libraries of encoders, which take seconds in a process that has not loaded them."""
    prices: Prices | None = None
    """Of the writer that it asks; None where the operator has set none."""
    texts: int = 0
    """That somebody is to write or to label."""
    texts_most: int = 0
    """Those that may be written, so that after refusals as many are there."""
