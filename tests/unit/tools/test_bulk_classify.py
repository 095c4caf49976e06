"""Classifying files in bulk: every row comes back with its answer, in any form, and a run that was stopped goes on."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from classwright_tools.bulk import classify_files as bulk
from classwright_tools.bulk.classify_files import classify_files
from classwright_tools.bulk.outputs import write_output
from classwright_tools.errors import InvalidInput
from classwright_tools.reading import opening
from support.bulk import Lengths, Stopped


def answers(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_rows_keep_their_columns_and_order_and_get_an_answer(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text('id,text,note\n007,tiny,"a, b"\n8,  ,none\n9,a text of eighteen?,\n', encoding="utf-8")

    found = classify_files(Lengths(), source, tmp_path / "out.csv", model_name="m")

    rows = answers(tmp_path / "out.csv")
    names = ("label", "probability", "sure", "out_of_scope", "probability_short", "probability_long")
    told = [[row.pop(name) for name in names] for row in rows]
    assert told == [
        ["short", "0.8", "true", "false", "0.8", "0.2"],
        [""] * 6,
        ["long", "0.95", "false", "true", "0.05", "0.95"],
    ]
    assert rows == [
        {"text": "tiny", "id": "007", "note": "a, b"},
        {"text": "  ", "id": "8", "note": "none"},
        {"text": "a text of eighteen?", "id": "9", "note": ""},
    ]
    assert (found.rows, found.sure, found.out_of_scope, found.unanswered) == (3, 1, 1, 1)
    assert "1 text is out of scope" in found.summary
    assert "In 1 row the label is a guess: look at those with sure false." in found.summary
    assert "1 row has no answer: file 'in.csv', line 3 is empty." in found.summary
    assert not (tmp_path / "out.csv.parts").exists()


@pytest.mark.parametrize(("encoding", "line_end"), [("utf-8", "\n"), ("utf-8-sig", "\r\n"), ("utf-16", "\r\n")])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_table_is_written_with_the_delimiter_the_mark_and_the_line_ends_that_it_was_read_with(
    tmp_path: Path, delimiter: str, encoding: str, line_end: str
) -> None:
    rows = [["date", "comment", "stars"], ["1", "a text, of eighteen; or so", "5"]]
    with (tmp_path / "in.csv").open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter, lineterminator=line_end).writerows(rows)

    classify_files(Lengths(), tmp_path / "in.csv", tmp_path / "out.csv", model_name="m", text_column="comment")

    written = (tmp_path / "out.csv").read_bytes()
    assert written.startswith(codecs.BOM_UTF8) == (encoding != "utf-8")
    lines = written.decode("utf-8-sig").splitlines(keepends=True)
    assert all(line.endswith("1.0" + line_end) for line in lines[1:])
    header, row = csv.reader(lines, delimiter=delimiter)
    assert header[:7] == ["date", "comment", "stars", "label", "probability", "sure", "out_of_scope"]
    assert row == ["1", "a text, of eighteen; or so", "5", "long", "1.0", "true", "false", "0.0", "1.0"]


def test_the_file_that_is_read_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text\ntiny\n", encoding="utf-8")
    (tmp_path / "link.csv").symlink_to("in.csv")

    with pytest.raises(InvalidInput, match=r"output 'link.csv': is a file to read\. Name another"):
        classify_files(Lengths(), tmp_path / "in.csv", tmp_path / "link.csv", model_name="m")

    assert (tmp_path / "in.csv").read_text(encoding="utf-8") == "text\ntiny\n"


def test_lines_of_a_table_end_in_a_line_feed_and_a_carriage_return_in_a_cell_stays_one(tmp_path: Path) -> None:
    write_output(tmp_path / "out.csv", ["text", "note"], [[["a text", "one\rtwo"], ["another", "one\r\ntwo"]]])

    content = (tmp_path / "out.csv").read_bytes().decode()
    assert content == 'text,note\na text,"one\rtwo"\nanother,"one\r\ntwo"\n'
    assert list(csv.reader(io.StringIO(content, newline="")))[1:] == [["a text", "one\rtwo"], ["another", "one\r\ntwo"]]


def test_a_gzip_file_that_unpacks_to_very_much_is_refused_before_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last bytes are not there: whoever unpacks it whole says that it is damaged."""
    monkeypatch.setattr(opening, "FREE_EXPANSION_BYTES", 2**20)
    source = tmp_path / "rows.csv.gz"
    source.write_bytes(gzip.compress(b"text\n" + b"a short text\n" * 2**22)[:-8])

    with pytest.raises(InvalidInput, match=r"rows\.csv\.gz': unpacks to over 200 times its size"):
        classify_files(Lengths(), source, tmp_path / "out.csv", model_name="m")


