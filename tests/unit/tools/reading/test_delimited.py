"""Delimited rows: none is cut at a delimiter, none is swallowed by a quote, and each problem is named by its line."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from classwright_tools.errors import InvalidInput
from classwright_tools.reading.delimited import read_csv
from classwright_tools.reading.opening import Position
from classwright_tools.reading.rows import Columns, SourceRow

LABELS = ("refund", "delivery")
LABELLED = Columns("text", "label", is_label=LABELS.__contains__)
UNLABELLED = Columns("text", None, is_label=LABELS.__contains__)
SPLIT_BY = {"csv": ",", "tsv": "\t"}


def read(folder: Path, content: str | bytes, name: str = "rows.csv", columns: Columns = LABELLED) -> list[SourceRow]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_csv(path, columns, Position()))


def good(rows: list[SourceRow]) -> list[tuple[str, str]]:
    return [(row.text, row.label) for row in rows if row.problem is None]


def problems(rows: list[SourceRow]) -> list[tuple[int | None, str]]:
    return [(row.line, row.problem) for row in rows if row.problem]


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        ("label,text\nrefund,I want it back, please\ndelivery,Where is it\n", 2, "more fields than the header"),
        ("text,label\nWhere is it,delivery\nI want it back, please,refund\n", 3, "more fields than the header"),
        ("text;label\nWhere is it;delivery\nback; please;refund\n", 3, "more fields than the header"),
        ("text,label\nWhere is it,delivery\nI want it back\n", 3, "fewer fields than the header"),
        ("label,text\nrefund,'back, please'\ndelivery,Where is it\n", 2, "more fields than the header"),
        ("label,text\nrefund,back\\, please\ndelivery,Where is it\n", 2, "more fields than the header"),
        ("label,text\nrefund,a \"back, please\"\ndelivery,Where is it\n", 2, "more fields than the header"),
        ('label,text\ndelivery,Where is it\nrefund,"back", please\n', 3, "more fields than the header"),
        ('label,text\ndelivery,Where is it\nrefund,"Give, it" he said\n', 3, "quotes not in order"),
    ],
)  # fmt: skip
def test_a_row_that_has_not_the_headers_width_is_no_row_and_is_named_by_its_line(
    content: str, line: int, problem: str, tmp_path: Path
) -> None:
    rows = read(tmp_path, content)

    assert good(rows) == [("Where is it", "delivery")]
    assert problems(rows) == [(line, problem)]
    assert 'write each quote inside it twice ("")' in str(next(row.detail for row in rows if row.problem))
    assert next(row.place for row in rows if row.problem) == f"file 'rows.csv', line {line}"


def test_a_tab_inside_a_text_of_a_tsv_file_does_not_cut_it(tmp_path: Path) -> None:
    rows = read(tmp_path, "label\ttext\nrefund\tI\twant it\ndelivery\tWhere, is it\n", "rows.tsv")

    assert good(rows) == [("Where, is it", "delivery")]
    assert problems(rows) == [(2, "more fields than the header")]


def test_the_lines_of_a_file_of_one_column_are_whole_texts(tmp_path: Path) -> None:
    lines = ["Hello, I lost my card", "a;b\tc|d", '"Yes" and "no", he said', "plain", 'a screen of 6"']

    rows = read(tmp_path, "\n".join(["text", *lines, '"quoted, ""twice"""', '"two\nlines"']), columns=UNLABELLED)

    assert [row.text for row in rows] == [*lines, 'quoted, "twice"', "two\nlines"]
    assert not problems(rows)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (r'"She said \"no refund\", then hung up"', 'She said "no refund", then hung up'),
        (r'"He said \", and left"', 'He said ", and left'),
        (r'"it ends so: \"no\""', 'it ends so: "no"'),
        ('"a path C:\\"', "a path C:\\"),
        (' "blanks before, and after" ', "blanks before, and after"),
        ('"Great!" she said', '"Great!" she said'),
        ('so "great" a day', 'so "great" a day'),
        ('a screen of 6"', 'a screen of 6"'),
        ('"a ""doubled"" one, and more"', 'a "doubled" one, and more'),
        ('""', ""),
    ],
)
@pytest.mark.parametrize("is_first", [True, False], ids=["text first", "label first"])
def test_a_text_arrives_whole_however_its_quotes_are_written(
    is_first: bool, field: str, text: str, tmp_path: Path
) -> None:
    order = ["text,label", f"{field},refund"] if is_first else ["label,text", f"refund,{field}"]
    plain = "Where,delivery" if is_first else "delivery,Where"

    rows = read(tmp_path, "\n".join([*order, plain]))

    assert [(row.text.strip(), row.label) for row in rows] == [(text, "refund"), ("Where", "delivery")]


