"""Importing rows: every kind of source, what is skipped and why, and that no text gets into two splits."""

from __future__ import annotations

import csv
import gzip
import json
import pickle
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import SPLITS, Split
from classwright_tools.domain.noun import MAX_TEXT_CHARS
from classwright_tools.domain.task import Label, Task
from classwright_tools.errors import Cancelled, InvalidInput, NotFound
from classwright_tools.import_examples import (
    GivenRow,
    ImportExamplesRequest,
    ImportExamplesResult,
    import_examples,
)
from classwright_tools.reading.delimited import read_csv
from classwright_tools.reading.label_names import LabelNames
from classwright_tools.reading.opening import MAX_ROW_CHARS, Position
from classwright_tools.reading.rows import Columns
from classwright_tools.workspace.datasets import read_card, read_rows
from classwright_tools.workspace.workspace import Workspace

ROWS = [
    ("I want my money back for the shoes", "refund"),
    ("Where is the parcel I ordered on Monday?", "delivery"),
    ("I cannot log in any more", "account"),
]
Importer = Callable[..., ImportExamplesResult]


@pytest.fixture
def run(context: ToolContext, task: Task, folder: Path) -> Importer:
    """Return a function that imports by the request's fields, each call under a run key of its own."""
    calls = iter(range(1_000))

    def importer(split: Split = "train", **fields: Any) -> ImportExamplesResult:
        request = ImportExamplesRequest(task=task.slug, split=split, **fields)
        return import_examples(request, replace(context, run_key=f"run-{next(calls)}", import_folders=(folder,)))

    return importer


def given(*rows: tuple[str, str | None]) -> tuple[GivenRow, ...]:
    return tuple(GivenRow(text=text, label=label) for text, label in rows)


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def as_dicts(rows: list[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"text": text, "label": label} for text, label in rows]


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


def test_labels_that_are_not_the_tasks_name_the_nearest_and_the_repair(run: Importer) -> None:
    with pytest.raises(InvalidInput, match=r"'refunds' is not in the task; the nearest is 'refund'.*label_names"):
        run(rows=given(("I want my money back", "refunds")))


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
    assert result.examples[0].row == 3
    assert "opening hours" in result.examples[0].reason


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


def test_rows_that_cannot_be_used_are_counted_by_reason_with_the_first_of_each(run: Importer, folder: Path) -> None:
    lines = [
        json.dumps({"text": "a good row about a parcel", "label": "delivery"}).encode(),
        b'{"text": "caf\xe9 lost", "label": "refund"}',
        b'{"text": "half a pair \\ud83d", "label": "refund"}',
        b'{"text": "   ", "label": "refund"}',
        b'{"text": null, "label": "refund"}',
        b'{"text": 12, "label": "refund"}',
        b'{"text": "no label here"}',
        b"not json",
        b"[" * 100_000,
        json.dumps({"text": "x" * (MAX_TEXT_CHARS + 1), "label": "refund"}).encode(),
        json.dumps({"text": "y" * (MAX_ROW_CHARS + 1), "label": "refund"}).encode(),
        b"",
        json.dumps({"text": "A GOOD row, about a parcel!", "label": "delivery"}).encode(),
        json.dumps({"text": "a good row about a parcel", "label": "account"}).encode(),
        json.dumps({"text": "the last row is good as well", "label": "account"}).encode(),
    ]
    (folder / "bad.jsonl").write_bytes(b"\n".join(lines))

    result = run(path="bad.jsonl")

    assert result.imported == 2
    assert result.read == 14
    assert result.skipped == {
        "broken characters": 2,
        "no text": 2,
        "text is not a string": 1,
        "no label": 1,
        "not a JSON object": 2,
        "too long": 2,
        "duplicate": 1,
        "same text with another label": 1,
    }
    assert {example.row for example in result.examples} >= {1, 3, 5, 6, 7, 9}
    assert all(len(example.text) <= 200 for example in result.examples)


def test_a_skipped_repeat_names_the_row_that_it_repeats_and_the_similarity(run: Importer) -> None:
    text = "I transferred money to my friend last week and it has not arrived in the account"
    first = run(rows=given(("Where is my parcel, please?", "delivery"), (text, "refund"), (text + " yet", "refund")))
    second = run(rows=given((text + "!", "refund")))

    assert first.skipped == {"near-duplicate": 1}
    assert "like row 1 of the source, similarity 0.9" in first.examples[0].reason
    assert "like train row" in second.examples[0].reason
    assert second.dataset is None


