"""The labels of imported rows: those of the task under any spelling, mapped ones, and never one for another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import Division, Split
from classwright_tools.domain.task import Label, Task
from classwright_tools.errors import InvalidInput
from classwright_tools.import_examples import (
    ImportExamplesRequest,
    import_examples,
)
from classwright_tools.reading.label_names import LabelNames
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.workspace import Workspace
from support.importing import ROWS, Importer, given, importer, write_jsonl


@pytest.fixture
def run(context: ToolContext, task: Task, folder: Path) -> Importer:
    """Import by the request's fields."""
    return importer(context, task, folder)


def test_labels_that_are_not_the_tasks_name_the_nearest_and_the_repair(run: Importer) -> None:
    with pytest.raises(InvalidInput, match=r"'refunds' is not in the task; the nearest is 'refund'.*label_names"):
        run(rows=given(("I want my money back", "refunds")))


def test_labels_that_a_source_spells_otherwise_are_told(run: Importer) -> None:
    rows = given(("I want my money back", "Refund"), ("where is my parcel", "delivery"), ("pay me back", "REFUND"))

    result = run(rows=rows)

    assert result.labels == {"refund": 2, "delivery": 1}
    assert (
        "Some labels are spelled otherwise in the source: 'Refund' is 'refund', 'REFUND' is 'refund'." in result.summary
    )
    assert "spelled" not in run(rows=given(("where is my box", "delivery"))).summary


