"""Thresholds that find most of a label do so as they are told."""

from __future__ import annotations

import numpy as np

from classwright_tools.domain.example import make_example
from classwright_tools.domain.threshold import THRESHOLD_PLACES, threshold_in_words
from classwright_tools.measurement.held_out import Answers
from classwright_tools.measurement.own_thresholds import thresholds_to_find, to_find_in_words


def test_a_threshold_between_close_probabilities_finds_its_rows_with_the_digits_that_it_is_told_with() -> None:
    proba = 0.1234567 + 1e-7 * np.arange(40)[:, None] * np.ones(2)
    true = np.repeat(np.arange(40)[:, None] % 2 == 0, 2, axis=1)
    rows = tuple(make_example(f"text {place}", None, labels=("refund",)) for place in range(40))
    found = Answers("mail-d1", rows, ("refund", "delivery"), true, proba, thresholds=(0.123459, 0.123459))

    table = thresholds_to_find(found)

    told = [one for one in table if one.threshold is not None and one.recall]
    assert told
    assert all(one.threshold == round(one.threshold or 0, THRESHOLD_PLACES) for one in told)
    assert all(one.recall and one.recall.value >= 0.8 for one in told)
    [sentence] = to_find_in_words(table)
    assert f"{{'refund': {threshold_in_words(min(one.threshold or 1 for one in told))}}}" in sentence
