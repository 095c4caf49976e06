"""The rows and labels that one of two models alone has right."""

from __future__ import annotations

import numpy as np

from classwright_tools.domain.example import make_example
from classwright_tools.measurement.changed_answers import changed_rows, label_changes
from classwright_tools.measurement.held_out import Answers

LABELS = ("delivery", "refund", "account")


def test_a_set_of_labels_is_right_in_whichever_order_the_other_model_has_them() -> None:
    true = np.array([[True, True, False], [True, False, True]])
    rows = tuple(make_example(f"text {place}", None, labels=("refund",)) for place in range(2))
    given = np.array([[0.9, 0.9, 0.1], [0.9, 0.1, 0.1]])
    found = Answers("mail-d1", rows, LABELS, true, given, thresholds=(0.5, 0.5, 0.5))

    theirs = [("refund", "delivery"), ("account", "delivery")]

    [changed] = changed_rows(found, theirs, "validation")
    assert not changed.this_right
    assert changed.other_predicted == changed.label == "delivery + account"
    assert [(one.label, one.gain) for one in label_changes(found, theirs)] == [
        ("delivery", 0),
        ("refund", 0),
        ("account", -1),
    ]


def test_a_label_that_a_model_never_gives_does_not_gain_by_its_false_alarms_that_are_gone() -> None:
    true = np.array([1, 0, 0, 0])  # a refund, and three deliveries
    rows = tuple(make_example(f"text {place}", LABELS[place]) for place in true)
    found = Answers("shop-d1", rows, LABELS, true, np.array([[0.9, 0.05, 0.05]] * 4))

    changes = label_changes(found, ["refund", "refund", "refund", "delivery"])

    assert [(one.label, one.only_this_right, one.only_other_right) for one in changes] == [
        ("delivery", 2, 0),
        ("account", 0, 0),
        ("refund", 0, 1),
    ]
