"""Importing pairs: every kind of source, both names of the columns, what repeats what, and shared queries."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import Split
from classwright_tools.domain.source import GivenRow
from classwright_tools.domain.task import Task
from classwright_tools.errors import InvalidInput
from classwright_tools.import_examples import ImportExamplesRequest, ImportExamplesResult, import_examples
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.workspace import Workspace
from support.pair import pair_task

PAIRS = [
    ("red drill", "red cordless drill with two batteries", "fits"),
    ("red drill", "table lamp with a linen shade", "mismatch"),
    ("garden hose", "50 ft. rubber hose with brass fittings", "fits"),
]
Importer = Callable[..., ImportExamplesResult]


@pytest.fixture
def run(context: ToolContext, tmp_path: Path) -> Importer:
    """Return a function that imports into the pair task by the request's fields."""
    pair_task(context.workspace)
    calls = iter(range(100))

    def importer(split: Split = "train", **fields: Any) -> ImportExamplesResult:
        request = ImportExamplesRequest.model_validate({"task": "shop", "split": split, **fields})
        return import_examples(request, replace(context, run_key=f"run-{next(calls)}", import_folders=(tmp_path,)))

    return importer


def given(*pairs: tuple[str, str, str]) -> tuple[GivenRow, ...]:
    return tuple(GivenRow(text=query, text_pair=item, label=label) for query, item, label in pairs)


def named(query: str, item: str) -> list[dict[str, str]]:
    return [dict(zip((query, item, "label"), pair, strict=True)) for pair in PAIRS]


def write(path: Path, rows: list[dict[str, str]]) -> None:
    """Write the rows as the file's name says."""
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".csv":
        lines = [";".join(rows[0]), *(";".join(row.values()) for row in rows)]
        path.write_text("\n".join(lines), encoding="utf-8")
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.mark.parametrize("columns", [("query", "item"), ("text", "text_pair"), ("search", "product")])
@pytest.mark.parametrize("name", ["pairs.jsonl", "pairs.csv", "pairs.parquet"])
def test_pairs_of_every_kind_of_file_arrive_whole(
    name: str, columns: tuple[str, str], run: Importer, tmp_path: Path, workspace: Workspace
) -> None:
    write(tmp_path / name, named(*columns))
    named_in_the_call = {"text_column": columns[0], "pair_column": columns[1]} if columns[0] == "search" else {}

    result = run(path=name, **named_in_the_call)

    assert (result.read, result.imported, result.skipped) == (3, 3, {})
    rows = read_rows(workspace, result.dataset or "", "train")
    assert [(row.text, row.text_pair, row.label) for row in rows] == PAIRS


def test_a_hugging_face_folder_of_pairs_is_read(run: Importer, tmp_path: Path) -> None:
    import datasets

    datasets.Dataset.from_list(named("query", "item")).save_to_disk(str(tmp_path / "saved"))

    assert run(path="saved").labels == {"fits": 2, "mismatch": 1}


def test_a_source_without_the_items_names_the_columns_that_exist(run: Importer, tmp_path: Path) -> None:
    write(tmp_path / "rows.jsonl", [{"text": "red drill", "label": "fits"}])

    with pytest.raises(InvalidInput, match=r"no column 'text_pair'; it has 'text', 'label'.*`pair_column`"):
        run(path="rows.jsonl")


def test_names_in_a_file_without_a_row_of_names_are_not_called_data(run: Importer, tmp_path: Path) -> None:
    write(tmp_path / "rows.jsonl", [{"text": "red drill", "what it is, in the words of those who sell it to us ": "x"}])

    with pytest.raises(InvalidInput, match=r"no column 'text_pair'.*\. Pass one of them as `pair_column`"):
        run(path="rows.jsonl")


def test_one_column_for_both_texts_is_refused(run: Importer) -> None:
    with pytest.raises(InvalidInput, match="one column 'query', which is to be read as `text_column` and as `pair_co"):
        run(csv="query,item,label\na,b,fits\nc,d,fits", text_column="query", pair_column="query")