def test_blank_lines_before_the_header_of_a_csv_file_do_not_count(run: Importer, folder: Path) -> None:
    (folder / "rows.csv").write_text("\n \r\n\ntext;label\n" + ";".join(ROWS[0]) + "\nno such label;other\n")

    result = run(path="rows.csv")

    assert result.labels == {ROWS[0][1]: 1}
    assert [example.row for example in result.examples] == [1]


def test_a_quote_that_is_never_closed_costs_one_row_not_the_file(run: Importer, folder: Path) -> None:
    path = folder / "quotes.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write('text,label\n"a parcel that is late",delivery\n"never closed,refund\n')
        file.writelines(f"give me back {n * 7919} for order {n},refund\n" for n in range(8_000))
        file.write("I cannot log in any more,account\n")

    result = run(path="quotes.csv")

    assert result.read == 8_003
    assert result.labels["delivery"] == 1
    assert result.labels["account"] == 1
    assert result.skipped["quote not closed"] == 1


def test_rows_after_a_quote_that_is_never_closed_keep_their_numbers(run: Importer, folder: Path) -> None:
    with (folder / "quotes.csv").open("w", encoding="utf-8") as file:
        file.write('text,label\n"a parcel\nthat is late",delivery\n"never closed,refund\n')
        file.writelines(f"give me back {n * 7919} for order {n},refund\n" for n in range(8_000))
        file.write("I cannot log in any more,\n")

    result = run(path="quotes.csv")

    open_quote, no_label = (example for example in result.examples if "duplicate" not in example.reason)
    assert (open_quote.row, open_quote.text) == (1, '"never closed,refund')
    assert open_quote.reason.startswith("file 'quotes.csv', line 4: quote not closed: ")
    assert (no_label.row, no_label.text) == (8_002, "I cannot log in any more")
    assert no_label.reason == "file 'quotes.csv', line 8,005: no label"


@pytest.mark.parametrize("lines", [2_000, 20_000])
@pytest.mark.parametrize("later", ["I cannot log in,account", '"never closed either,refund'])
def test_a_quote_that_is_never_closed_costs_its_own_line_whatever_the_rows_after_it(
    later: str, lines: int, folder: Path
) -> None:
    rows = [f"give me back what I have paid for the order of number {n},refund" for n in range(lines)]
    path = folder / "quotes.csv"
    path.write_text("\n".join(["text,label", '"never closed,refund', *rows, later]), encoding="utf-8")

    first, *good, last = read_csv(path, Columns("text", "label"), Position())

    assert (first.problem, first.line) == ("quote not closed", 2)
    assert [(row.text, row.problem) for row in good] == [(row.removesuffix(",refund"), None) for row in rows]
    assert last.problem == ("quote not closed" if later[0] == '"' else None)


def test_a_closed_text_of_many_lines_is_one_row_that_is_too_long(run: Importer, folder: Path) -> None:
    lines = [f'line {n} of a ""long"" document about refunds, with a comma and more words' for n in range(2_000)]
    document = '"' + "\n".join(lines) + '"'
    assert 131_072 < len(document) < MAX_ROW_CHARS  # the first is where csv by itself gives up
    rows = ["where is my parcel now,delivery", f"{document},refund", "I cannot log in any more,account"]
    (folder / "quotes.csv").write_text("\n".join(["text,label", *rows]), encoding="utf-8")

    result = run(path="quotes.csv")

    assert (result.read, result.labels) == (3, {"delivery": 1, "account": 1})
    assert result.skipped == {"too long": 1}


def test_a_quote_that_is_open_at_the_end_of_the_file_costs_one_row(run: Importer, folder: Path) -> None:
    lines = [
        "text,label",
        '"never closed,refund',
        "where is my parcel now,delivery",
        "I cannot log in any more,account",
    ]
    (folder / "quotes.csv").write_text("\n".join(lines), encoding="utf-8")

    result = run(path="quotes.csv")

    assert (result.read, result.imported) == (3, 2)
    assert result.skipped == {"quote not closed": 1}


def test_a_file_whose_every_line_leaves_a_quote_open_is_read_in_time_that_grows_with_its_size(folder: Path) -> None:
    """Each line closes the quote of the line before and opens one: every row would last for a million characters."""
    path = folder / "quotes.csv"
    path.write_text("text,label\n" + 'x","\n' * 300_000, encoding="utf-8")

    start = time.process_time()
    rows = list(read_csv(path, Columns("text", "label"), Position()))

    assert len(rows) == 300_000
    assert all(row.problem for row in rows)
    assert time.process_time() - start < 60  # it takes a second or two, and hours where all is read again for each line


