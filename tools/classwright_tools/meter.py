"""The meter of a run: how long each kind of its work took, and how much of it there was.

What does the work says so with `metered`; whoever runs it opens a `Meter` and reads it afterwards. Time counts once:
work inside other work is that of the inner kind alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

LOADING = "loading the libraries"
"""The kind of work that is done once a process: it would else be taken for a part of what needs them first."""

_current: ContextVar[Meter | None] = ContextVar("meter", default=None)


@dataclass
class Measured:
    """The work of one kind in a run: how often it was done, its units in all, and the seconds that it took.

    `counts` are what else it took, such as "tokens_in". What is not `typical`, such as answers that were there
    already, tells nothing of the next time.
    """

    times: int = 0
    units: float = 0.0
    seconds: float = 0.0
    counts: dict[str, float] = field(default_factory=dict)
    typical: bool = True


class Meter:
    """The measured work of a run, by kind."""

    def __init__(self) -> None:
        self.kinds: dict[str, Measured] = {}
        self._open: list[Measured] = []
        self._since = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let what is done inside be measured here."""
        before = _current.set(self)
        try:
            yield
        finally:
            _current.reset(before)

    @contextmanager
    def of(self, kind: str, units: float) -> Iterator[Measured]:
        """Measure what is done inside as so many `units` of a kind."""
        piece = self.kinds.setdefault(kind, Measured())
        self._turn()
        self._open.append(piece)
        try:
            yield piece
        finally:
            self._turn()
            self._open.pop()
        piece.times += 1
        piece.units += units

    def _turn(self) -> None:
        """Give the time since the last turn to the innermost work."""
        now = time.monotonic()
        if self._open:
            self._open[-1].seconds += now - self._since
        self._since = now


@contextmanager
def metered(kind: str, units: float) -> Iterator[Measured]:
    """Measure what is done inside as so many `units` of a kind, if a run is being measured."""
    meter = _current.get()
    if meter is None:
        yield Measured()
        return
    with meter.of(kind, units) as piece:
        yield piece
