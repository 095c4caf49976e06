"""Rows of two texts: ids, files, duplicates, groups, and what refuses a row with too many or too few texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classwright_tools.context import ToolContext
from classwright_tools.curation.bulk_duplicates import BulkDuplicates
from classwright_tools.curation.duplicates import NearDuplicates
from classwright_tools.domain.example import make_example
from classwright_tools.domain.pair import SEPARATOR, apart, joined
from classwright_tools.domain.task import Label, Task
from classwright_tools.errors import InvalidInput
from classwright_tools.find_examples import FindExamplesRequest, find_examples
from classwright_tools.learning.rows import training_rows, without_copies
from classwright_tools.learning.splits import grouped_folds
from classwright_tools.workspace.datasets import read_rows, save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.pair import pair_rows, pair_task, save_pairs

TEXT = st.text(st.characters(exclude_characters=SEPARATOR), min_size=1, max_size=30)
ITEM = "Cordless drill driver 20 V with two lithium batteries, charger and a carrying case, in black and yellow"
ALL = np.ones((1, 1), dtype=bool)


@given(TEXT, TEXT | st.none())
def test_joining_and_taking_apart_gives_the_texts_back(text: str, text_pair: str | None) -> None:
    assert apart(joined(text, text_pair)) == (text, text_pair)


def test_the_id_of_a_pair_tells_its_texts_and_their_order_apart() -> None:
    contents = [("red", "drill"), ("drill", "red"), ("red drill", None), ("reddrill", None), ("red", "drills")]

    assert len({make_example(text, None, text_pair=text_pair).id for text, text_pair in contents}) == len(contents)


def test_the_id_of_a_single_text_is_what_it_was_before_there_were_pairs() -> None:
    assert make_example("Where is my parcel?", "delivery").id == "a91040a2061f15c4"


def test_pairs_are_read_back_as_they_were_saved(workspace: Workspace) -> None:
    pair_task(workspace)
    rows = pair_rows(("drill", "lamp"))

    assert read_rows(workspace, save_pairs(workspace, {"train": rows}), "train") == rows


def test_the_file_of_a_text_task_has_no_column_for_pairs_and_reads_back(workspace: Workspace, task: Task) -> None:
    rows = [make_example("where is my parcel", "delivery")]

    dataset = save_dataset(workspace, task.slug, {"train": rows}, parent=None, run_key="r", made_by="import_examples")

    assert "text_pair" not in pq.read_schema(dataset.path / "train.parquet").names
    assert read_rows(workspace, dataset.id, "train") == rows


def test_a_pair_task_takes_no_single_text_and_a_text_task_no_pair(workspace: Workspace, task: Task) -> None:
    pair_task(workspace)
    single, pair = make_example("red drill", "fits"), make_example("a", "refund", text_pair="b")

    with pytest.raises(InvalidInput, match=f"row '{single.id}' of task 'shop': has no text_pair.*Give it"):
        save_pairs(workspace, {"train": [single]})
    with pytest.raises(InvalidInput, match=f"row '{pair.id}' of task 'support': has a text_pair.*Leave"):
        save_dataset(workspace, task.slug, {"test": [pair]}, parent=None, run_key="r", made_by="import_examples")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"mismatch": "a"}, "is for pair tasks"), ({"mismatch": "c", "kind": "pair"}, "none of the labels")],
)
def test_the_mismatch_label_is_a_label_of_a_pair_task(fields: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Task.model_validate(
            {"slug": "s", "instruction": "tell apart", "labels": [Label(name="a"), Label(name="b")], **fields}
        )


@pytest.mark.parametrize(
    ("pair", "repeats"),
    [
        (("Cordless DRILL", ITEM), True),
        (("cordless drill", ITEM.replace("black", "blak")), True),
        (("corded drill", ITEM), False),  # together the texts are very like, but it is another search
        (("cordless drill", "impact driver, bare tool, 18 V"), False),
        ((ITEM, "cordless drill"), False),
    ],
)
def test_a_pair_repeats_another_only_if_both_of_its_texts_do(
    pair: tuple[str, str], repeats: bool, tmp_path: Path
) -> None:
    first, second = joined("cordless drill", ITEM), joined(*pair)
    index: NearDuplicates[str] = NearDuplicates()
    index.add("first", first)
    bulk = BulkDuplicates(tmp_path, ALL, ALL)
    bulk.add([first, second], 0)

    assert (next(index.find_each([second])) is not None) == repeats
    found = bulk.repeats(lambda rows: [(first, second)[row] for row in rows], lambda _share: None)
    assert bool(list(found)) == repeats


def test_rows_of_one_query_stay_on_one_side_of_every_split() -> None:
    rows = training_rows(pair_rows(), ("fits", "mismatch"))
    queries = np.array([apart(text)[0] for text in rows.texts])

    assert len(np.unique(rows.groups)) == len(np.unique(queries))
    for train, held_out in grouped_folds(rows, seed=0):
        assert not set(queries[train]) & set(queries[held_out])


def test_a_copy_of_a_held_out_pair_is_left_out_and_another_pair_of_its_query_is_not() -> None:
    held_out = make_example("red drill", "fits", text_pair="a red drill with two batteries")
    copy = make_example("Red drill!", "fits", text_pair="A red drill with two batteries")
    other = make_example("red drill", "mismatch", text_pair="a table lamp with a shade")

    assert without_copies([copy, other], [held_out]) == [other]


def test_pairs_repeat_each_other_in_a_dataset_only_where_they_are_equal(context: ToolContext) -> None:
    pair_task(context.workspace)
    board = "preature treated southern yellow pine lumber board for decks and fences, 2 in. x 12 in. x 12 ft."
    rows = [make_example("lumber", "fits", text_pair=item) for item in (board, board.replace("12 ft", "14 ft"))]
    twin = make_example("Lumber!", "fits", text_pair=board)
    save_pairs(context.workspace, {"train": [*rows, twin]})

    found = find_examples(FindExamplesRequest(task="shop", doubt="repeats"), context)

    assert [(row.id, row.note) for row in found.rows] == [(twin.id, f"equals {rows[0].id}")]