def test_quotes_that_can_be_read_in_two_ways_are_not_guessed(tmp_path: Path) -> None:
    rows = read(tmp_path, 'text,label\n"a \\", b",refund\n"a\\\\",delivery\na 6" pipe,delivery\n')

    assert good(rows) == [('a ", b', "refund"), ('a 6" pipe', "delivery")]
    assert problems(rows) == [(3, "quotes that can be read in two ways")]


@pytest.mark.parametrize(
    ("other", "text"), [('"say ""hi"""', "path c:\\games\\\\"), ('"say \\"hi\\""', "path c:\\games\\")]
)
def test_the_whole_file_settles_how_a_quote_is_written(other: str, text: str, tmp_path: Path) -> None:
    rows = read(tmp_path, f'label,text\nrefund,"path c:\\games\\\\"\n\ndelivery,{other}\n')

    assert good(rows) == [(text, "refund"), ('say "hi"', "delivery")]


PIECES = ["\\", "\\\\", '"', '""', ",", ";", " ", "a", "c:\\", "\\n", '\\"', "late", "'"]


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
@pytest.mark.parametrize("columns", [LABELLED, UNLABELLED], ids=["labelled", "unlabelled"])
def test_a_table_that_the_csv_module_writes_comes_back_row_by_row(
    columns: Columns, quoting: Literal[0, 1, 2], tmp_path: Path
) -> None:
    draw = random.Random(7)

    def cell() -> str:
        return "".join(draw.choices([*PIECES, "\n", "\n\n"], k=draw.randint(1, 8))).strip() or "a"

    for _ in range(60):
        rows = [(cell(), draw.choice(["yes", cell()]), n, draw.choice(LABELS)) for n in range(draw.randint(1, 6))]
        order = draw.sample(range(4), 4)
        written = io.StringIO()
        table = [("text", "note", "number", "label"), *rows]
        writer = csv.writer(written, delimiter=draw.choice(",;\t|"), quoting=quoting)
        writer.writerows([row[place] for place in order] for row in table)

        found = read(tmp_path, written.getvalue(), columns=replace(columns, others="plain"))

        assert [(row.text, row.origin.get("note"), row.problem) for row in found] == [(*row[:2], None) for row in rows]


@pytest.mark.parametrize("columns", [LABELLED, UNLABELLED], ids=["labelled", "unlabelled"])
def test_a_line_break_in_another_column_than_the_texts_costs_no_row(columns: Columns, tmp_path: Path) -> None:
    rows = 'text,label,note\nIs it lost,delivery,"line one\nline two, and more"\nGive it back,refund,yes\n'

    assert [row.text for row in read(tmp_path, rows, columns=columns)] == ["Is it lost", "Give it back"]


ROWS = [
    ("The parcel came late", "delivery"),
    ('"I paid twice for one lamp', "refund"),
    ("Where is the blue jacket", "delivery"),
    ("Return the money for the mirror", "refund"),
    ('"Courier left the box in the rain', "delivery"),
    ("The shop promised to pay me back", "refund"),
    ('the new screen has 6"', "delivery"),
]


def delimited(rows: Sequence[tuple[str, str]], columns: Sequence[str], delimiter: str) -> str:
    """Return a table of `rows`, whose other columns say nothing."""
    values = [{"text": text, "label": label, "id": f"n-{n}", "day": "May 1"} for n, (text, label) in enumerate(rows)]
    return "\n".join(delimiter.join(row) for row in (columns, *([of[name] for name in columns] for of in values)))


@pytest.mark.parametrize("ending", SPLIT_BY)
@pytest.mark.parametrize("columns", [("text", "label"), ("label", "text"), ("id", "label", "text", "day")])
@pytest.mark.parametrize("chosen", [range(6), (0, 1, 2, 3), (0, 1, 4, 2), (1, 4), (2, 3, 1), (1, *(2, 3) * 4, 6)])
def test_a_quote_that_nobody_closes_costs_its_own_row_in_any_order_of_columns(
    chosen: range | tuple[int, ...], columns: tuple[str, ...], ending: str, tmp_path: Path
) -> None:
    rows = [ROWS[place] for place in chosen]

    found = read(tmp_path, delimited(rows, columns, SPLIT_BY[ending]), f"rows.{ending}")

    is_open = [text.startswith('"') for text, _ in rows]
    assert good(found) == [row for row, bad in zip(rows, is_open, strict=True) if not bad]
    assert problems(found) == [(n + 2, "quote not closed") for n, bad in enumerate(is_open) if bad]


