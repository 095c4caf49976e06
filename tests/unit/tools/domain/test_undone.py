"""Edits that were undone, and undoings that were: what holds of the rows, and what persons said of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from classwright_tools.domain.decided import Decided
from classwright_tools.domain.edits import Edit, edits_apart
from classwright_tools.domain.label_sets import joined_labels
from classwright_tools.domain.opinions import Opinions

MANY = 40
_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def edit(action: str, edited: int, **facts: Any) -> Edit:
    """Return an edit of a version of the task."""
    made = {"action": action, "reason": "a test", "when": _NOON, "dataset": f"support-d{edited}"}
    return Edit.model_validate(made | facts)


def undoing(edited: int, of: int, *rows: str) -> list[Edit]:
    """Return the two edits by which the one of a version is undone, rows and whole."""
    there = dict.fromkeys(rows, "")
    return [
        edit("undo", edited, version=f"support-d{of}", rows=there),
        edit("undo", edited, version=f"support-d{of}", undoes=f"support-d{of + 1}"),
    ]


def approved_and_undone(times: int) -> Iterable[Edit]:
    """Yield the edits of a row that Ada approves, which is then undone, again and again."""
    yield edit("approve", 1, person="Ben", rows={"one": "refund"})
    for turn in range(times):
        yield edit("relabel", 2 * turn + 2, person="Ada", label="delivery", rows={"one": "refund"})
        yield from undoing(2 * turn + 3, 2 * turn + 2, "one")


def test_a_row_that_was_edited_and_undone_many_times_is_what_it_was_at_first() -> None:
    edits = list(approved_and_undone(MANY))

    opinions, decided = Opinions(edits), Decided(edits)

    assert opinions.of_row["one"].said == {"Ben": "refund"}
    assert opinions.deciders == {"one": {"Ben"}}
    assert decided.by_person == {"one": edits[0]}


def test_undoings_that_are_undone_again_and_again_give_the_edit_back_and_take_it() -> None:
    edits = [edit("approve", 1, person="Ben", rows={"one": "refund"})]
    edits.append(edit("relabel", 2, person="Ada", label="delivery", rows={"one": "refund"}))
    said = []
    for version in range(3, 3 + MANY):
        edits += undoing(version, version - 1, "one")
        said.append((set(Opinions(edits).deciders["one"]), Decided(edits).by_person["one"]))

    without, back = ({"Ben"}, edits[0]), ({"Ben", "Ada"}, edits[1])
    assert said == [without, back] * (MANY // 2)


def test_what_is_said_after_an_undoing_does_not_change_what_the_undoing_gave_back() -> None:
    edits = [edit("approve", 1, person="Ben", rows={"one": "refund"})]
    edits.append(edit("relabel", 2, person="Ada", label="delivery", rows={"one": "refund"}))
    edits += undoing(3, 2, "one")
    edits.append(edit("relabel", 4, person="Cleo", label="delivery", rows={"one": "refund"}))
    edits += undoing(5, 4, "one")

    assert Opinions(edits).of_row["one"].said == {"Ben": "refund"}


def test_what_an_undoing_gives_back_goes_by_the_names_that_labels_have_by_then() -> None:
    edits = [edit("approve", 1, person="Ben", rows={"one": "refund"})]
    edits.append(edit("relabel", 2, person="Ada", label="delivery", rows={"one": "refund"}))
    edits.append(edit("rename_label", 3, label="refund", to="money back"))
    edits.append(edit("relabel", 4, label="money back", by="model", rows={"one": "delivery"}))
    edits += undoing(4, 2, "one")

    assert Opinions(edits).of_row["one"].said == {"Ben": "money back"}


def test_sets_are_the_same_after_a_merge_whatever_the_order_of_the_labels_that_they_came_from() -> None:
    names = ("refund", "delivery", "account")
    edits = [edit("relabel", 1, person="Ben", labels=["refund", "delivery"], rows={"one": ""})]
    edits.append(edit("merge_label", 2, label="refund", to="account"))
    edits.append(edit("opinion", 3, person="Ada", rows={"one": joined_labels(["delivery", "account"])}))
    edits.append(edit("relabel", 4, person="Cem", labels=["account", "delivery"], rows={"one": ""}))

    row = Opinions(edits, names).of_row["one"]

    assert row.said["Ben"] == row.said["Ada"] == row.said["Cem"]
    assert not row.is_disputed


def test_of_two_versions_each_has_the_edits_apart_that_were_made_since_they_parted() -> None:
    both = list(approved_and_undone(1))
    ours, theirs = edit("flag", 4, rows={"one": ""}), edit("flag", 5, rows={"one": ""})

    assert edits_apart([*both, ours], [*both, theirs]) == ([ours], [theirs])
    assert edits_apart(both, [*both, theirs, ours]) == ([], [theirs, ours])
    assert edits_apart(both, both) == ([], [])
