"""Rows of an import whose text is there with another label, and rows that an import takes out of other splits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import Split
from classwright_tools.domain.task import Task
from classwright_tools.import_examples import ImportExamplesResult
from classwright_tools.workspace.datasets import read_rows
from support.importing import Importer, given, importer

TEXT = "my parcel has been under way for nine days"
OTHERS = (("the amount was taken from my card twice", "refund"), ("i cannot log in since yesterday", "account"))


@pytest.fixture
def run(context: ToolContext, task: Task, folder: Path) -> Importer:
    """Return a function that imports rows of texts and labels, each call under a run key of its own."""
    imports = importer(context, task, folder)
    return lambda split, *rows, **fields: imports(split, rows=given(*rows), **fields)


def texts(context: ToolContext, answer: ImportExamplesResult, split: Split) -> set[str]:
    return {row.text for row in read_rows(context.workspace, str(answer.dataset), split)}


def test_of_training_rows_with_one_text_and_several_labels_the_first_stays_and_the_others_are_named(
    run: Importer, context: ToolContext
) -> None:
    answer = run("train", (TEXT, "delivery"), OTHERS[0], (TEXT, "refund"), (TEXT, "account"), (TEXT, "delivery"))

    assert answer.skipped == {"same text with another label": 2, "duplicate": 1}
    assert (
        "2 rows have the text of another row and another label: row 3 of the source ('refund') and row 1 of the source "
        "('delivery'); row 4 of the source ('account') and row 1 of the source ('delivery'). "
    ) in f"{answer.summary} "
    assert answer.next_step.startswith("Ask the person which of the contradicting labels is right; edit_examples gives")
    assert texts(context, answer, "train") == {TEXT, OTHERS[0][0]}
    assert answer.labels == {"delivery": 1, "refund": 1}


@pytest.mark.parametrize("split", ["validation", "test"])
def test_of_evaluation_rows_with_one_text_and_several_labels_none_is_kept(
    run: Importer, context: ToolContext, split: Split
) -> None:
    rows = ((TEXT, "delivery"), *OTHERS, (TEXT, "refund"), (TEXT, "delivery"))
    answer = run(split, *rows)

    assert (answer.imported, answer.labels) == (2, {"refund": 1, "account": 1})
    assert answer.skipped == {"same text with another label": 2, "duplicate": 1}
    assert texts(context, answer, split) == {text for text, _ in OTHERS}
    assert "As validation or test rows neither of these is kept." in answer.summary
    assert "import that row anew." in answer.next_step
    assert ("'delivery'" in answer.summary) == (split == "validation")  # of test rows nothing is told
    assert "row 4 of the source" in answer.summary


def test_an_evaluation_row_that_is_there_stays_and_the_contradiction_is_told(
    run: Importer, context: ToolContext
) -> None:
    run("validation", (TEXT, "delivery"))
    answer = run("validation", (TEXT, "refund"), *OTHERS)

    assert texts(context, answer, "validation") == {TEXT, *(text for text, _ in OTHERS)}
    assert "1 row has the text of another row and another label: row 1 of the source ('refund') and" in answer.summary
    assert "neither" not in answer.summary


def test_a_test_row_that_repeats_a_training_text_with_another_label_is_told_as_that(run: Importer) -> None:
    run("train", (TEXT, "delivery"), *OTHERS)
    answer = run("test", (TEXT, "refund"), OTHERS[0])

    assert answer.dropped == {"train": 2}
    assert "1 row has the text of another row and another label: train row " in answer.summary
    assert "'refund'" not in answer.summary


def test_rows_of_one_label_are_no_contradiction(run: Importer) -> None:
    answer = run("train", (TEXT, "delivery"), (TEXT, "delivery"))
    assert "another label" not in answer.summary + answer.next_step


def test_rows_that_an_import_takes_out_of_the_dataset_are_named_with_what_they_repeat(
    run: Importer, context: ToolContext
) -> None:
    before = run("train", (TEXT, "delivery"), (f"{OTHERS[0][0]} today", "refund"), OTHERS[1])
    ids = {row.text: row.id for row in read_rows(context.workspace, str(before.dataset), "train")}
    answer = run("test", OTHERS[0], (TEXT, "delivery"))

    folder = context.workspace.artifact(str(answer.dataset), "dataset").path
    named = json.loads((folder / "dropped.json").read_text(encoding="utf-8"))
    assert [(one["split"], one["example"]) for one in named] == [
        ("train", ids[TEXT]),
        ("train", ids[f"{OTHERS[0][0]} today"]),
    ]
    assert named[0]["repeats"] == "equals row 2 of the source"
    assert named[1]["repeats"].startswith("like row 1 of the source, similarity 0.")
    assert f"2 train rows, such as train row {ids[TEXT]} equals row 2 of the source; train row" in answer.summary
    assert not (context.workspace.artifact(str(before.dataset), "dataset").path / "dropped.json").exists()
