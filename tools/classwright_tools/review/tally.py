"""The tally of a review: what decisions come to on the rows of a dataset, kept up as they arrive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from classwright_tools.domain.opinions import RowOpinions
from classwright_tools.review.standing import Standing

T = TypeVar("T")


class RowTally(NamedTuple):
    """What decisions come to on one row."""

    said: RowOpinions | None = None
    """What persons said of it, in the dataset and since."""
    action: str | None = None
    """What a person did last to it, wherever; None as long as it is to be decided."""
    is_counted: bool = False
    """Whether it is to be reviewed, as test rows are not."""
    right: bool | None = None
    """Whether its label was right, where it was decided on blind."""


class Tally:
    """What decisions come to on the rows of a dataset, and how many rows there are of each kind."""

    def __init__(self, standing: Standing, rows: Iterable[str]) -> None:
        """Begin with `rows`, of which the dataset tells something, and with those that decisions are about."""
        self.standing = standing
        self._rows: dict[str, RowTally] = {}
        self._new = [*rows]
        self._touched = 0
        self.opinions: dict[str, RowOpinions] = {}
        self.disputed: dict[str, RowOpinions] = {}
        self.actions: dict[str, str] = {}
        self._decided: Counter[str | None] = Counter()
        self._right: Counter[bool | None] = Counter()

    def refresh(self, reckon: Callable[[str], RowTally]) -> None:
        """Reckon those rows anew that something was read of since; `reckon` tells of one by its id."""
        touched = self.standing.touched[self._touched :]
        self._touched += len(touched)
        for row in dict.fromkeys([*self._new, *touched]):
            self._put(row, reckon(row))
        self._new.clear()

    @property
    def decided(self) -> dict[str, int]:
        """How many rows were decided on, by what was done last; test rows are not counted."""
        return {action: rows for action, rows in self._decided.items() if rows and action is not None}

    @property
    def judged(self) -> tuple[int, int]:
        """How many rows were decided on blind, and of how many of them the label was right."""
        return self._right[True] + self._right[False], self._right[True]

    def _put(self, row: str, now: RowTally) -> None:
        before, self._rows[row] = self._rows.get(row, RowTally()), now
        _keep(self.opinions, row, now.said)
        _keep(self.disputed, row, now.said if now.said and now.said.is_disputed else None)
        _keep(self.actions, row, now.action)
        for one, change in ((before, -1), (now, 1)):
            self._decided[one.action if one.is_counted else None] += change
            self._right[one.right] += change


def _keep(where: dict[str, T], row: str, value: T | None) -> None:
    if value is None:
        where.pop(row, None)
    else:
        where[row] = value
