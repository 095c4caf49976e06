"""The doubts about rows that may have several labels: a set is told whole, however many labels it has."""

from __future__ import annotations

import numpy as np

from classwright_tools.domain.example import make_example
from classwright_tools.measurement.answered_rows import Answered, doubts_of_sets

LABELS = tuple(f"label {number}" for number in range(300))


def test_a_row_that_is_given_more_labels_than_there_are_keys_for_is_suggested_them_all() -> None:
    own = {"twelve": LABELS[:12], "all": LABELS, "one": LABELS[:1], "nine": LABELS[:9]}
    answered = Answered.none(len(own), len(LABELS))
    given = np.array([[label in labels for label in LABELS] for labels in own.values()])
    answered.take(range(3), np.where(given[:3], 0.9, 0.1), (0.5,) * len(LABELS))
    rows = [("train", make_example(text, None, labels=labels)) for text, labels in own.items()]

    doubts = doubts_of_sets(rows, LABELS, answered, np.zeros(4, bool), np.zeros((4, 2), np.float32))

    assert [doubts.suggested(place) for place in range(4)] == [LABELS[:12], LABELS, LABELS[:1], ()]
    assert not doubts.of_kind("disagrees").any()
    assert doubts.gave(LABELS[-1]).tolist() == [False, True, False, False]