def test_a_run_that_fails_before_its_first_part_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any, **_options: Any) -> Any:
        raise Stopped

    model = Lengths()
    monkeypatch.setattr(model, "predict_with_confidence", stop)
    (tmp_path / "in.csv").write_text("text\na\n", encoding="utf-8")
    with pytest.raises(Stopped):
        classify_files(model, tmp_path / "in.csv", tmp_path / "out.csv", model_name="m")

    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_answers_make_way_for_columns_of_their_names(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "tiny", "label": "mine"}\n{"text": "another", "score": 0.5}\n', encoding="utf-8")

    classify_files(Lengths(), source, tmp_path / "out.jsonl", model_name="m")

    first, second = map(json.loads, (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines())
    assert first["label"] == "mine"
    assert first["predicted_label"] == "short"
    assert first["predicted_sure"] is True
    assert (second["label"], second["score"], second["predicted_label"]) == (None, 0.5, "short")


def test_in_parquet_a_column_of_several_types_is_one_of_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "PART_ROWS", 2)
    rows: list[dict[str, Any]] = [
        {"id": 1, "n": 1, "big": 0.5, "in_one": ["x", 1], "in_a": {"u": 1}, "bare": {}, "late": {}, "text": "tiny"},
        {"id": 2, "n": 0.5, "big": 3, "in_one": None, "in_a": {"w": "a"}, "bare": {}, "text": "tiny"},
        {"id": "a", "n": 2, "big": 2**60 + 1, "in_one": [], "in_a": {"u": "b"}, "late": {"u": 1}, "text": "x" * 30},
        {"id": None, "n": None, "big": None, "in_one": None, "in_a": None, "text": "tiny"},
    ]
    source, output = tmp_path / "in.jsonl", tmp_path / "out.parquet"
    source.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")

    found = classify_files(Lengths(), source, output, model_name="m")

    table = pq.read_table(output).to_pydict()
    assert table["id"] == ["1", "2", "a", None]
    assert table["n"] == [1, 0.5, 2, None]
    assert table["big"] == ["0.5", "3", str(2**60 + 1), None]
    assert table["in_one"] == ['["x", 1]', None, "[]", None]
    assert table["bare"] == ["{}", "{}", None, None]
    assert table["late"] == [{"u": None}, None, {"u": 1}, None]
    assert table["label"] == ["short", "short", "long", "short"]
    assert "Written as text, as no one type holds their values: 'id', 'big', 'in_one', 'in_a', 'bare'." in found.summary
    assert not output.with_name("out.parquet.parts").exists()


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_half_a_character_leaves_its_row_without_an_answer_and_the_others_with_one(tmp_path: Path, ending: str) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / f"out.{ending}"
    source.write_text('{"text": "tiny", "note": "a\\ud800"}\n{"text": "b\\ud800", "note": null}\n', encoding="utf-8")

    found = classify_files(Lengths(), source, output, model_name="m")

    assert (found.rows, found.unanswered) == (2, 1)
    assert b"a?" in output.read_bytes()


def test_pairs_get_how_probable_each_label_is(tmp_path: Path) -> None:
    model = Lengths()
    model.takes_pairs = True
    source = tmp_path / "in.csv"
    source.write_text("text,text_pair\nred lamp,a lamp\nhose,\n", encoding="utf-8")

    classify_files(model, source, tmp_path / "out.csv", model_name="m")

    assert [list(row.values())[2:] for row in answers(tmp_path / "out.csv")] == [
        ["short", "0.9", "true", "false", "0.9", "0.1"],
        [""] * 6,
    ]
    names = list(answers(tmp_path / "out.csv")[0])[2:]
    assert names == ["label", "probability", "sure", "out_of_scope", "probability_short", "probability_long"]