def test_a_table_without_a_header_is_told_what_it_lacks(run: Importer) -> None:
    with pytest.raises(InvalidInput, match="Its first row looks like data: put a row of names above it"):
        run(csv="red drill,a red cordless drill with two batteries and a case,fits\nhose,a garden hose,fits")


def test_a_row_in_the_call_with_too_many_or_too_few_texts_is_named(
    run: Importer, context: ToolContext, task: Task
) -> None:
    with pytest.raises(InvalidInput, match=r"rows\[1\]: has no `text_pair`.*Give it both"):
        run(rows=(*given(PAIRS[0]), GivenRow(text="red drill", label="fits")))

    into_texts = ImportExamplesRequest(task=task.slug, split="train", rows=given(PAIRS[0]))
    with pytest.raises(InvalidInput, match=r"rows\[0\]: has a `text_pair`.*Leave it out"):
        import_examples(into_texts, context)
    with pytest.raises(InvalidInput, match="pair_column: is given"):
        import_examples(into_texts.model_copy(update={"pair_column": "item"}), context)


def test_an_item_that_is_empty_or_no_text_is_skipped_with_its_reason(run: Importer, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"query": "red drill", "item": item, "label": "fits"} for item in (None, " ", 7)]
    write(tmp_path / "rows.jsonl", [*rows, *named("query", "item")])

    result = run(path="rows.jsonl")

    assert result.imported == 3
    assert result.skipped == {
        "no text in the pair's second text": 2,
        "text is not a string in the pair's second text": 1,
    }


def test_two_items_of_one_query_are_two_pairs_and_a_repeated_pair_is_one(run: Importer) -> None:
    nearly = ("Red drill", "Red cordless drill, with two batteries", "fits")

    result = run(rows=given(*PAIRS, nearly, (*PAIRS[1][:2], "fits")))

    assert result.imported == 3
    assert result.skipped == {"duplicate": 1, "same text with another label": 1}
    assert (
        "red drill \u2192 table lamp"
        in {skip.reason: skip.text for skip in result.examples}[
            "same text with another label: equals row 2 of the source"
        ]
    )


def test_pairs_whose_items_differ_in_a_size_are_both_kept_but_not_in_two_splits(run: Importer) -> None:
    item = "sanding sleeves for spindle sanders, {} grit, six of them in a pack, quick to change"
    coarse, middle, fine = (("sanding sleeves", item.format(grit), "fits") for grit in ("80", "100", "120"))

    both = run(rows=given(coarse, fine))
    apart = run("test", rows=given(middle))

    assert (both.imported, both.skipped) == (2, {})
    assert apart.dropped == {"train": 2}


def test_a_test_pair_leaves_the_training_rows_and_a_shared_query_is_told(run: Importer) -> None:
    run(rows=given(*PAIRS))

    result = run("test", rows=given(PAIRS[0], ("red drill", "blue impact driver", "mismatch")))

    assert result.dropped == {"train": 1}
    assert result.shared_queries == 2
    assert "2 rows have a query that another split has too" in result.summary
    assert run("test", rows=given(("new lamp", "floor lamp in brass", "fits"))).shared_queries == 0


def test_training_pairs_that_leave_for_the_test_rows_share_no_query_with_them(run: Importer) -> None:
    run(rows=given(*PAIRS))

    result = run("test", rows=given(*PAIRS))

    assert (result.imported, result.dropped, result.shared_queries) == (3, {"train": 3}, 0)
    assert "have a query" not in result.summary


def test_pairs_without_labels_share_no_queries(run: Importer) -> None:
    run(rows=given(*PAIRS, ("garden hose", "table lamp", "mismatch")))

    unlabelled = run("unlabelled", rows=[{"text": "red drill", "text_pair": "a drill in red, 18 V"}])

    assert (unlabelled.imported, unlabelled.shared_queries) == (1, 0)
    assert "annotate_examples" in unlabelled.next_step
    assert "unlabelled_as=the label of pairs that do" in unlabelled.next_step