@pytest.mark.parametrize("ending", SPLIT_BY)
@pytest.mark.parametrize("columns", [("text", "label"), ("label", "text"), ("id", "label", "text", "day")])
@pytest.mark.parametrize("chosen", [(0, 1, 2, 6, 3), (1, 2, 6), (1, 2, 3, 5, 6, 0)])
def test_few_lines_between_quotes_in_order_that_are_like_rows_are_counted_one_by_one(
    chosen: tuple[int, ...], columns: tuple[str, ...], ending: str, tmp_path: Path
) -> None:
    rows = [ROWS[place] for place in chosen]

    found = read(tmp_path, delimited(rows, columns, SPLIT_BY[ending]), f"rows.{ending}")

    between = range(chosen.index(1), chosen.index(6) + 1)
    assert good(found) == [row for n, row in enumerate(rows) if n not in between]
    assert problems(found) == [(n + 2, "quotes that can be read in two ways") for n in between]


PASTED = "My rows are:\nrefund,I paid twice\ndelivery,Where is it\nrefund,it broke"


@pytest.mark.parametrize("order", [("text", "label"), ("label", "text"), ("id", "text", "label")])
@pytest.mark.parametrize("columns", [LABELLED, UNLABELLED], ids=["labelled", "unlabelled"])
def test_rows_inside_a_text_are_no_rows_of_the_file(columns: Columns, order: tuple[str, ...], tmp_path: Path) -> None:
    texts = ["Where, please", PASTED, "short", f'"{PASTED}"']
    for quoting in (csv.QUOTE_ALL, csv.QUOTE_MINIMAL):
        written = io.StringIO()
        writer = csv.DictWriter(written, order, lineterminator="\n", quoting=quoting, extrasaction="ignore")
        writer.writeheader()
        writer.writerows({"text": text, "label": "refund", "id": n} for n, text in enumerate(texts))

        found = read(tmp_path, written.getvalue(), columns=columns)

        assert {row.text for row in found if not row.problem} <= set(texts)
        if quoting == csv.QUOTE_ALL:
            assert [row.text for row in found] == texts


def test_an_open_quote_in_a_file_with_all_fields_in_quotes_costs_its_own_row(tmp_path: Path) -> None:
    found = read(tmp_path, '"label","text"\n"refund","I paid\n"delivery","Where is it"\n"delivery","6"""\n')

    assert good(found) == [("Where is it", "delivery"), ('6"', "delivery")]
    assert problems(found) == [(2, "quote not closed")]


MAIL = 'Hello,\n\nI paid, "twice", for one lamp.\nRegards, Bob\n12 Main St, Leeds'


@pytest.mark.parametrize("columns", [LABELLED, UNLABELLED], ids=["labelled", "unlabelled"])
@pytest.mark.parametrize("order", [("text", "label"), ("label", "text"), ("id", "text", "label"), ("text",)])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_text_of_many_lines_in_quotes_is_one_row(
    line_end: str, order: tuple[str, ...], columns: Columns, tmp_path: Path
) -> None:
    if columns.label and "label" not in order:
        pytest.skip("there are no labels")
    texts = [MAIL, "Where is it?\nI wait, and wait", "short", MAIL.replace("lamp", "vase"), MAIL]
    written = io.StringIO()
    writer = csv.DictWriter(written, order, extrasaction="ignore", lineterminator=line_end)
    writer.writeheader()
    for n, text in enumerate(texts):
        writer.writerow({"text": text, "label": ("refund", "delivery")[n % 2], "id": n})

    found = read(tmp_path, written.getvalue(), columns=columns)

    assert [row.text for row in found] == texts
    assert not problems(found)
    if columns.label:
        assert [row.label for row in found] == ["refund", "delivery", "refund", "delivery", "refund"]


def test_rows_sorted_by_label_are_not_swallowed_where_the_label_changes(tmp_path: Path) -> None:
    lines = ["label,text", *(f"refund,give it back {n}" for n in range(5)), 'refund,"I paid']
    lines += [
        *(f"delivery,Where is it {n}" for n in range(8)),
        'delivery,a screen of 6"',
        "delivery,Where is the other",
    ]

    found = read(tmp_path, "\n".join(lines))

    assert problems(found) == [(7, "quote not closed")]
    assert [text for text, label in good(found) if label == "delivery"] == [
        *(f"Where is it {n}" for n in range(8)), 'a screen of 6"', "Where is the other",
    ]  # fmt: skip


def test_a_span_that_may_be_a_text_or_rows_is_counted_line_by_line(tmp_path: Path) -> None:
    span = ['"I paid, twice', "Where is it,delivery", "a line of nothing", 'a screen of 6",delivery']

    found = read(tmp_path, "\n".join(["text,label", "Give it back,refund", *span, "And now,delivery"]))

    assert good(found) == [("Give it back", "refund"), ("And now", "delivery")]
    assert problems(found) == [(line, "quotes that can be read in two ways") for line in range(3, 7)]
    assert "a quote opens in line 3" in str(found[1].detail)


