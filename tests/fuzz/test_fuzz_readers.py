"""Files of rows in every dialect, some of them damaged: each row arrives whole, or is counted with its line."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from classwright_tools.reading.files import read_file
from classwright_tools.reading.opening import Position
from classwright_tools.reading.rows import Columns, SourceRow
from support.fuzz.limits import FILES

LABELS = ("refund", "delivery", "-1", "C++")
ENCODINGS = (
    "utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be",
)  # fmt: skip
DELIMITERS = (",", ";", "\t", "|")
WORDS = ("lamp", "late", "I paid", "où", "包裹", "6", "https://a.b/c?d=1", "it's", "\x00", "\u2028", "\x0b")
STYLES = ["quoted", "quoted", "escaped", "spaced", "bare", "called"]
MARKS = (" ", " ", ", ", ",", ";", "\t", "|", '"', '""', '" ', ' "', "\\", '\\"', "\n", "\r\n", "\r", "\n\n")

# Texts of these often have lines like rows, and quotes where those of another dialect would end.
SHORT_LABELS = ("a", "b", "5")
HOSTILE = (*SHORT_LABELS, *DELIMITERS, '"', '"', "\\", " ", "x", "y5", "\n", "\n", "\na|", "\nb,", "\r\n", '"\n', '\n"')


@dataclass(frozen=True)
class Written:
    """A row as it was meant, and the lines that it takes, from 1."""

    text: str
    label: str | None
    lines: range


@dataclass(frozen=True)
class Made:
    """A file of rows."""

    name: str
    content: bytes
    columns: Columns
    rows: list[Written]


def texts(number: int) -> st.SearchStrategy[str]:
    """Texts of words and of marks that mean something to some dialect; the number tells them apart."""
    pieces = st.lists(st.sampled_from(WORDS) | st.sampled_from(MARKS), max_size=8)
    return st.tuples(pieces, pieces).map(lambda both: "".join([*both[0], f"t{number}", *both[1]]))


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def as_field(style: str, text: str, unsafe: str) -> tuple[str, str]:
    """The text as a field of a row in a style, and the text that is meant by it; `unsafe` ends a line."""
    flat = text.replace("\n", " ").replace("\r", " ") if unsafe else text
    bare = flat.replace('"', "").replace("\\", "").strip() or "t"
    match style:
        case "escaped":
            text = text.replace("\\", "")  # whether two of them are one, no record tells that has no quote
            escaped = text.replace('"', '\\"')
            return f'"{escaped}"', text
        case "spaced":
            return f" {quoted(text)} ", text
        case "bare":  # what a program writes that knows nothing of quotes, with quotes inside and at the end
            return f"a {flat.strip()}", f"a {flat.strip()}"
        case "inches":
            return f'{bare} 6"', f'{bare} 6"'
        case "called":
            return f'"{bare}" she said', f'"{bare}" she said'
        case "open":
            return f'"{bare}', f'"{bare}'
    return quoted(text), text


@st.composite
def delimited(draw: st.DrawFn) -> Made:
    delimiter = draw(st.sampled_from(DELIMITERS))
    line_end = draw(st.sampled_from(("\n", "\n", "\r\n", "\r")))
    order = draw(st.permutations(["text", "label", *draw(st.sampled_from(([], ["id"], ["id", "day"])))]))
    labelled = draw(st.integers(0, 3)) > 0
    if draw(st.integers(0, 5)) == 0:
        order, labelled = ["text"], False
    head = [delimiter.join(order)]
    if len(order) > 1 and draw(st.integers(0, 4)) == 0:
        head.insert(0, f"sep={delimiter}")
    unit = "\r" if line_end == "\r" else "\n"
    # In a file of one column nothing tells a quote that nobody closed from a text of many lines.
    styles = [*STYLES, "open", "inches", "short"] if len(order) > 1 else STYLES
    lines, rows, at = list(head), [], len(head) + 1
    for number in range(draw(st.integers(1, 8))):
        style, text = draw(st.sampled_from(styles)), draw(texts(number))
        label = draw(st.sampled_from(LABELS))
        field, meant = as_field(style, text, unit)
        values = {"text": field, "label": label, "id": f"n-{number}", "day": f"2026-01-{number + 1:02}"}
        record = delimiter.join(values[name] for name in order)
        if style == "short":  # with a quote that opens, it would be the first line of a text of several
            meant = (
                meant.replace('"', "").replace("\\", "").replace("\n", " ").replace("\r", " ").replace(delimiter, " ")
            )
            record = f"{label} {meant}"
        height = record.count(unit) + 1
        rows.append(Written(meant, label if labelled else None, range(at, at + height)))
        at += height
        lines.append(record)
        if draw(st.integers(0, 9)) == 0:
            lines.append("")
            at += 1
    content = line_end.join(lines) + draw(st.sampled_from(("", line_end)))
    columns = Columns("text", "label" if labelled else None, is_label=LABELS.__contains__)
    return Made("rows.tsv" if delimiter == "\t" else "rows.csv", _encoded(draw, content), columns, rows)


@st.composite
def well_formed(draw: st.DrawFn) -> Made:
    """A file that Python's own writer made: by RFC 4180 it can be read in one way only."""
    delimiter = draw(st.sampled_from(DELIMITERS))
    line_end = draw(st.sampled_from(("\n", "\r\n")))
    order = draw(st.permutations(["text", "label", *draw(st.sampled_from(([], ["id"])))]))
    content = io.StringIO()
    quoting = draw(st.sampled_from((csv.QUOTE_ALL, csv.QUOTE_MINIMAL)))
    writer = csv.writer(content, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
    writer.writerow(order)
    rows = []
    for number in range(draw(st.integers(1, 6))):
        text = "".join(draw(st.lists(st.sampled_from(HOSTILE), max_size=12)))
        label = draw(st.sampled_from(SHORT_LABELS))
        begin = content.getvalue().count("\n") + 1
        values = {"text": text, "label": label, "id": f"n-{number}"}
        writer.writerow([values[name] for name in order])
        rows.append(Written(text, label, range(begin, content.getvalue().count("\n") + 1)))
    columns = Columns("text", "label", is_label=SHORT_LABELS.__contains__)
    name = "rows.tsv" if delimiter == "\t" else "rows.csv"
    return Made(name, _encoded(draw, content.getvalue()), columns, rows)


@st.composite
def json_lines(draw: st.DrawFn) -> Made:
    line_end = draw(st.sampled_from(("\n", "\r\n", "\r")))
    lines, rows = ['{"text": "first of all", "label": "refund"}'], [Written("first of all", "refund", range(1, 2))]
    for number in range(draw(st.integers(0, 8))):
        text, label = draw(texts(number)), draw(st.sampled_from(LABELS))
        line = json.dumps({"text": text, "label": label}, ensure_ascii=draw(st.booleans()))
        if draw(st.integers(0, 3)) == 0:
            line = line[: draw(st.integers(1, len(line) - 1))]
        rows.append(Written(text, label, range(len(lines) + 1, len(lines) + 2)))
        lines.append(line)
    columns = Columns("text", "label", is_label=LABELS.__contains__)
    return Made("rows.jsonl", _encoded(draw, line_end.join(lines)), columns, rows)


def _encoded(draw: st.DrawFn, content: str) -> bytes:
    data = content.encode(draw(st.sampled_from(ENCODINGS)))
    return gzip.compress(data, 1) if draw(st.integers(0, 7)) == 0 else data


def same(text: str) -> str:
    """A text as it is kept: what separates words is one space."""
    return " ".join(text.split())


def rows_of(made: Made, folder: Path) -> list[SourceRow]:
    (folder / made.name).write_bytes(made.content)
    return list(read_file(folder / made.name, made.columns, Position()))


@pytest.mark.timeout(3600)
def test_no_row_of_any_file_is_changed_in_silence(tmp_path: Path) -> None:
    told: Counter[str] = Counter()

    @settings(
        max_examples=FILES,
        deadline=None,
        database=None,
        derandomize=FILES == 300,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(delimited(), delimited(), delimited(), well_formed(), well_formed(), json_lines()))
    def every_file(made: Made) -> None:
        found = rows_of(made, tmp_path)
        whole = Counter((same(row.text), row.label) for row in found if not row.problem)
        meant = Counter((same(row.text), row.label) for row in made.rows)
        assert whole <= meant, f"rows that nobody wrote: {whole - meant}"
        counted = {row.line for row in found if row.problem}
        for row in made.rows:
            assert (same(row.text), row.label) in whole or counted & set(row.lines), f"lost: {row}"
        told.update({"files": 1, "rows": len(made.rows), "whole": whole.total()})
        told.update(row.problem for row in found if row.problem)

    every_file()

    print(f"\n{dict(told)}")  # noqa: T201  # shown by `pytest -s`
    assert told["whole"] > told["rows"] / 2, "nearly all rows are skipped: the files try little"
