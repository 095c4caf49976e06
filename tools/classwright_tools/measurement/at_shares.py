"""Figures at the shares of the task, in words."""

from __future__ import annotations

from classwright_tools.domain.figures import Estimate, FiguresAtShares
from classwright_tools.domain.shares import TaskShares


def at_shares_remarks(at: FiguresAtShares | None, shares: TaskShares | None) -> tuple[str, ...]:
    """Return the sentences on the figures `at` the task's `shares`, or without any at those of the measured rows.

    They say whose rows count for more or less than one: figures at other shares than the rows' are no plain counts.
    """
    if at is None:
        return ()
    remarks = []
    if shares:
        remarks.append(
            f"At your shares ({shares.in_words}; each label's rows count for its share) the accuracy is "
            f"{_shown(at.accuracy)}."
        )
    if rare := at.rare:
        where = (
            f"{rare.share:.1%} there, {rare.of_rows:.1%} of these rows" if shares else f"{rare.share:.1%} of the rows"
        )
        remarks.append(
            f"The precision of {rare.label!r} ({where}) is {_shown(rare.precision)}, its recall {_shown(rare.recall)}; "
            f"a threshold that 5% of the other rows pass finds {_shown(rare.recall_at_false_alarms)} of it."
        )
    return tuple(remarks)


def _shown(figure: Estimate) -> str:
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"
