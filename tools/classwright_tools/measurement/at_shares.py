"""Figures at the shares of the task, in words."""

from __future__ import annotations

from shlex import quote
from typing import NamedTuple

from classwright.predict import probability_column
from classwright_tools.domain.excerpt import listed
from classwright_tools.domain.figures import Estimate, FiguresAtShares, RareLabel
from classwright_tools.domain.shares import MOST_NAMED, TaskShares
from classwright_tools.domain.threshold import threshold_in_words
from classwright_tools.measurement.caveats import estimate_in_words
from classwright_tools.statistics.at_shares import RARE
from classwright_tools.statistics.ranking import FALSE_ALARMS

NEAR_NOTHING = 0.005
"""A share below which a model hardly ever gives a label."""


class Chosen(NamedTuple):
    """Thresholds of a rare label that were chosen before, and `by` what, in words: a report, or a training."""

    by: str
    rare: RareLabel


def at_shares_remarks(
    at: FiguresAtShares | None, shares: TaskShares | None, mismatch: str | None, chosen_by: str | None = None
) -> tuple[str, ...]:
    """Return the sentences on the figures `at` the task's `shares`, or without any at those of the measured rows.

    They say whose rows count for more or less than one: figures at other shares than the rows' are no plain counts.
    `mismatch` is a pair task's label of that name. `chosen_by` says in words what chose thresholds on other rows, if
    any did: those of another label are not applied.
    """
    if at is None:
        return ()
    remarks = []
    if shares:
        remarks.append(
            f"At the shares {shares.whose} ({shares.named}; each label's rows count for its share) the accuracy is "
            f"{estimate_in_words(at.accuracy)}."
        )
        remarks += _near_nothing(shares)
    if rare := at.rare:
        where = (
            f"{rare.share:.1%} there, {rare.of_rows:.1%} of these rows" if shares else f"{rare.share:.1%} of the rows"
        )
        precision = estimate_in_words(rare.precision) if rare.precision else "not known, as no row was answered so"
        remarks.append(
            f"The precision of {rare.label!r} ({where}) is {precision}, its recall {estimate_in_words(rare.recall)}."
        )
        is_found = rare.threshold is not None or bool(rare.points)
        if chosen_by and is_found:
            remarks.append(f"Its thresholds are those that {chosen_by}, unchanged.")
        remarks += _of_pairs(rare) if rare.label == mismatch else _of_texts(rare, chosen=chosen_by is not None)
        if not is_found:
            remarks.append(f"No threshold for {rare.label!r} was chosen before; test rows choose none.")
    return tuple(remarks)


def _near_nothing(shares: TaskShares) -> list[str]:
    """Return the sentence on labels that a model hardly ever gives, as nearly no text is of them; a person knows it of
    the shares that one stated.
    """
    rare = [one.label for one in shares.labels if one.share.value < NEAR_NOTHING and shares.source != "stated"]
    if not rare:
        return []
    return [
        f"At so small a share the model hardly ever gives {listed(map(repr, rare), MOST_NAMED)}, of which there are "
        "rows. If more texts are of it where the model is used, state the shares: propose_topics(expected_shares=...); "
        "or have more random texts labelled: annotate_examples(order='random'). classify(prior='training') leaves the "
        "shares out."
    ]


def _of_pairs(rare: RareLabel) -> list[str]:
    """Return the sentences on what thresholds hide of pairs that do not belong, and of others.

    Where such pairs are rare they may be searched for too: then it is said what is to be read for that.
    """
    remarks = [*_to_miss_few(rare, "pairs"), *_balanced(rare)] if rare.share < RARE / 2 else []
    if rare.threshold is not None and rare.false_alarms is not None:
        remarks.append(
            f"Hiding pairs with a `{probability_column(rare.label)}` of {threshold_in_words(rare.threshold)} or more "
            f"hides {_of_100(rare.recall_at_false_alarms)} that do not belong, and {100 * rare.false_alarms:.0f} of "
            "100 that do." + _pays_nothing(rare)
        )
    return remarks


def _pays_nothing(rare: RareLabel) -> str:
    """Return that hiding by the model is no better than hiding at random, where it is not."""
    if rare.false_alarms is None or rare.recall_at_false_alarms.value > rare.false_alarms:
        return ""
    return " That is no better than hiding pairs at random: hide none by this model."


def _of_texts(rare: RareLabel, *, chosen: bool) -> list[str]:
    """Return the sentences on what thresholds find: for those who want to miss few texts, and for few false alarms.

    They were `chosen` on other rows, or on these.
    """
    remarks = _to_miss_few(rare, "texts")
    if rare.threshold is not None and rare.false_alarms is not None:
        aim = "" if chosen else f" (at most {100 * FALSE_ALARMS:.0f})"
        remarks.append(
            f"For few false alarms: from {threshold_in_words(rare.threshold)} on, "
            f"{_of_100(rare.recall_at_false_alarms)} are found, and {100 * rare.false_alarms:.0f} of 100 others{aim} "
            "are taken for it."
        )
    remarks += _balanced(rare)
    if remarks:
        some = threshold_in_words(rare.points[0].threshold if rare.points else rare.threshold or 0.0)
        command = f"--threshold {_quoted(f'{rare.label}={some}')}"
        remarks.append(
            f"Pass the one that suits to classify: thresholds={{{rare.label!r}: {some}}}; of an export to predict.py: "
            f"{command}."
        )
    return remarks


def _quoted(argument: str) -> str:
    """Return `argument` as a command has it: in double quotes if need be, as the shell of Windows knows no others."""
    alone = quote(argument)
    return alone if alone == argument or set(argument) & set('"$`!\\') else f'"{argument}"'


def _to_miss_few(rare: RareLabel, what: str) -> list[str]:
    """Return the sentence on the thresholds for wanted recalls, if there are any; `what` is read, texts or pairs."""
    read = [
        f"from {threshold_in_words(point.threshold)} on, {_of_100(point.recall)} are found (wanted: "
        f"{100 * point.wanted:.0f}), and {100 * point.read:.0f} of 100 {what} are to be read"
        for point in rare.points
    ]
    return [f"To miss few of {rare.label!r}: {'; '.join(read)}."] if read else []


def _balanced(rare: RareLabel) -> list[str]:
    """Return the sentence on the threshold with the highest F1, if there is one."""
    best = rare.best_f1
    if best is None or rare.f1 is None:
        return []
    precision = f"{best.precision.value:.2f}" if best.precision else "not known, as no row reaches it"
    return [
        f"To balance precision and recall: from {threshold_in_words(best.threshold)} on, their F1 is "
        f"{estimate_in_words(best.f1)} (precision {precision}, recall {best.recall.value:.2f}), without a threshold "
        f"{rare.f1.value:.3f}."
    ]


def _of_100(share: Estimate) -> str:
    return f"{100 * share.value:.0f} of 100 ({100 * share.low:.0f} to {100 * share.high:.0f})"
