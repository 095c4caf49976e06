"""The rows that a look wants by what a classifier says of them, beside their own labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from classwright_tools.domain.label_sets import NO_LABELS
from classwright_tools.domain.look import Look
from classwright_tools.measurement.doubts import Doubts

Labels = Sequence[tuple[str, ...] | None]
"""The label, or all labels, of each row; None where nobody has said which apply."""


def doubted(look: Look, doubts: Doubts, own: Labels) -> NDArray[np.bool_]:
    """Return which rows (n,) a classifier disagrees with, suspects or is unsure of, or gives labels as `look` says."""
    found = doubts.answered.copy() if look.doubt is None else doubts.of_kind(look.doubt)
    if look.guess is not None:
        found &= doubts.given == 0 if look.guess == NO_LABELS else doubts.gave(look.guess)
    if look.missed is not None:
        found &= (
            _none_missed(doubts, own)
            if look.missed == NO_LABELS
            else ~doubts.gave(look.missed) & _has(look.missed, own)
        )
    if look.added is not None:
        found &= (
            _none_added(doubts, own) if look.added == NO_LABELS else doubts.gave(look.added) & _lacks(look.added, own)
        )
    return found


def _has(label: str, own: Labels) -> NDArray[np.bool_]:
    return np.array([labels is not None and label in labels for labels in own], bool)


def _lacks(label: str, own: Labels) -> NDArray[np.bool_]:
    return np.array([labels is not None and label not in labels for labels in own], bool)


def _none_missed(doubts: Doubts, own: Labels) -> NDArray[np.bool_]:
    """Return which rows have labels, and were given all of them."""
    found = np.zeros(len(own), bool)
    for place, labels in enumerate(own):
        found[place] = bool(labels) and set(labels or ()) <= set(doubts.suggested(place))
    return found


def _none_added(doubts: Doubts, own: Labels) -> NDArray[np.bool_]:
    """Return which rows were given labels, and no other than theirs."""
    found = np.zeros(len(own), bool)
    for place, labels in enumerate(own):
        given = doubts.suggested(place)
        found[place] = labels is not None and bool(given) and set(given) <= set(labels)
    return found
