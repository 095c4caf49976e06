"""Attention of a matcher, drawn as heat maps: in pairs that it got wrong or that were asked for."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from classwright_tools.domain.pair import GivenPair, joined, shown
from classwright_tools.errors import InvalidInput
from classwright_tools.learning.matching.matcher import Attention
from classwright_tools.learning.model import Model
from classwright_tools.learning.pair_matching import PairClassifier
from classwright_tools.measurement.held_out import Answers

MOST_PAIRS = 4


@dataclass(frozen=True)
class AttendedPair:
    """A pair as a reader sees it, its label if known, the label that it was given, and the matcher's attention."""

    shown: str
    label: str | None
    predicted: str
    attention: Attention


def attended_pairs(model: Model, found: Answers) -> tuple[AttendedPair, ...]:
    """Return the errors that the model was surest of, with its attention; none where the model is no matcher."""
    if not isinstance(model.classifier, PairClassifier):
        return ()
    pairs: list[AttendedPair] = []
    for place in sorted(found.wrong.tolist(), key=lambda row: (-found.proba[row].max(), found.rows[row].id)):
        row = found.rows[place]
        with suppress(InvalidInput):  # a text without words has no attention
            attention = model.classifier.attention(row.content)
            label, predicted = found.labels[found.true[place]], found.labels[found.predicted[place]]
            pairs.append(AttendedPair(row.shown, label, predicted, attention))
        if len(pairs) == MOST_PAIRS:
            break
    return tuple(pairs)


def asked_pairs(model: Model, pairs: Iterable[GivenPair]) -> tuple[AttendedPair, ...]:
    """Return the attention of `model` on the `pairs` that somebody asks about.

    Raises:
        InvalidInput: the model is no matcher, or a text has no word.
    """
    contents = [joined(pair.text, pair.text_pair) for pair in pairs]
    if not contents:
        return ()
    if not isinstance(model.classifier, PairClassifier):
        raise InvalidInput(
            "`pairs`",
            f"asks where model {model.id!r} looked, and only a matcher looks",
            "Leave it out, or use a matcher.",
        )
    given = model.predict_proba(contents).argmax(axis=1)
    return tuple(
        AttendedPair(shown(content), None, model.labels[place], model.classifier.attention(content))
        for content, place in zip(contents, given.tolist(), strict=True)
    )
