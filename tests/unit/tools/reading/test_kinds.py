"""What a file is: read as it is, whatever its ending and encoding, or told in one sentence with the repair."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from classwright_tools.errors import InvalidInput
from classwright_tools.reading.files import read_file
from classwright_tools.reading.opening import Position
from classwright_tools.reading.rows import Columns, SourceRow

ROWS = [("Where is it, please?", "delivery"), ("დამიბრუნეთ ფული", "refund"), ("我的包裹在哪里", "delivery")]
CSV = "text,label\n" + "".join(f'"{text}",{label}\n' for text, label in ROWS)
JSONL = "".join(json.dumps({"text": text, "label": label}, ensure_ascii=False) + "\n" for text, label in ROWS)


def read(folder: Path, name: str, content: bytes) -> list[SourceRow]:
    (folder / name).write_bytes(content)
    return list(read_file(folder / name, Columns("text", "label"), Position()))


@pytest.mark.parametrize("packed", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(("name", "content"), [("rows.csv", CSV), ("rows.jsonl", JSONL)])
@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"],
)
def test_every_unicode_encoding_is_read_with_and_without_its_mark(
    encoding: str, name: str, content: str, packed: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    found = read(tmp_path, name, packed(content.encode(encoding)))

    assert [(row.text, row.label, row.problem) for row in found] == [(*row, None) for row in ROWS]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_a_header_without_a_latin_letter_is_read_in_utf_16_too(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes("ტექსტი,იარლიყი\nსად არის,მიწოდება\n".encode(encoding))

    found = list(read_file(tmp_path / "rows.csv", Columns("ტექსტი", "იარლიყი"), Position()))

    assert [(row.text, row.label) for row in found] == [("სად არის", "მიწოდება")]


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_a_zero_byte_in_utf_8_makes_no_utf_16_of_it(place: int, tmp_path: Path) -> None:
    text = "abcd"[:place] + "\x00" + "efghij"

    assert read(tmp_path, "rows.csv", f"text,label\n{text},refund\n".encode())[0].text == text
    (tmp_path / "short.csv").write_bytes(b'text\n"t0' + 9 * b"\x00" + b'"')
    (short,) = read_file(tmp_path / "short.csv", Columns("text", None), Position())
    assert short.text == "t0" + 9 * "\x00"


def zipped() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("rows.csv", CSV)
    return made.getvalue()


def parquet() -> bytes:
    made = io.BytesIO()
    pq.write_table(pa.table({"text": [text for text, _ in ROWS], "label": [label for _, label in ROWS]}), made)
    return made.getvalue()


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.jsonl", "rows.parquet"])
def test_parquet_is_read_under_any_ending(name: str, tmp_path: Path) -> None:
    assert [(row.text, row.label) for row in read(tmp_path, name, parquet())] == ROWS


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zipped(), "is a zip archive, as Excel's workbooks are.*Unpack it"),
        (gzip.compress(zipped()), "is a zip archive"),
        (gzip.compress(parquet()), "is Parquet in a gzip file.*Unpack it"),
        (gzip.compress(gzip.compress(CSV.encode())), "is packed twice"),
        (bz2.compress(CSV.encode()), "is a bzip2 file.*gzip"),
        (lzma.compress(CSV.encode()), "is an xz file"),
        (b"\x28\xb5\x2f\xfd\x00", "is a zstd file"),
        (b"SQLite format 3\x00" + bytes(84), "is an SQLite database.*Save the table as CSV"),
        (b"%PDF-1.7\n", "is a PDF"),
        (b"\n<!DOCTYPE html>\n<html>", "is a web page.*Download the file itself"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an Excel workbook.*Save the sheet as CSV"),
        (json.dumps([{"text": "a", "label": "b"}]).encode(), "holds a JSON array.*one JSON object a line"),
    ],
)
def test_a_file_of_another_kind_is_told_with_the_repair(content: bytes, said: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=f"file '{name}': {said}"):
        read(tmp_path, name, content)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rows.jsonl", json.dumps({"text": "a", "label": "b"}, indent=1), "JSON object of several lines.*not indented"),
        ("rows.json", '{\n "rows": [{"text": "a"}]\n}', "JSON object of several lines"),
        ("rows.csv", JSONL, "holds JSON lines, not CSV.*name the file .jsonl"),
    ],
)
def test_json_that_is_not_of_lines_or_not_called_so_is_told(name: str, content: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=said):
        read(tmp_path, name, content.encode())


def test_a_field_that_a_line_gives_twice_is_not_guessed(tmp_path: Path) -> None:
    lines = ['{"text": "a", "text": "b", "label": "refund"}', "", '{"text": "c", "label": "refund"}', "[1]"]

    twice, good, other = read(tmp_path, "rows.jsonl", "\n".join(lines).encode())

    assert (twice.problem, twice.line) == ("a field given twice", 1)
    assert "'text' is there twice" in str(twice.detail)
    assert (good.text, good.line) == ("c", 3)
    assert (other.problem, other.place) == ("not a JSON object", "file 'rows.jsonl', line 4")


def test_a_line_over_the_limit_is_counted_with_its_number(tmp_path: Path) -> None:
    long, good = read(tmp_path, "rows.jsonl", b'"' + b"x" * 1_000_001 + b'"\n{"text": "c", "label": "refund"}\n')

    assert (long.problem, long.line, long.text) == ("too long", 1, None)
    assert (good.text, good.line) == ("c", 2)


@pytest.mark.parametrize(
    "content",
    [
        ("text,label\n" + "x" * 1_000_000 + "\ryyyyyyyyyy,refund\nc,delivery\n").encode(),
        ("text,label\n" + "x" * 1_000_000 + "\r" + "y" * 999_999 + "\r" + "z,refund\nc,delivery\n").encode(),
        ("text,label\r" + "x" * 1_000_000 + "\nyyyyyyyyyy,refund\rc,delivery\r").encode(),
        ("text,label\n" + "x" * 1_000_000 + "\ryyyyyyyyyy,refund\nc,delivery\n").encode("utf-16"),
        gzip.compress(("text,label\r\n" + "x" * 999_999 + "\ry,refund\r\nc,delivery\r\n").encode()),
    ],
    ids=["a return", "two returns", "a line feed in a file of returns", "utf-16", "gzip"],
)
def test_no_row_is_made_of_the_rest_of_a_line_over_the_limit(content: bytes, tmp_path: Path) -> None:
    long, good = read(tmp_path, "rows.csv.gz", content)

    assert (long.problem, long.line) == ("too long", 2)
    assert (good.text, good.label, good.line) == ("c", "delivery", 3)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["\\n", "\\r\\n", "\\r"])
@pytest.mark.parametrize("chars", [999_998, 999_999, 1_000_000, 1_000_001, 2_000_000, 2_000_001])
def test_lines_are_numbered_right_after_one_over_the_limit(chars: int, end: str, tmp_path: Path) -> None:
    lines = ["x" * chars, '{"text": "c", "label": "refund"}']

    found = read(tmp_path, "rows.jsonl", end.join(lines).encode())

    assert [row.line for row in found] == [1, 2]


@pytest.mark.parametrize("name", ["rows.csv.gz", "rows.jsonl.gz"])
def test_a_gzip_file_that_is_damaged_anywhere_is_told_or_read(name: str, tmp_path: Path) -> None:
    packed = gzip.compress((CSV if "csv" in name else JSONL).encode(), mtime=0)
    told = 0
    for place in range(len(packed)):
        try:
            read(tmp_path, name, packed[:place] + bytes([packed[place] ^ 255]) + packed[place + 1 :])
        except InvalidInput:
            told += 1

    assert told > len(packed) / 2


@pytest.mark.parametrize("place", [b"Where is it", b"text", b"delivery"])
def test_a_parquet_file_that_is_damaged_within_is_told(place: bytes, tmp_path: Path) -> None:
    file = parquet()
    at = file.index(place)

    with pytest.raises(InvalidInput, match=r"file 'rows.parquet': cannot be read as Parquet. Check that it was copied"):
        read(tmp_path, "rows.parquet", file[: at - 12] + b"\xff" * 12 + file[at:])
