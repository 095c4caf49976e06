"""The limit of a training's time: methods that do not fit into it are left out, and the rest goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from classwright_tools.domain.cost import spoken
from classwright_tools.errors import BudgetExceeded
from classwright_tools.learning.methods.method import Method
from classwright_tools.learning.setup import Progress

T = TypeVar("T")

HOPELESS = 2.0
"""A method that should take so many times the limit is not begun, even if it is the only one."""


def within(limit: TimeLimit | None, methods: Sequence[Method], fit: Callable[[Method], T]) -> list[T]:
    """Return what `fit` makes of each of the `methods`, or of those that the `limit` allows if there is one.

    Raises:
        OutOfTime: not one could be trained within the limit.
    """
    return limit.fitted(methods, fit) if limit else [fit(method) for method in methods]


class OutOfTime(BudgetExceeded):
    """The limit has passed."""


class TimeLimit:
    """So many minutes from now on. `expected` are the seconds that methods should take, by name, if that is known."""

    def __init__(self, minutes: float, expected: Mapping[str, float]) -> None:
        self._minutes = minutes
        self._expected = expected
        self._end: float | None = time.monotonic() + 60 * minutes
        self.left_out: list[str] = []
        """A sentence for each method that was left out."""

    def progress(self, report: Progress) -> Progress:
        """Return a progress report that stops the work when the limit has passed, by an `OutOfTime`."""

        def limited(done: float, message: str) -> None:
            if self._end is not None and time.monotonic() > self._end:
                raise self._passed("had passed before a method was trained")
            report(done, message)

        return limited

    def begin(self, first: Method) -> None:
        """Raise an `OutOfTime` if the `first` method should take far longer than the limit."""
        seconds = self._expected.get(first.name, 0.0)
        if seconds > HOPELESS * 60 * self._minutes:
            raise self._passed(f"are set, and {first.name!r} should take about {spoken(seconds)}")

    def fitted(self, methods: Sequence[Method], fit: Callable[[Method], T]) -> list[T]:
        """Return what `fit` makes of each of the `methods` that the limit allows; the first one must be among them.

        What comes after that is no longer limited.

        Raises:
            OutOfTime: not one could be trained within the limit.
        """
        fits: list[T] = []
        for method in methods:
            seconds = self._expected.get(method.name, 0.0)
            if fits and seconds > self._seconds_left:
                self._leave_out(method, f"should take about {spoken(seconds)}")
                continue
            try:
                fits.append(fit(method))
            except OutOfTime:
                if not fits:
                    raise
                self._leave_out(method, "was stopped when the time was over")
        self._end = None
        return fits

    @property
    def _seconds_left(self) -> float:
        assert self._end is not None
        return self._end - time.monotonic()

    def _leave_out(self, method: Method, reason: str) -> None:
        self.left_out.append(f"{method.name} was left out: it {reason}, and max_minutes is {self._minutes:g}.")

    def _passed(self, what: str) -> OutOfTime:
        repair = "Raise max_minutes, use method 'probe', which takes seconds, or fewer rows."
        return OutOfTime("max_minutes", f"{self._minutes:g} min {what}", repair)