def test_columns_of_one_name_are_numbered_and_all_stay_where_they_were(tmp_path: Path) -> None:
    model = Lengths()
    model.takes_pairs = True
    source = tmp_path / "in.csv"
    source.write_text("id,query,item,note,note,note_1\nno row\n1,red lamp,a lamp,x,y,z\n", encoding="utf-8")

    classify_files(model, source, tmp_path / "out.csv", model_name="m")

    unread, row = answers(tmp_path / "out.csv")
    assert list(row.items())[:7] == [
        ("id", "1"), ("query", "red lamp"), ("item", "a lamp"), ("note_2", "x"), ("note_3", "y"), ("note_1", "z"),
        ("label", "short"),
    ]  # fmt: skip
    assert {name: value for name, value in unread.items() if value} == {"query": "no row"}


def test_a_field_that_comes_late_in_a_jsonl_file_is_kept(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    rows = [{"text": f"row {n}"} | ({"note": "late"} if n == 150 else {}) for n in range(200)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    classify_files(Lengths(), source, tmp_path / "out.jsonl", model_name="m")

    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [n for n, row in enumerate(found) if row["note"] == "late"] == [150]
    assert [row["text"] for row in found] == [row["text"] for row in rows]


def test_columns_of_one_name_in_parquet_are_refused(tmp_path: Path) -> None:
    table = pa.table([["a text"], ["x"], ["y"]], names=["text", "note", "note"])
    pq.write_table(table, tmp_path / "in.parquet")

    with pytest.raises(InvalidInput, match=r"has several columns 'note'. Give each a name of its own"):
        classify_files(Lengths(), tmp_path / "in.parquet", tmp_path / "out.csv", model_name="m")


def test_of_many_labels_those_with_a_threshold_have_a_column_and_are_given_from_it_on(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text\ntext of fifteen\ntext of thirteen\n", encoding="utf-8")
    model = Lengths()
    model.labels = (*(f"label {number}" for number in range(21)), "short", "long")

    classify_files(model, tmp_path / "in.csv", tmp_path / "out.csv", model_name="m", thresholds={"long": 0.78})

    rows = answers(tmp_path / "out.csv")
    assert [list(row.values())[1:] for row in rows] == [
        ["short", "0.25", "false", "false", "0.75"],
        ["long", "0.8", "true", "false", "0.8"],
    ]
    assert list(rows[0])[-1] == "probability_long"
    model.mismatch = "short"
    classify_files(model, tmp_path / "in.csv", tmp_path / "sorted.csv", model_name="m")
    assert [row["probability_short"] for row in answers(tmp_path / "sorted.csv")] == ["0.25", "0.2"]
    with pytest.raises(InvalidInput, match=r"of no label that the model knows\. It knows 'label 0', 'label 1', "):
        classify_files(model, tmp_path / "in.csv", tmp_path / "out.csv", model_name="m", thresholds={"lang": 0.78})


def test_a_folder_of_parquet_and_csv_becomes_one_file_that_names_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    pq.write_table(pa.table({"text": ["tiny", "x" * 30], "when": [1.5, None]}), folder / "a.parquet")
    (folder / "b.csv").write_text("text\nshort one\n", encoding="utf-8")

    classify_files(Lengths(), folder, tmp_path / "out.parquet", model_name="m")

    table = pq.read_table(tmp_path / "out.parquet").to_pydict()
    assert table["file"] == ["a.parquet", "a.parquet", "b.csv"]
    assert table["label"] == ["short", "long", "short"]
    assert table["probability"] == [0.8, 1.0, 0.55]
    assert table["sure"] == [True, True, False]
    assert table["when"] == [1.5, None, None]


def test_files_of_one_name_are_told_apart_and_a_column_file_of_their_own_is_kept(tmp_path: Path) -> None:
    for month in ("jan", "feb"):
        (tmp_path / "in" / month).mkdir(parents=True)
        row = {"text": "tiny", "file": {"name": month}}
        (tmp_path / "in" / month / "data.jsonl").write_text(f"{json.dumps(row)}\n[\n", encoding="utf-8")

    found = classify_files(Lengths(), tmp_path / "in", tmp_path / "out.jsonl", model_name="m")

    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["source_file"] for row in rows[::2]] == ["feb/data.jsonl", "jan/data.jsonl"]
    assert [row["file"] for row in rows[::2]] == [{"name": "feb"}, {"name": "jan"}]
    assert {name: tally.texts for name, tally in found.by_file.items()} == {"feb/data.jsonl": 1, "jan/data.jsonl": 1}
    assert "file 'jan/data.jsonl', line 2" in found.summary


def test_a_run_that_was_stopped_goes_on_after_its_last_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "PART_ROWS", 2)
    source = tmp_path / "in.csv"
    source.write_text("text\n" + "".join(f"text {number}\n" for number in range(7)), encoding="utf-8")
    first, second = Lengths(), Lengths()

    def stop(rows: int) -> None:
        if rows == 4:
            raise Stopped

    with pytest.raises(Stopped):
        classify_files(first, source, tmp_path / "out.csv", model_name="m", tell=stop)
    assert not (tmp_path / "out.csv").exists()
    with pytest.raises(InvalidInput, match="another model"):
        classify_files(second, source, tmp_path / "out.csv", model_name="other")
    found = classify_files(second, source, tmp_path / "out.csv", model_name="m")

    assert first.asked == [f"text {number}" for number in range(4)]
    assert second.asked == [f"text {number}" for number in range(4, 7)]
    assert [row["text"] for row in answers(tmp_path / "out.csv")] == first.asked + second.asked
    assert "4 were there from the run before" in found.summary


def test_rows_without_an_answer_are_counted_and_the_first_named_those_of_a_run_before_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "PART_ROWS", 2)
    texts = ["tiny", None, "x" * 20_001, "lone \ufffd", "", " ", 7, None]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")

    def stop(rows: int) -> None:
        if rows == 4:
            raise Stopped

    with pytest.raises(Stopped):
        classify_files(Lengths(), source, tmp_path / "out.jsonl", model_name="m", tell=stop)
    found = classify_files(Lengths(), source, tmp_path / "out.jsonl", model_name="m")

    labels = [json.loads(line)["label"] for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [place for place, label in enumerate(labels) if label] == [0, 3]
    assert (
        "6 rows have no answer: file 'in.jsonl', line 2 is no text; file 'in.jsonl', line 3 has more than 20,000 "
        "characters: split it; file 'in.jsonl', line 5 is empty; file 'in.jsonl', line 6 is empty; file 'in.jsonl', "
        "line 7 is no text; and more." in found.summary
    )


def test_a_line_that_cannot_be_read_keeps_its_place_and_has_no_answer(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text(f"id,text\n1,a\n2,b,c\n3,d\n4,{'x' * 1_000_001}\n", encoding="utf-8")

    found = classify_files(Lengths(), source, tmp_path / "out.csv", model_name="m")

    told = [(row["id"], row["text"], row["label"]) for row in answers(tmp_path / "out.csv")]
    assert told == [("1", "a", "short"), ("", "2,b,c", ""), ("3", "d", "short"), ("", "", "")]
    assert (found.rows, found.unanswered) == (4, 2)
    assert (
        "2 rows have no answer: file 'in.csv', line 3 cannot be read: more fields than the header (3 where the header "
        "has 2: put" in found.summary
    )
    assert "file 'in.csv', line 5 cannot be read: too long (the line has over 1,000,000 characters)" in found.summary


@pytest.mark.parametrize("name", ["in.csv", "in.jsonl"])
def test_a_file_with_a_line_that_is_not_in_utf_8_is_refused_before_any_work(tmp_path: Path, name: str) -> None:
    lines = (
        ["text", "über", "café"] if name == "in.csv" else [f'{{"text": "{text}"}}' for text in ("über", "ou", "café")]
    )
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.csv").write_text("text\nfine\n", encoding="utf-8")
    (folder / name).write_bytes("\n".join(lines[:2]).encode() + b"\n" + lines[2].encode("cp1252"))
    model = Lengths()

    with pytest.raises(InvalidInput, match=rf"file '{name}': is not in UTF-8 \(line 3\)"):
        classify_files(model, folder, tmp_path / "out.csv", model_name="m")

    assert model.asked == []
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_table_in_windows_1252_is_read_as_such_told_and_written_as_excel_reads_it(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes("text;n\r\nüber;1\r\ncafé;2\r\n".encode("cp1252"))

    found = classify_files(Lengths(), tmp_path / "in.csv", tmp_path / "out.csv", model_name="m")

    assert found.summary.startswith("File 'in.csv' is not in UTF-8 and is read as Windows-1252, as which Excel")
    written = (tmp_path / "out.csv").read_bytes()
    assert written.startswith(b"\xef\xbb\xbf")
    assert "\r\ncafé;2;" in written.decode()


def test_a_part_of_long_texts_is_of_fewer_rows_and_a_run_goes_on_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "PART_CHARS", 40)
    source = tmp_path / "in.csv"
    texts = ["x" * 30, "y" * 30, "a", "b", "z" * 50, "c"]
    source.write_text("\n".join(["text", *texts]), encoding="utf-8")
    told: list[int] = []

    def stop(rows: int) -> None:
        told.append(rows)
        if rows == 5:
            raise Stopped

    with pytest.raises(Stopped):
        classify_files(Lengths(), source, tmp_path / "out.csv", model_name="m", tell=stop)
    second = Lengths()
    found = classify_files(second, source, tmp_path / "out.csv", model_name="m")

    assert told == [2, 5]
    assert second.asked == ["c"]
    assert [row["text"] for row in answers(tmp_path / "out.csv")] == texts
    assert "6 rows in" in found.summary
    assert "Of these 5 were there from the run before" in found.summary


@pytest.mark.parametrize(("output", "asked"), [("out.csv", ["b"]), ("other.csv", ["a", "b"])])
def test_the_parts_of_a_stopped_run_in_the_folder_that_it_reads_are_no_rows_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, asked: list[str]
) -> None:
    monkeypatch.setattr(bulk, "PART_ROWS", 1)
    (tmp_path / "in.csv").write_text("text\na\nb\n", encoding="utf-8")

    def stop(_rows: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        classify_files(Lengths(), tmp_path, tmp_path / "out.csv", model_name="m", tell=stop)
    again = Lengths()
    classify_files(again, tmp_path, tmp_path / output, model_name="m")

    assert again.asked == asked


@pytest.mark.parametrize(
    ("source", "output", "told"),
    [
        ("in.csv", "out.xlsx", "is of no kind that is written. End it in .csv, .jsonl or .parquet"),
        ("in.csv", "none/out.csv", "is in a folder that does not exist"),
        ("none.csv", "out.csv", "'none.csv': does not exist"),
        ("other.csv", "out.csv", "has no column 'text'; it has 'body'. Pass one of them as `--text-column`"),
        ("empty.csv", "out.csv", "holds no row. Put rows into it, in a table under the header"),
    ],
)
def test_what_cannot_be_used_is_told_with_the_repair(tmp_path: Path, source: str, output: str, told: str) -> None:
    (tmp_path / "in.csv").write_text("text\na\n", encoding="utf-8")
    (tmp_path / "other.csv").write_text("body\na\n", encoding="utf-8")
    (tmp_path / "empty.csv").write_text("text\n", encoding="utf-8")

    with pytest.raises(InvalidInput, match=r"'(in|none|out|other|empty)") as error:
        classify_files(Lengths(), tmp_path / source, tmp_path / output, model_name="m")

    assert told in str(error.value)
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".parts") == []


def test_the_alarm_holds_under_thresholds_and_compares_the_answers_without_them(tmp_path: Path) -> None:
    model = Lengths()
    model.usual = {"unsure": (5, 100), "sure_by_label": {"short": 47, "long": 48}}
    model.label_thresholds = {"long": 0.3}
    (tmp_path / "in.csv").write_text("text\n" + "ten chars.\n" * 40, encoding="utf-8")

    found = classify_files(model, tmp_path / "in.csv", tmp_path / "out.csv", model_name="m")

    assert (found.sure, dict(found.by_label)) == (40, {"long": 40})
    assert found.summary.startswith(
        "'in.csv' is unlike what was measured: not sure of 100% of 40 texts where 5% is usual. The figures need not "
        "hold there. These are shares of the answers without the thresholds that were set. 40 rows in "
    )
