"""Figures at the shares of the task, in words."""

from __future__ import annotations

from typing import NamedTuple

from classwright.predict import probability_column
from classwright_tools.domain.figures import Estimate, FiguresAtShares, RareLabel
from classwright_tools.domain.shares import TaskShares
from classwright_tools.measurement.caveats import estimate_in_words
from classwright_tools.statistics.ranking import FALSE_ALARMS


class Chosen(NamedTuple):
    """Thresholds of a rare label that were chosen on validation rows, and the report that chose them."""

    report: str
    rare: RareLabel


def at_shares_remarks(
    at: FiguresAtShares | None,
    shares: TaskShares | None,
    mismatch: str | None = None,
    chosen_by: str | None = None,
) -> tuple[str, ...]:
    """Return the sentences on the figures `at` the task's `shares`, or without any at those of the measured rows.

    They say whose rows count for more or less than one: figures at other shares than the rows' are no plain counts.
    `mismatch` is a pair task's label of that name. `chosen_by` is the report that chose thresholds on other rows, if
    there is one: those of another label are not applied.
    """
    if at is None:
        return ()
    remarks = []
    if shares:
        remarks.append(
            f"At your shares ({shares.in_words}; each label's rows count for its share) the accuracy is "
            f"{estimate_in_words(at.accuracy)}."
        )
    if rare := at.rare:
        where = (
            f"{rare.share:.1%} there, {rare.of_rows:.1%} of these rows" if shares else f"{rare.share:.1%} of the rows"
        )
        remarks.append(
            f"The precision of {rare.label!r} ({where}) is {estimate_in_words(rare.precision)}, its "
            f"recall {estimate_in_words(rare.recall)}."
        )
        is_found = rare.threshold is not None or bool(rare.points)
        if chosen_by and is_found:
            remarks.append(f"Its thresholds are those that validation rows gave ({chosen_by}), unchanged.")
        remarks += _to_hide(rare) if rare.label == mismatch else _to_find(rare, chosen=chosen_by is not None)
        if not is_found:
            remarks.append(f"No threshold for {rare.label!r} was chosen on validation rows; test rows choose none.")
    return tuple(remarks)


def _to_hide(rare: RareLabel) -> list[str]:
    """Return the sentence on what a threshold hides of pairs that do not belong, and of others."""
    if rare.threshold is None or rare.false_alarms is None:
        return []
    column = probability_column(rare.label)
    return [
        f"Hiding pairs with a `{column}` of {rare.threshold} or more hides {_of_100(rare.recall_at_false_alarms)} "
        f"that do not belong, and {100 * rare.false_alarms:.0f} of 100 that do."
    ]


def _to_find(rare: RareLabel, *, chosen: bool) -> list[str]:
    """Return the sentences on what thresholds find: for those who want to miss few texts, and for few false alarms.

    They were `chosen` on other rows, or on these.
    """
    read = [
        f"from {point.threshold} on, {_of_100(point.recall)} are found (wanted: {100 * point.wanted:.0f}), and "
        f"{100 * point.read:.0f} of 100 texts are to be read"
        for point in rare.points
    ]
    remarks = [f"To miss few of {rare.label!r}: {'; '.join(read)}."] if read else []
    if rare.threshold is not None and rare.false_alarms is not None:
        aim = "" if chosen else f" (at most {100 * FALSE_ALARMS:.0f})"
        remarks.append(
            f"For few false alarms: from {rare.threshold} on, {_of_100(rare.recall_at_false_alarms)} are found, and "
            f"{100 * rare.false_alarms:.0f} of 100 others{aim} are taken for it."
        )
    if remarks:
        some = rare.points[0].threshold if rare.points else rare.threshold
        remarks.append(f"Pass the one that suits to classify: thresholds={{{rare.label!r}: {some}}}.")
    return remarks


def _of_100(share: Estimate) -> str:
    return f"{100 * share.value:.0f} of 100 ({100 * share.low:.0f} to {100 * share.high:.0f})"
