"""Rows and files that cannot be used: each costs itself, is counted by its reason, and no more."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.noun import MAX_TEXT_CHARS
from classwright_tools.domain.task import Task
from classwright_tools.errors import InvalidInput
from classwright_tools.reading.delimited import read_csv
from classwright_tools.reading.opening import MAX_ROW_CHARS, Position
from classwright_tools.reading.rows import Columns
from classwright_tools.workspace.datasets import read_rows
from support.importing import ROWS, Importer, as_dicts, importer


@pytest.fixture
def run(context: ToolContext, task: Task, folder: Path) -> Importer:
    """Import by the request's fields."""
    return importer(context, task, folder)


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
        json.dumps({"text": "the last row is à la carte", "label": "account"}, ensure_ascii=False).encode(),
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
    assert {example.row for example in result.examples} >= {2, 4, 6, 7, 8, 10}
    assert "line 2: broken characters: some were lost before, or are not in UTF-8" in result.examples[0].reason
    assert all(len(example.text) <= 200 for example in result.examples)


def in_encoding(folder: Path, encoding: str, drink: str, *, packed: bool) -> str:
    """Write a table whose third line is the first with letters beyond ASCII; return the name of its file."""
    lines = ["text,label", "a parcel that is late,delivery", f"{drink},refund", f"{drink} twice,refund"]
    content = "\n".join(lines).encode(encoding)
    name = "rows.csv.gz" if packed else "rows.csv"
    (folder / name).write_bytes(gzip.compress(content) if packed else content)
    return name


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_in_another_encoding_is_refused_by_its_first_such_line(
    run: Importer, folder: Path, packed: bool
) -> None:
    name = in_encoding(folder, "gbk", "两杯咖啡", packed=packed)

    with pytest.raises(InvalidInput, match=rf"file '{name}': is not in UTF-8 \(line 3\). Save it as UTF-8"):
        run(path=name)


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_in_windows_1252_is_read_as_such_and_told(
    context: ToolContext, run: Importer, folder: Path, packed: bool
) -> None:
    name = in_encoding(folder, "cp1252", "un café pour Hélène", packed=packed)

    result = run(path=name)

    assert result.labels == {"delivery": 1, "refund": 2}
    assert f"File '{name}' is not in UTF-8 and is read as Windows-1252, as which Excel" in result.summary
    assert "the letters of line 3 are right" in result.summary
    assert "un café pour Hélène" in {row.text for row in read_rows(context.workspace, str(result.dataset), "train")}


def test_blank_lines_before_the_header_of_a_csv_file_do_not_count(run: Importer, folder: Path) -> None:
    (folder / "rows.csv").write_text("\n \r\n\ntext;label\n" + ";".join(ROWS[0]) + "\nno such label;other\n")

    result = run(path="rows.csv")

    assert result.labels == {ROWS[0][1]: 1}
    assert [example.row for example in result.examples] == [2]


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
    assert (open_quote.row, open_quote.text) == (2, '"never closed,refund')
    assert open_quote.reason.startswith("file 'quotes.csv', line 4: quote not closed: ")
    assert (no_label.row, no_label.text) == (8_003, "I cannot log in any more")
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
    path.write_text("text,label\n" + 'x","\n' * 100_000, encoding="utf-8")

    start = time.process_time()
    rows = list(read_csv(path, Columns("text", "label"), Position()))

    assert len(rows) == 100_000
    assert all(row.problem for row in rows)
    assert (
        time.process_time() - start < 20
    )  # it takes a second at most, and hours where all is read again for each line


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


def test_a_text_that_is_too_long_once_it_is_clean_is_skipped_and_others_come_in(run: Importer, folder: Path) -> None:
    grows = "\u0958" * (MAX_TEXT_CHARS // 2 + 1)  # in NFC each is two code points
    lines = [{"text": grows, "label": "refund"}, {"text": "where is my parcel", "label": "delivery"}]
    (folder / "grown.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")

    result = run(path="grown.jsonl")

    assert (result.imported, result.skipped) == (1, {"too long": 1})
