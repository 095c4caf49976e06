"""Importing rows: every kind of source, and that no text gets into two splits."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import SPLITS
from classwright_tools.domain.task import Task
from classwright_tools.edit_examples import EditExamplesRequest, edit_examples
from classwright_tools.errors import Cancelled, InvalidInput, NotFound
from classwright_tools.import_examples import (
    ImportExamplesRequest,
    ImportExamplesResult,
    import_examples,
)
from classwright_tools.workspace.datasets import read_card, read_rows
from classwright_tools.workspace.workspace import Workspace
from support.importing import ROWS, Importer, as_dicts, given, importer, write_jsonl


@pytest.fixture
def run(context: ToolContext, task: Task, folder: Path) -> Importer:
    """Import by the request's fields."""
    return importer(context, task, folder)


def write_csv(path: Path, delimiter: str = ",") -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([("label", "text"), *((label, text) for text, label in ROWS)])


def write_gzip(path: Path) -> None:
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in as_dicts(ROWS)).encode()))


def write_bom_crlf(path: Path) -> None:
    lines = ["text,label", *(f'"{text}",{label}' for text, label in ROWS)]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())


def write_parquet(path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(as_dicts(ROWS)), path)


SOURCES: dict[str, Callable[[Path], Any]] = {
    "rows.jsonl": lambda path: write_jsonl(path, as_dicts(ROWS)),
    "rows.jsonl.gz": write_gzip,
    "rows.csv": write_csv,
    "semicolons.csv": lambda path: write_csv(path, ";"),
    "rows.tsv": lambda path: write_csv(path, "\t"),
    "bom_crlf.csv": write_bom_crlf,
    "rows.parquet": write_parquet,
}


@pytest.mark.parametrize("name", SOURCES)
def test_rows_of_every_kind_of_file_arrive_with_their_labels(
    name: str, run: Importer, folder: Path, workspace: Workspace
) -> None:
    SOURCES[name](folder / name)

    result = run(path=name)

    assert (result.read, result.imported, result.skipped) == (3, 3, {})
    assert [(row.text, row.label, row.origin) for row in read_rows(workspace, result.dataset or "", "train")] == [
        (text, label, "real") for text, label in ROWS
    ]


def test_rows_in_the_call_are_imported_and_a_new_version_adds_to_the_old(run: Importer, workspace: Workspace) -> None:
    first = run(rows=given(*ROWS))
    second = run(rows=given(("My password does not work on the website", "account")))

    assert second.labels == {"account": 1}
    assert len(read_rows(workspace, second.dataset or "", "train")) == 4
    assert read_card(workspace, second.dataset or "").parent == first.dataset
    assert len(read_rows(workspace, first.dataset or "", "train")) == 3


def test_unlabelled_rows_need_no_label_column(run: Importer, folder: Path, workspace: Workspace) -> None:
    write_jsonl(folder / "rows.jsonl", [{"text": text} for text, _ in ROWS])

    result = run("unlabelled", path="rows.jsonl")

    assert result.imported == 3
    assert {row.label for row in read_rows(workspace, result.dataset or "", "unlabelled")} == {None}


def test_a_saved_hugging_face_dataset_is_read_with_its_class_names(run: Importer, folder: Path) -> None:
    import datasets

    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["delivery", "refund"])}
    )
    rows = {"text": [ROWS[0][0], ROWS[1][0]], "label": [1, 0]}
    saved = datasets.Dataset.from_dict(rows, features=features)
    saved.save_to_disk(str(folder / "one"))
    datasets.DatasetDict({"train": saved, "test": saved.select([0])}).save_to_disk(str(folder / "several"))
    (folder / "loadable" / "data").mkdir(parents=True)
    saved.to_parquet(str(folder / "loadable" / "data" / "train-00000-of-00001.parquet"))
    saved.select([0]).to_parquet(str(folder / "loadable" / "data" / "test-00000-of-00001.parquet"))

    assert run(path="one").labels == {"refund": 1, "delivery": 1}
    assert run("test", path="several").labels == {"refund": 1}
    result = run("validation", path="loadable/data/train-00000-of-00001.parquet")
    assert result.labels == {"delivery": 1}  # the other row is a test row
    assert run("test", path="loadable").skipped == {"duplicate": 1}


def test_a_folder_without_the_split_names_the_splits_it_has(run: Importer, folder: Path) -> None:
    for name in ("train", "test"):
        write_jsonl(folder / f"{name}.jsonl", as_dicts(ROWS))

    with pytest.raises(InvalidInput, match=r"has no split for 'validation'; it has 'test', 'train'"):
        run("validation", path=str(folder))


def test_what_was_taken_of_a_folder_is_told_in_the_summary(run: Importer, folder: Path) -> None:
    import datasets

    (folder / "files").mkdir()
    for name in ("train", "test"):
        write_jsonl(folder / "files" / f"{name}.jsonl", as_dicts(ROWS))
    datasets.DatasetDict({"test": datasets.Dataset.from_list(as_dicts(ROWS))}).save_to_disk(str(folder / "saved"))

    said = run("test", path="files").summary
    assert "From folder 'files' as test: 'test.jsonl'; left aside: 'train.jsonl'." in said
    assert "From folder 'saved' as validation: its split 'test'." in run("validation", path="saved").summary


