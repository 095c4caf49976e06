"""A source with labels and a task without: the error lists the labels, ready to name them by."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.task import Label, Task
from classwright_tools.errors import InvalidInput
from classwright_tools.import_examples import ImportExamplesRequest, ImportExamplesResult, import_examples

Importer = Callable[..., ImportExamplesResult]
NAMES = [f"kind {number}, of {word}" for number, word in enumerate(["card", "cash", "top-up"] * 25)]


@pytest.fixture
def run(context: ToolContext, folder: Path) -> Importer:
    """Return a function that imports rows.csv, of the texts and labels given, into a task without labels."""

    def importer(rows: list[tuple[str, str]], *, several: bool = False, **fields: Any) -> ImportExamplesResult:
        task = Task(slug="bank", instruction="Tell what it is about.", labels=(), multi_label=several)
        context.workspace.save_task(task)
        with (folder / "rows.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("text", "label"), *rows])
        request = ImportExamplesRequest(task="bank", path="rows.csv", **fields)
        return import_examples(request, replace(context, import_folders=(folder,)))

    return importer


def refusal(run: Importer, rows: list[tuple[str, str]], split: Any = "train", **options: Any) -> str:
    with pytest.raises(InvalidInput, match=r"and task 'bank' has none yet\. Name the labels first") as refused:
        run(rows, split=split, **options)
    return str(refused.value)


def pasted(error: str) -> list[Label]:
    """The labels that the error lists, as propose_topics would take them."""
    found = re.search(r"labels=(\[.*?\])\. Give", error)
    assert found is not None
    return [Label(**one) for one in json.loads(found.group(1))]


def test_the_labels_of_a_file_are_listed_with_their_rows_the_most_frequent_first(run: Importer) -> None:
    rows = [(f"text {number} of {name}", name) for name in NAMES for number in range(2)]
    error = refusal(run, [*rows, ("one more", NAMES[7]), ("without", "")])

    assert [label.name for label in pasted(error)] == [NAMES[7], *NAMES[:7], *NAMES[8:]]
    assert "Column 'label' has 75 labels in 152 rows" in error
    assert f"Rows by label: {NAMES[7]!r} 3, {NAMES[0]!r} 2, " in error
    assert len(error) < 9_000


def test_of_rows_with_several_labels_each_is_listed(run: Importer) -> None:
    error = refusal(run, [("a", "card|cash"), ("b", "cash"), ("c", "|")], several=True)
    assert {label.name for label in pasted(error)} == {"cash", "card"}
    assert "Rows by label: 'cash' 2, 'card' 1." in error


def test_a_column_of_more_values_than_labels_is_called_that(run: Importer) -> None:
    error = refusal(run, [(f"text {number}", f"value {number}") for number in range(200)])
    assert (
        "Column 'label' has 'value 0', 'value 1', 'value 2' and 197 more: more values than a task has labels" in error
    )
    assert "labels=[" not in error


def test_of_a_source_with_test_rows_only_values_of_several_rows_are_told(run: Importer) -> None:
    rows = [("a", "card"), ("b", "card"), ("c", "the card of mister quuxington")]
    for split in ("test", {"train": 2, "test": 1}):
        error = refusal(run, rows, split)
        assert [label.name for label in pasted(error)] == ["card"]
        assert "quux" not in error


def test_the_same_file_comes_in_as_unlabelled_texts(run: Importer) -> None:
    assert run([("a first text", "card"), ("a second one", "cash")], split="unlabelled").imported == 2