def test_a_text_of_many_lines_beside_a_delimiter_too_many_is_one_problem(tmp_path: Path) -> None:
    found = read(tmp_path, 'text,label,note\nWhere,delivery,\n"two\nlines",refund,a,b\nlast,delivery,\n')

    assert good(found) == [("Where", "delivery"), ("last", "delivery")]
    assert problems(found) == [(3, "more fields than the header")]


@pytest.mark.parametrize(
    "content",
    [
        "sep=;\ntext;label\na, b;refund\n",
        '"sep=|"\r\nlabel|text\r\nrefund|a, b\r\n',
        "SEP=,\nlabel,text\nrefund,\"a, b\"\n",
        '"the\nlabel",text\n',
        'label, "text"\nrefund, "a, b"\n',
        'label,"the\r\ntext"\r\nrefund,"a, b"\r\n',
    ],
)  # fmt: skip
def test_what_spreadsheets_write_before_and_into_a_header_is_read(content: str, tmp_path: Path) -> None:
    columns = Columns(
        "the\r\ntext" if "the\r\ntext" in content else "text", "the label" if "the\nlabel" in content else "label"
    )

    found = read(tmp_path, content + ('refund,"a, b"\n' if "the\nlabel" in content else ""), columns=columns)

    assert good(found) == [("a, b", "refund")]


def test_an_empty_line_is_no_row_and_lines_are_counted_with_it(tmp_path: Path) -> None:
    found = read(tmp_path, "\n\ntext,label\n\nWhere,delivery\n  \nback\n,\n")

    assert [(row.line, row.problem) for row in found] == [
        (5, None), (7, "fewer fields than the header"), (8, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("text,label\na\rb,refund\nc,delivery\n", [("a\rb", "refund"), ("c", "delivery")]),
        ("text,label\ra\x0bb\x85c\u2028d,refund\rc,delivery\r", [("a\x0bb\x85c\u2028d", "refund"), ("c", "delivery")]),
        ("text,label\r\na,refund\nc,delivery", [("a", "refund"), ("c", "delivery")]),
        ('text,label\r"a\nb",refund\rc,delivery', [("a b", "refund"), ("c", "delivery")]),
        ('text,label\r"a \\"\nb",refund\rc,delivery', [('a " b', "refund"), ("c", "delivery")]),
        ("text,label\na\x00b,refund\n", [("a\x00b", "refund")]),
    ],
)
def test_only_what_ends_the_first_line_ends_a_row(content: str, rows: list[tuple[str, str]], tmp_path: Path) -> None:
    assert good(read(tmp_path, content)) == rows


def test_a_header_that_is_too_long_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"has a first line of over 1,000,000 characters"):
        read(tmp_path, "x" * 1_000_001 + "\ntext,label\n")


def test_a_line_that_is_too_long_is_counted_and_ends_an_open_quote(tmp_path: Path) -> None:
    found = read(tmp_path, 'text,label\n"open,refund\n' + "x" * 1_000_001 + ',refund\nWhere",delivery\n')

    assert problems(found) == [(2, "quote not closed"), (3, "too long")]
    assert good(found) == [('Where"', "delivery")]


def test_a_quote_behind_a_delimiter_inside_a_text_does_not_make_a_label_of_several_lines(tmp_path: Path) -> None:
    lines = ["text,label,id", 'a lamp, ",refund,n-0', "", '", late', '",refund,n-1', "Where,delivery,n-2"]

    for columns in (LABELLED, UNLABELLED):
        assert [row.text for row in read(tmp_path, "\n".join(lines), columns=columns) if not row.problem] == ["Where"]


def test_lines_are_counted_until_both_readings_of_their_quotes_end_a_row(tmp_path: Path) -> None:
    found = read(tmp_path, 'text\n"a path C:\\"\n\n"\nthe next text"\na 6" pipe\n', columns=UNLABELLED)

    assert [row.text for row in found if not row.problem] == ['a 6" pipe']
    assert problems(found) == [(line, "quotes that can be read in two ways") for line in range(2, 6)]


@pytest.mark.parametrize("columns", [LABELLED, UNLABELLED], ids=["labelled", "unlabelled"])
def test_a_text_that_begins_where_an_open_quote_would_end_is_not_cut(columns: Columns, tmp_path: Path) -> None:
    lines = ["text,label,id", '"open,refund,n-0', "", '"', 'the next text",refund,n-1', "last,delivery,n-2"]

    found = read(tmp_path, "\n".join(lines), columns=columns)

    assert [row.text for row in found if not row.problem] == ["last"]
    assert problems(found) == [(line, "quotes that can be read in two ways") for line in range(2, 6)]


def test_a_row_of_too_many_fields_that_opens_a_quote_is_taken_for_no_text_of_several_lines(tmp_path: Path) -> None:
    rows = read(tmp_path, 'sep=;\ntext;label\n"t0;;refund\n\n"\nt1";refund', columns=UNLABELLED)

    assert not good(rows)
    assert problems(rows)