def test_one_huge_field_is_skipped_in_bounded_memory(run: Importer, folder: Path) -> None:
    import tracemalloc

    path = folder / "huge.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("text,label\nthe parcel is late again,delivery\n")
        for _ in range(60):
            file.write("x" * 1_000_000)
        file.write(",refund\nI cannot log in any more,account\n")

    tracemalloc.start()
    result = run(path="huge.csv")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert result.imported == 2
    assert result.skipped == {"too long": 1}
    assert peak < 30_000_000


@pytest.mark.parametrize("name", ["empty.jsonl", "empty.csv", "header.csv"])
def test_a_source_without_rows_is_refused(name: str, run: Importer, folder: Path) -> None:
    (folder / name).write_text("text,label\n" if name == "header.csv" else "", encoding="utf-8")

    with pytest.raises(InvalidInput, match="holds no rows"):
        run(path=name)


def test_damaged_files_are_refused_by_name(run: Importer, folder: Path) -> None:
    (folder / "cut.parquet").write_bytes(b"PAR1 and nothing more")
    (folder / "cut.jsonl.gz").write_bytes(gzip.compress(b'{"text": "a b", "label": "refund"}\n' * 999)[:-20])
    (folder / "array.json").write_text(json.dumps(as_dicts(ROWS)), encoding="utf-8")
    (folder / "pretty.json").write_text(json.dumps(as_dicts(ROWS), indent=2), encoding="utf-8")
    lines = ",\n".join(map(json.dumps, as_dicts(ROWS)))
    (folder / "lines.json").write_text(f"[{lines}]\n", encoding="utf-8")
    (folder / "rows.docx").write_bytes(b"PK")

    for name, reason in {
        "cut.parquet": "cannot be read as Parquet",
        "cut.jsonl.gz": "damaged gzip",
        "array.json": "JSON array",
        "pretty.json": r"JSON array.*one JSON object a line \(JSONL\)",
        "lines.json": "JSON array",
        "rows.docx": "of no kind",
    }.items():
        with pytest.raises(InvalidInput, match=reason) as caught:
            run(path=name)
        assert name in str(caught.value)
        assert str(folder) not in str(caught.value)


def test_a_pickle_is_never_opened(run: Importer, folder: Path) -> None:
    (folder / "rows.pkl").write_bytes(pickle.dumps(ROWS))

    with pytest.raises(InvalidInput, match="can run code"):
        run(path="rows.pkl")


@pytest.mark.parametrize("path", ["../secret.jsonl", "/etc/hostname", "link.jsonl", "linked", "a\x00b"])
def test_a_path_out_of_the_import_folders_is_refused(path: str, run: Importer, folder: Path, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "secret.jsonl", as_dicts(ROWS))
    (folder / "link.jsonl").symlink_to(tmp_path / "secret.jsonl")
    (folder / "linked").mkdir()
    (folder / "linked" / "train.jsonl").symlink_to(tmp_path / "secret.jsonl")

    with pytest.raises(InvalidInput) as caught:
        run(path=path)

    assert str(tmp_path) not in str(caught.value)


def test_a_path_outside_names_the_folders_and_what_the_operator_can_do(run: Importer) -> None:
    with pytest.raises(InvalidInput, match=r"outside the import folders \('imports'\).*operator"):
        run(path="/etc/hostname")


def test_a_missing_file_names_the_nearest(run: Importer, folder: Path) -> None:
    write_jsonl(folder / "messages.jsonl", as_dicts(ROWS))

    with pytest.raises(NotFound, match=r"Did you mean 'messages.jsonl'"):
        run(path="mesages.jsonl")


def test_without_import_folders_no_file_is_read(context: ToolContext, task: Task) -> None:
    with pytest.raises(InvalidInput, match="no import folder is open"):
        import_examples(ImportExamplesRequest(task=task.slug, split="train", path="/etc/hostname"), context)


def test_a_training_row_near_an_evaluation_row_is_not_imported(run: Importer) -> None:
    text = "I transferred money to my friend last week and it has not arrived in the account"
    run("test", rows=given((text, "refund")))
    run("validation", rows=given(("Where is the parcel I ordered on Monday?", "delivery")))

    result = run(
        "train", rows=given((text + " yet", "refund"), ("where is the parcel i ordered on Monday", "delivery"), ROWS[2])
    )

    assert result.skipped == {"near-duplicate of a test row": 1, "near-duplicate of a validation row": 1}
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
