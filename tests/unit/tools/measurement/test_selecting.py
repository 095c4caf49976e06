"""Rows by their ids, by what they are, and by what they mean."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import Provenance, make_example
from classwright_tools.domain.selection import RowFilter, RowSearch, RowSelection, RowsLike
from classwright_tools.domain.task import Task
from classwright_tools.errors import DamagedArtifact, InvalidInput, NotFound
from classwright_tools.measurement.selecting import select
from classwright_tools.workspace.datasets import read_rows
from support.learning import WRITTEN, real_rows, save_rows, unlabelled_rows, written_rows
from support.pair import pair_rows, pair_task, save_pairs


@pytest.fixture
def dataset(task: Task, context: ToolContext) -> str:
    contrast = make_example(
        "my refund has not been delivered to my account, where is it",
        "refund",
        origin="written",
        provenance=Provenance(contrast="delivery", round=1, writer="recorded"),
    )
    test = [make_example("a test row about the parcel of my neighbour", "delivery")]
    return save_rows(context.workspace, [*written_rows(), contrast], real_rows(), test, unlabelled_rows(delivery=3))


def found(context: ToolContext, dataset: str, **where: object) -> set[str]:
    rows = select(context, dataset, RowSearch(where=RowFilter.model_validate(where))).rows()
    return {row.text for _, row in rows}


def test_a_row_meets_all_conditions_of_a_filter(context: ToolContext, dataset: str) -> None:
    assert found(context, dataset, labels=["refund"], topic="broken goods") == set(WRITTEN["refund"]["broken goods"])
    assert found(context, dataset, labels=["refund", "account"], text="MONEY BACK", subtopic="broken goods 4") == {
        "item faulty. money back please"
    }
    assert found(context, dataset, contrast="delivery", round=1) == {
        "my refund has not been delivered to my account, where is it"
    }
    assert len(found(context, dataset, source_type="message", splits=["train"])) == 30
    assert len(found(context, dataset, origins=["real"], splits=["unlabelled"])) == 3


def test_test_rows_are_selected_only_by_name(context: ToolContext, dataset: str) -> None:
    assert not found(context, dataset, text="my neighbour", labels=["delivery"], origins=["real"])
    assert len(found(context, dataset, text="my neighbour", splits=["test"])) == 1


def test_the_rows_come_with_their_splits_and_as_they_are_in_the_dataset(context: ToolContext, dataset: str) -> None:
    rows = select(context, dataset, RowSearch(where=RowFilter(splits=("validation", "train")))).rows()

    for split in ("train", "validation"):
        assert [row for where, row in rows if where == split] == read_rows(context.workspace, dataset, split)


def test_ids_select_their_rows_in_their_order_and_each_once(context: ToolContext, dataset: str) -> None:
    train = read_rows(context.workspace, dataset, "train")
    ids = (train[7].id, train[2].id, train[7].id)

    assert [row for _, row in select(context, dataset, RowSearch(ids=ids)).rows()] == [train[7], train[2]]


def test_the_nearest_rows_of_a_meaning_come_first_and_share_no_word_with_it(context: ToolContext, dataset: str) -> None:
    like = RowsLike(text="forgot credentials", count=3)

    selected = select(context, dataset, RowSearch(where=RowFilter(splits=("train",)), like=like))

    assert {row.label for _, row in selected.rows()} == {"account"}
    assert selected.similarities is not None
    assert selected.similarities.tolist() == sorted(selected.similarities.tolist(), reverse=True)


def test_the_rows_like_another_row_are_others(context: ToolContext, dataset: str) -> None:
    row = next(row for row in read_rows(context.workspace, dataset, "train") if row.text.startswith("my package is"))

    selected = select(context, dataset, RowSearch(like=RowsLike(row=row.id, count=4)))

    assert row.id not in selected.ids
    assert {found.label for _, found in selected.rows()} <= {"delivery", None}


def test_pairs_are_found_by_either_text_and_by_both(context: ToolContext) -> None:
    pair_task(context.workspace)
    dataset = save_pairs(context.workspace, {"train": pair_rows()})
    train = read_rows(context.workspace, dataset, "train")
    item = train[0].text_pair
    assert item

    by_words = select(context, dataset, RowSearch(where=RowFilter(text=item)))
    by_meaning = select(context, dataset, RowSearch(like=RowsLike(text=item, count=1)))
    by_row = select(context, dataset, RowSearch(like=RowsLike(row=train[0].id, count=5)))

    assert train[0].id in by_words.ids
    assert by_meaning.rows()[0][1].text_pair == item
    assert len(by_row) == 5


def test_what_no_row_has_is_told_with_what_there_is(context: ToolContext, dataset: str) -> None:
    with pytest.raises(NotFound, match="Did you mean 'refund'"):
        found(context, dataset, labels=["refunds"])
    with pytest.raises(InvalidInput, match="'broken goods', 'changed mind'"):
        found(context, dataset, topic="broken good")
    with pytest.raises(InvalidInput, match="has no row 0123456789abcdef"):
        select(context, dataset, RowSearch(ids=("0123456789abcdef",)))
    assert found(context, dataset, text="no such words") == set()


def test_a_selection_is_by_ids_or_by_conditions(context: ToolContext) -> None:
    for wrong in ({}, {"ids": ["0123456789abcdef"], "where": {}}, {"like": {"count": 3}}):
        with pytest.raises(ValidationError, match="pass `"):
            RowSelection.model_validate(wrong)


def test_a_dataset_whose_file_was_changed_is_not_read(context: ToolContext, dataset: str) -> None:
    path = context.workspace.artifact(dataset, "dataset").path / "train.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    with pytest.raises(DamagedArtifact, match="'train' cannot be read back"):
        found(context, dataset, labels=["refund"])