def test_the_nearest_label_is_looked_for_only_where_the_result_tells_it(
    run: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    nearest = LabelNames.nearest
    monkeypatch.setattr(LabelNames, "nearest", lambda self, name: asked.append(name) or nearest(self, name))

    result = run(rows=given(*ROWS, *((f"question {n}", f"refunds {n}") for n in range(1_000))))

    assert result.skipped == {"label not in the task": 1_000}
    assert [example.reason for example in result.examples] == [
        f"label 'refunds {n}' is not in the task; the nearest is 'refund'" for n in range(3)
    ]
    assert asked == ["refunds 0", "refunds 0", "refunds 1", "refunds 2"]


def test_a_label_that_is_unknown_in_some_rows_only_skips_these(run: Importer) -> None:
    result = run(rows=given(*ROWS, ("When do you open on Sunday?", "opening hours")))

    assert result.imported == 3
    assert result.skipped == {"label not in the task": 1}
    assert result.examples[0].row == 4
    assert "opening hours" in result.examples[0].reason


UNKNOWN = {"refund me": 3, "parcel": 2, "deliv. late": 2, "acc.": 1, "?": 1}
MAIL = [(f"mail {n} of {name}", name) for name, rows in UNKNOWN.items() for n in range(rows)]


@pytest.mark.parametrize("split", ["train", {"train": 2, "test": 1}])
def test_values_that_are_no_labels_are_named_with_their_rows_and_the_call_that_takes_them(
    run: Importer, split: Split | Division
) -> None:
    rows = given(*ROWS, *MAIL)

    first = run(split, rows=rows, label_names={"hello": "account"})

    others = "'acc.' (1 row), '?' (1 row)" if split == "train" else "and others (2 rows)"
    named = f"'refund me' (3 rows), 'parcel' (2 rows), 'deliv. late' (2 rows), {others}."
    assert f"Values of the label column that are no labels of the task: {named}" in first.summary
    assert first.next_step.startswith("Before you train, agree with the person what the values that are no labels")
    mapped = {"hello": "account", "refund me": "refund", "deliv. late": "delivery"}
    assert f"dataset={first.dataset!r} and label_names={mapped}, and 'parcel'" in first.next_step
    assert "there are two ways" in first.next_step
    again = run(split, rows=rows, dataset=first.dataset, label_names=mapped)
    assert again.imported == 5
    assert "Values of the label column" in again.summary


def test_where_no_row_fits_the_values_are_named_too(run: Importer) -> None:
    with pytest.raises(InvalidInput, match=r"such as {'refund me': 'refund', 'deliv. late': 'delivery'}, .*'parcel' "):
        run({"train": 2, "test": 1}, rows=given(*MAIL))


def test_of_several_labels_in_a_row_that_has_one_is_told_that_they_are_several(run: Importer) -> None:
    result = run(rows=given(*ROWS, ("where is my money", "refund|delivery")))

    assert "label 'refund|delivery' names several labels, and a row of the task has one" in result.examples[0].reason
    assert "label_names={" not in result.next_step
    for name, why in (
        ("refund|delivery", "several labels, and a row of the task has one. Name one"),
        ("|", "Leave it out"),
        ("", "Leave it out"),
    ):
        with pytest.raises(InvalidInput, match=why):
            run(rows=given(*ROWS), label_names={"other": name})


def test_labels_are_mapped_and_case_and_spaces_do_not_matter(run: Importer) -> None:
    result = run(rows=given((ROWS[0][0], " Refund "), (ROWS[1][0], "1")), label_names={"1": "delivery"})

    assert result.labels == {"refund": 1, "delivery": 1}


def test_a_mapping_to_no_label_of_the_task_is_refused(run: Importer) -> None:
    with pytest.raises(InvalidInput, match=r"'delivry'.*The nearest is 'delivery'"):
        run(rows=given(*ROWS), label_names={"1": "delivry"})


def test_the_label_10_is_never_read_as_1(context: ToolContext, workspace: Workspace, folder: Path) -> None:
    names = tuple(str(number) for number in range(11))
    workspace.save_task(
        Task(slug="digits", instruction="Tell numbers apart", labels=tuple(Label(name=n) for n in names))
    )
    texts = ["the tenth of them all", "first of everything", "zero is where it starts", "a second one of tens"]
    rows = [{"text": text, "label": label} for text, label in zip(texts, (10, 1.0, "0", "10 "), strict=True)]
    write_jsonl(folder / "digits.jsonl", rows)
    request = ImportExamplesRequest(task="digits", split="train", path="digits.jsonl")

    result = import_examples(request, replace(context, import_folders=(folder,)))

    assert [row.label for row in read_rows(workspace, result.dataset or "", "train")] == ["10", "1", "0", "10"]


def test_a_label_minus_1_is_never_read_as_1(context: ToolContext, workspace: Workspace, folder: Path) -> None:
    workspace.save_task(
        Task(slug="stars", instruction="Rate the film", labels=tuple(Label(name=name) for name in "12345"))
    )
    (folder / "films.csv").write_text("text,label\nloved every minute of it,5\nnobody has rated this one yet,-1\n")
    request = ImportExamplesRequest(task="stars", split="test", path="films.csv")

    result = import_examples(request, replace(context, import_folders=(folder,)))

    assert result.labels == {"5": 1}
    assert result.skipped == {"label not in the task": 1}


@pytest.mark.parametrize("names", [("-1", "0", "1"), ("A", "A-"), ("_x", "x"), ("mood 1", "mood -1"), ("(1)", "(-1)")])
def test_names_that_differ_by_a_sign_are_two_labels(names: tuple[str, ...]) -> None:
    task = Task(slug="signs", instruction="Tell signs apart", labels=tuple(Label(name=name) for name in names))

    assert [LabelNames(task.label_names, {}).find(name.upper()) for name in names] == list(names)


@pytest.mark.parametrize("name", ["Card lost", "card_lost", "CARD - LOST", " card-lost "])
def test_what_joins_the_words_of_a_label_does_not_matter(name: str) -> None:
    task = Task(slug="cards", instruction="Tell cards apart", labels=(Label(name="card lost"), Label(name="c++ card")))

    assert LabelNames(task.label_names, {}).find(name) == "card lost"
    assert LabelNames(task.label_names, {}).find("C++_card") == "c++ card"


@pytest.mark.parametrize("saved_as", ["folder", "rows.parquet"])
def test_a_negative_class_number_is_no_label(saved_as: str, run: Importer, folder: Path) -> None:
    import datasets

    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["delivery", "refund"])}
    )
    rows = {"text": [ROWS[0][0], ROWS[1][0]], "label": [1, -1]}
    saved = datasets.Dataset.from_dict(rows, features=features)
    if saved_as == "folder":
        saved.save_to_disk(str(folder / saved_as))
    else:
        saved.to_parquet(str(folder / saved_as))

    result = run(path=saved_as)

    assert result.labels == {"refund": 1}
    assert result.skipped == {"no label": 1}
