"""The history of rows: each is followed through its texts and the names of its labels, many at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from classwright_tools.domain.edits import Edit
from classwright_tools.domain.row_history import histories, history

_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def edit(action: str, **facts: Any) -> Edit:
    made = {"action": action, "reason": "a test", "when": _NOON, "dataset": "support-d1"}
    return Edit.model_validate(made | facts)


def test_rows_that_are_followed_at_once_have_the_histories_that_each_has_by_itself() -> None:
    edits = [
        edit("relabel", label="refund", rows={"a": "account", "b": "delivery"}),
        edit("rewrite", rows={"c": "a"}),
        edit("rename_label", label="refund", to="money back"),
        edit("restore", rows={"a": "delivery"}),  # the first text comes again, as another row
        edit("opinion", rows={"b": "account"}),
        edit("flag", rows={"a": "delivery", "c": "money back", "gone": ""}),
    ]
    labels = {"a": "delivery", "b": "money back", "c": "money back", "never touched": None}

    found = histories(edits, labels)

    past = {id_: [(one.edit.action, one.id, one.label) for one in of_row] for id_, of_row in found.items()}
    assert past == {
        "a": [("flag", "a", "delivery"), ("restore", "a", "delivery"), ("relabel", "a", "account")],
        "b": [("rename_label", "b", "refund"), ("relabel", "b", "delivery")],
        "c": [
            ("flag", "c", "money back"),
            ("rename_label", "c", "refund"),
            ("rewrite", "a", "refund"),
            ("relabel", "a", "account"),
        ],
        "never touched": [],
    }
    assert found == {id_: history(edits, id_, label) for id_, label in labels.items()}


def test_rows_whose_texts_are_exchanged_in_one_edit_keep_their_own_histories() -> None:
    edits = [
        edit("relabel", label="refund", rows={"a": "account"}),
        edit("rewrite", rows={"a": "b", "b": "a"}),
    ]

    found = histories(edits, {"a": "delivery", "b": "refund"})

    assert [one.id for one in found["a"]] == ["b"]
    assert [one.id for one in found["b"]] == ["a", "a"]