def test_a_row_that_is_skipped_is_named_by_its_file_and_line_with_the_repair(run: Importer, folder: Path) -> None:
    (folder / "rows.csv").write_text("label,text\nrefund,back, please\ndelivery,Where is it\nother,now what\n")

    result = run(path="rows.csv")

    assert result.skipped == {"more fields than the header": 1, "label not in the task": 1}
    assert [example.reason for example in result.examples] == [
        "file 'rows.csv', line 2: more fields than the header: 3 where the header has 2: "
        'put the whole text in quotes, and write each quote inside it twice ("")',
        "file 'rows.csv', line 4: label 'other' is not in the task; the nearest is 'account'",
    ]


def test_a_hub_dataset_without_the_hub_says_what_to_do(run: Importer) -> None:
    with pytest.raises(NotFound, match=r"works offline.*pass them as `path`"):
        run(hub="nobody/nothing-at-all")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "names no rows"),
        ({"rows": given(*ROWS), "path": "rows.jsonl"}, "has rows and path"),
        ({"path": "rows.jsonl", "hub": "a/b"}, "has path and hub"),
    ],
)
def test_exactly_one_source_must_be_given(fields: dict[str, Any], reason: str, run: Importer) -> None:
    with pytest.raises(InvalidInput, match=reason):
        run(**fields)


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv", "rows.parquet"])
def test_a_missing_column_names_the_columns_that_exist(name: str, run: Importer, folder: Path) -> None:
    SOURCES[name](folder / name)

    with pytest.raises(InvalidInput, match=r"no column 'message'; it has .*'text'.*`text_column`"):
        run(path=name, text_column="message")
    with pytest.raises(InvalidInput, match=r"no column 'class'; it has .*'label'.*`label_column`"):
        run(path=name, label_column="class")


def test_a_skipped_repeat_names_the_row_that_it_repeats_and_the_similarity(run: Importer) -> None:
    text = "I transferred money to my friend last week and it has not arrived in the account"
    first = run(rows=given(("Where is my parcel, please?", "delivery"), (text, "refund"), (text + " yet", "refund")))
    second = run(rows=given((text + "!", "refund")))

    assert first.skipped == {"near-duplicate": 1}
    assert "like row 2 of the source, similarity 0.9" in first.examples[0].reason
    assert "equals train row" in second.examples[0].reason
    assert second.dataset is None


def test_a_training_row_near_an_evaluation_row_is_not_imported(run: Importer) -> None:
    text = "I transferred money to my friend last week and it has not arrived in the account"
    run("test", rows=given((text, "refund")))
    run("validation", rows=given(("Where is the parcel I ordered on Monday?", "delivery")))

    result = run(
        "train", rows=given((text + " yet", "refund"), ("where is the parcel i ordered on Monday", "delivery"), ROWS[2])
    )

    assert result.skipped == {"near-duplicate of a test row": 1, "duplicate of a validation row": 1}
    assert result.imported == 1


def test_evaluation_rows_win_over_training_rows_that_are_there(run: Importer, workspace: Workspace) -> None:
    text = "I transferred money to my friend last week and it has not arrived in the account"
    first = run("train", rows=given((text, "refund"), *ROWS))

    result = run("test", rows=given((text + " yet", "refund")))

    assert result.dropped == {"train": 1}
    assert "1 train" in result.summary
    assert [row.text for row in read_rows(workspace, result.dataset or "", "train")] == [text for text, _ in ROWS]
    assert len(read_rows(workspace, first.dataset or "", "train")) == 4


def test_no_text_is_ever_in_two_splits_whatever_the_order_of_imports(run: Importer, workspace: Workspace) -> None:
    import itertools
    import random

    rng = random.Random(0)
    words = "parcel refund login password late broken money order shop card site box".split()  # noqa: SIM905
    texts = [" ".join(rng.choices(words, k=6)) for _ in range(60)]
    last: str | None = None
    for split in itertools.chain(SPLITS, reversed(SPLITS)):
        rows = given(*((rng.choice((text, text.upper(), text + "!")), "refund") for text in rng.sample(texts, 30)))
        last = run(split, rows=rows).dataset or last

    held = [row.text.lower().strip("!") for split in SPLITS for row in read_rows(workspace, last or "", split)]
    assert len(held) == len(set(held)) > 40


def test_a_new_dataset_leaves_the_old_rows_out(run: Importer, workspace: Workspace) -> None:
    old = run(rows=given(*ROWS))
    new = run(rows=given(ROWS[0]), new_dataset=True)

    assert len(read_rows(workspace, new.dataset or "", "train")) == 1
    with pytest.raises(InvalidInput, match="`dataset` and `new_dataset`"):
        run(rows=given(*ROWS), new_dataset=True, dataset=old.dataset)


