"""The alarm: texts that a model answers otherwise than rows it was measured on, so that its figures need not hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from classwright_tools.domain.cards import ModelCard
from classwright_tools.domain.example import REAL_TEXTS
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.usual import Usual
from classwright_tools.statistics.departures import more_out_of_scope, other_shares
from classwright_tools.statistics.exact_tests import fisher_greater, holm

LEVEL = 0.01
"""How often, at most, the alarm is raised in a call where nothing differs, whatever is compared in it."""
LEAST_TEXTS = 20
"""Of a source that is compared: of fewer only a landslide would tell."""
_EVEN = 0.05
"""Rows held out whose labels are so even, by a chi-squared test, were not drawn as texts come: they tell no shares."""


class Answered(NamedTuple):
    """How a model answered the texts of a source: how many, how many of them out of scope and not sure, and the rest.

    `sure_by_label` is empty where it is not to be compared.
    """

    texts: int
    out_of_scope: int
    unsure: int
    sure_by_label: Mapping[str, int]


class Alarm(NamedTuple):
    """What differs from what is usual, in words, of the texts of a source; `foreign`: too much is out of scope."""

    differs: tuple[str, ...]
    foreign: bool


def usual_of(card: ModelCard) -> Usual:
    """Return how the model of `card` answered real texts that it was not trained on, as far as the card tells."""
    scope, measured = card.scope, card.validation
    flagged = None
    if scope and scope.data in REAL_TEXTS:
        flagged = round(scope.flagged.value * (scope.rows + 1)), scope.rows
    as_they_come = card.shares is None or card.shares.source in ("validation rows", "random rows")
    counted_alike = measured.measured_on == card.set_by and bool(card.sure_by_label)
    if card.sure_on not in REAL_TEXTS or not (counted_alike and as_they_come):
        return Usual(flagged=flagged)
    if card.thresholds:  # what is counted by label there is no answer to a whole text
        unsure = None if card.unsure is None else round(card.unsure * measured.rows)
        return Usual(flagged=flagged, unsure=None if unsure is None else (unsure, measured.rows))
    sure = {label: given for label, (given, _) in card.sure_by_label.items()}
    tells = not _even([one.support for one in card.classes])
    not_sure = measured.rows - sum(sure.values())
    return Usual(flagged=flagged, unsure=(not_sure, measured.rows), sure_by_label=sure if tells else {})


def alarms(usual: Usual, sources: Mapping[str, Answered]) -> dict[str, Alarm]:
    """Return which of the `sources` are unlike what is `usual`, and in what.

    The tests are exact; by Holm's procedure (1979) they raise an alarm where nothing differs in a share `LEVEL` of
    calls at most, however many there are.
    """
    found = sorted(
        (p, source, words, foreign)
        for source, answered in sources.items()
        if answered.texts >= LEAST_TEXTS
        for p, words, foreign in _tests(usual, answered)
    )
    raised: dict[str, Alarm] = {}
    beyond = holm([p for p, *_ in found], LEVEL)
    for (_, source, words, foreign), is_beyond in zip(found, beyond, strict=True):
        if not is_beyond:
            break
        before = raised.get(source, Alarm((), foreign=False))
        raised[source] = Alarm((*before.differs, words), foreign=before.foreign or foreign)
    return raised


def alarm_in_words(source: str, alarm: Alarm) -> str:
    """Return the sentence that raises the alarm on a `source`, as a sentence names it."""
    return f"{source} unlike what was measured: {'; '.join(alarm.differs)}. The figures need not hold there."


def _tests(usual: Usual, found: Answered) -> Iterator[tuple[float, str, bool]]:
    """Yield the p of each test that can be made, what it would tell in words, and whether that is of the scope."""
    texts = counted(found.texts, "text")
    if usual.flagged:
        rank, rows = usual.flagged
        p = more_out_of_scope(found.out_of_scope, found.texts, rank, rows)
        share, expected = found.out_of_scope / found.texts, rank / (rows + 1)
        yield p, f"{share:.0%} of {texts} out of scope where {expected:.0%} is usual", True
    if usual.unsure:
        few, rows = usual.unsure
        p = fisher_greater(found.unsure, found.texts, few, rows)
        yield p, f"not sure of {found.unsure / found.texts:.0%} of {texts} where {few / rows:.0%} is usual", False
    if usual.sure_by_label and found.sure_by_label:
        labels = list(usual.sure_by_label)
        own = np.array([found.sure_by_label.get(label, 0) for label in labels])
        there = np.array([usual.sure_by_label[label] for label in labels])
        shares, expect = own / max(1, own.sum()), there / max(1, there.sum())
        far = int(np.abs(shares - expect).argmax())
        words = f"{labels[far]!r} is {shares[far]:.0%} of the sure answers where {expect[far]:.0%} is usual"
        yield other_shares(own, there), words, False


def _even(counts: list[int]) -> bool:
    """Return whether labels with these `counts` of rows may well have equally many."""
    from scipy.stats import chisquare

    return len(counts) < 2 or not sum(counts) or float(chisquare(counts).pvalue) > _EVEN
