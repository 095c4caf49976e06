"""Where a matcher looked in the pairs that it got wrong: its attention, to be drawn as heat maps."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from classwright_tools.errors import InvalidInput
from classwright_tools.learning.matching.matcher import Attention
from classwright_tools.learning.model import Classifier, MatchClassifier
from classwright_tools.measurement.held_out import Answers

MOST_PAIRS = 4


@dataclass(frozen=True)
class AttendedPair:
    """A pair as a reader sees it, its label, the label that it was given, and the matcher's attention."""

    shown: str
    label: str
    predicted: str
    attention: Attention


def attended_pairs(model: Classifier, found: Answers) -> tuple[AttendedPair, ...]:
    """Return the errors that the model was surest of, with its attention; none where the model is no matcher."""
    if not isinstance(model, MatchClassifier):
        return ()
    pairs: list[AttendedPair] = []
    for place in sorted(found.wrong.tolist(), key=lambda row: (-found.proba[row].max(), found.rows[row].id)):
        row = found.rows[place]
        with suppress(InvalidInput):  # a text without words has no attention
            attention = model.attention(row.content)
            label, predicted = found.labels[found.true[place]], found.labels[found.predicted[place]]
            pairs.append(AttendedPair(row.shown, label, predicted, attention))
        if len(pairs) == MOST_PAIRS:
            break
    return tuple(pairs)