def test_a_new_dataset_says_which_corrected_labels_and_held_out_rows_it_leaves_behind(
    run: Importer, context: ToolContext, workspace: Workspace
) -> None:
    run(rows=given(*ROWS[:2], (ROWS[2][0], "refund")))
    wrong = next(row for row in read_rows(workspace, "support-d1", "train") if row.text == ROWS[2][0])
    changes: list[Any] = [{"action": "relabel", "rows": {"ids": [wrong.id]}, "label": "account"}]
    edit = EditExamplesRequest(task="support", reason="A person looked.", changes=changes)  # type: ignore[arg-type]
    edit_examples(edit, replace(context, run_key="edit"))
    run("test", rows=given(("my parcel never came to the door", "delivery")))

    new = run(rows=given(*ROWS[:2], (ROWS[2][0], "refund")), new_dataset=True)

    call = json.dumps(changes)
    assert "1 row has the source's label again, not what a person gave in support-d3: edit_examples(" in new.summary
    assert f"dataset='support-d4', reason=..., changes={call})." in new.summary
    assert "split='test', from_dataset='support-d3') brings its 1 test row, before you train." in new.next_step
    assert "anew with new_dataset" not in new.next_step
    edit_examples(edit.model_copy(update={"dataset": "support-d4"}), replace(context, run_key="edit again"))
    tested = run("test", rows=given((ROWS[2][0], "refund")), new_dataset=True)
    assert "1 test row has another label than a person gave in support-d5: test rows are not edited" in tested.summary
    assert "edit_examples" not in tested.summary
    assert "'account'" not in tested.summary


def test_a_repeated_run_makes_nothing_twice(context: ToolContext, task: Task, workspace: Workspace) -> None:
    request = ImportExamplesRequest(task=task.slug, split="train", rows=given(*ROWS))

    first = import_examples(request, context)
    again = import_examples(request, context)

    assert again.dataset == first.dataset
    assert len(workspace.artifacts(task.slug, "dataset")) == 1


def test_a_cancelled_import_leaves_nothing_behind(
    context: ToolContext, task: Task, folder: Path, workspace: Workspace
) -> None:
    write_jsonl(folder / "rows.jsonl", as_dicts(ROWS))
    request = ImportExamplesRequest(task=task.slug, split="train", path="rows.jsonl")

    with pytest.raises(Cancelled):
        import_examples(request, replace(context, import_folders=(folder,), is_cancelled=lambda: True))

    assert workspace.artifacts(task.slug) == []
    assert list(workspace.root.rglob(".staged-*")) == []


def test_progress_rises_to_the_end(context: ToolContext, task: Task, folder: Path) -> None:
    write_jsonl(
        folder / "rows.jsonl",
        [{"text": f"parcel {n} of the order {n * 7919}", "label": "delivery"} for n in range(12_000)],
    )
    seen: list[float] = []
    report = replace(
        context, import_folders=(folder,), report=lambda share, _: seen.append(share) if share is not None else None
    )

    import_examples(ImportExamplesRequest(task=task.slug, split="test", path="rows.jsonl"), report)

    assert seen == sorted(seen)
    assert 0 < seen[0] < 0.7
    assert 0.8 <= seen[-1] <= 1


@pytest.mark.parametrize("there", [0, 1], ids=["the first dataset", "a further one"])
def test_two_imports_at_the_same_time_both_end_in_the_newest_dataset(
    there: int, run: Importer, context: ToolContext, task: Task
) -> None:
    """A client that calls twice at once, for validation and for test rows, finds both in what it trains on next."""
    if there:
        run(rows=given(("I have been charged for nothing", "refund")))
    others: list[ImportExamplesResult] = []

    def meanwhile(_fraction: float | None, _message: str) -> None:
        if not others:
            others.append(run("test", rows=given(ROWS[0])))

    request = ImportExamplesRequest(task=task.slug, split="validation", rows=given(*ROWS))
    result = import_examples(request, replace(context, run_key="first", report=meanwhile))

    newest = context.workspace.resolve(None, "dataset", task.slug)
    assert newest.id == result.dataset
    assert newest.parent == others[0].dataset
    assert read_card(context.workspace, newest.id).rows("test") == 1
    assert read_card(context.workspace, newest.id).rows("validation") == 2  # the text that is a test row stays there
    assert len(context.workspace.artifacts(task.slug, "dataset")) == 2 + there


def test_an_import_into_a_named_dataset_goes_there_whatever_else_is_made_meanwhile(
    run: Importer, context: ToolContext, task: Task
) -> None:
    named = run(rows=given(ROWS[0])).dataset
    others: list[ImportExamplesResult] = []

    def meanwhile(_fraction: float | None, _message: str) -> None:
        if not others:
            others.append(run("test", rows=given(ROWS[1])))

    request = ImportExamplesRequest(task=task.slug, split="validation", rows=given(ROWS[2]), dataset=named)
    result = import_examples(request, replace(context, run_key="first", report=meanwhile))

    assert result.dataset
    assert read_card(context.workspace, result.dataset).parent == named
