"""Figures at the shares of the task, in words."""

from __future__ import annotations

from classwright.predict import probability_column
from classwright_tools.domain.figures import Estimate, FiguresAtShares, RareLabel
from classwright_tools.domain.shares import TaskShares


def at_shares_remarks(
    at: FiguresAtShares | None, shares: TaskShares | None, mismatch: str | None = None
) -> tuple[str, ...]:
    """Return the sentences on the figures `at` the task's `shares`, or without any at those of the measured rows.

    They say whose rows count for more or less than one: figures at other shares than the rows' are no plain counts.
    `mismatch` is a pair task's label of that name.
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
            f"The precision of {rare.label!r} ({where}) is {_shown(rare.precision)}, its recall {_shown(rare.recall)}."
        )
        remarks += _at_threshold(rare, hides=rare.label == mismatch)
    return tuple(remarks)


def _at_threshold(rare: RareLabel, *, hides: bool) -> list[str]:
    """Return the sentence on what a threshold finds, as one would set it to hide mismatches or to look for a label."""
    if rare.threshold is None or rare.false_alarms is None:
        return []
    found, of_others = rare.recall_at_false_alarms, f"{100 * rare.false_alarms:.0f} of 100"
    of_label = f"{100 * found.value:.0f} of 100 ({100 * found.low:.0f} to {100 * found.high:.0f})"
    if hides:
        column = probability_column(rare.label)
        return [
            f"To hide pairs with a `{column}` of {rare.threshold} or more hides {of_label} that do not belong, and "
            f"{of_others} that do."
        ]
    return [
        f"From a probability of {rare.threshold} on, {of_label} of {rare.label!r} are found, and {of_others} others "
        f"are taken for it: classify(thresholds={{{rare.label!r}: {rare.threshold}}})."
    ]


def _shown(figure: Estimate) -> str:
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"
