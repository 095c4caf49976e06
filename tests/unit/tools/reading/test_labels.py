"""The same label from every kind of file, whatever type its column has."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classwright_tools.reading.files import read_file
from classwright_tools.reading.label_names import LabelNames
from classwright_tools.reading.opening import Position
from classwright_tools.reading.rows import Columns

TRUTH, NUMBERS = {"True": "yes", "False": "no"}, {"1": "yes", "0": "no"}
YES_NO = ("yes", "no")


def labels_of(path: Path, names: LabelNames) -> list[str | None]:
    return [names.find(row.label) for row in read_file(path, Columns("text", "label"), Position())]


def files_of(folder: Path, column: pa.Array) -> list[Path]:
    """The same rows as Parquet, as CSV and JSON lines by Python, and as pandas writes both."""
    table = pa.table({"text": [f"text {n}" for n in range(len(column))], "label": column})
    pq.write_table(table, folder / "rows.parquet")
    rows = table.to_pylist()
    with (folder / "rows.csv").open("w", newline="") as file:
        csv.DictWriter(file, ["text", "label"]).writerows([{"text": "text", "label": "label"}, *map(as_text, rows)])
    with (folder / "rows.jsonl").open("w") as file:
        file.writelines(json.dumps(as_json(row)) + "\n" for row in rows)
    frame = table.to_pandas()
    frame.to_csv(folder / "pandas.csv", index=False)
    return [folder / name for name in ("rows.parquet", "rows.csv", "rows.jsonl", "pandas.csv")]


def as_text(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in row.items()}


def as_json(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: float(value) if isinstance(value, Decimal) else value.decode() if isinstance(value, bytes) else value
        for name, value in row.items()
    }


@pytest.mark.parametrize(
    ("column", "mapping"),
    [
        (pa.array([True, False, None]), TRUTH),
        (pa.array([True, False, None]), {"true": "yes", "FALSE": "no"}),
        (pa.array([1.0, 0.0, None]), NUMBERS),
        (pa.array([1.0, 0.0, float("nan")]), {"1.0": "yes", "0.0": "no"}),
        (pa.array([1, 0, None], pa.int8()), NUMBERS),
        (pa.array([1, 0, None], pa.int8()), {"1.0": "yes", "0.00": "no"}),
        (pa.array([1, 0, None], pa.float16()), NUMBERS),
        (pa.array([Decimal("1.00"), Decimal("0.00"), None]), NUMBERS),
        (pa.array([1e20, -1.0, None]), {"100000000000000000000": "yes", "-1": "no"}),
        (pa.array(["yes", "no", None]).dictionary_encode(), {}),
        (pa.array(["Yes", "NO", None], pa.large_string()), {}),
    ],
    ids=str,
)
def test_a_label_is_the_same_from_every_kind_of_file(column: pa.Array, mapping: dict[str, str], tmp_path: Path) -> None:
    names = LabelNames(YES_NO, mapping)

    for path in files_of(tmp_path, column):
        assert labels_of(path, names) == ["yes", "no", None], path.name


def test_a_number_of_single_precision_has_the_digits_that_pandas_writes(tmp_path: Path) -> None:
    parquet, *_, from_pandas = files_of(tmp_path, pa.array([0.1, -2.7, None], pa.float32()))
    names = LabelNames(YES_NO, {"0.1": "yes", "-2.70": "no"})

    assert labels_of(parquet, names) == labels_of(from_pandas, names) == ["yes", "no", None]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary(5)], ids=str)
def test_bytes_are_utf_8_texts_and_labels(kind: pa.DataType, tmp_path: Path) -> None:
    texts, labels = [b"o\xc3\xb9..", b"\xff\xfe..."], [b"yes  ", b"no   "]
    table = pa.table({"text": pa.array(texts, kind), "label": pa.array(labels, kind)})
    pq.write_table(table, tmp_path / "rows.parquet")

    good, broken = read_file(tmp_path / "rows.parquet", Columns("text", "label"), Position())

    assert (good.text, LabelNames(YES_NO, {}).find(good.label)) == ("où..", "yes")
    assert "\ufffd" in broken.text


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.float32()], ids=str)
def test_class_numbers_are_names_even_as_floats_and_no_label_stays_none(kind: pa.DataType, tmp_path: Path) -> None:
    feature = {"info": {"features": {"label": {"names": list(YES_NO), "_type": "ClassLabel"}}}}
    table = pa.table({"text": list("abcde"), "label": pa.array([0, 1, None, -1, 7], kind)})
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(feature)}), tmp_path / "rows.parquet")

    assert labels_of(tmp_path / "rows.parquet", LabelNames(YES_NO, {})) == ["yes", "no", None, None, None]


SIGNS = ("-1", "1", "0", "A", "A-", "A+", "C", "C++", "#1", "mood -1", "mood 1", "1.5", "-1.5")


@pytest.mark.parametrize("name", SIGNS)
def test_a_sign_belongs_to_a_label(name: str) -> None:
    assert LabelNames(SIGNS, {}).find(name) == name


@pytest.mark.parametrize(
    ("value", "label"),
    [("01", None), ("1.0.0", None), ("+1", None), ("1e0", None), (".5", None), ("10", None), (10, None),
     ("\u0661", None),     ("1.50", "1.5"), ("1e+00", "1"), ("-1.0", "-1"), (-1.0, "-1"), ("-0.0", "0"),
     (-0.0, "0"), ("1.", "1"), (True, None), ("A -", None), (b"#1", "#1")],
)  # fmt: skip
def test_a_number_is_known_by_its_value_and_by_nothing_else(value: Any, label: str | None) -> None:
    assert LabelNames(SIGNS, {}).find(value) == label


def test_labels_that_write_the_same_number_stay_two(tmp_path: Path) -> None:
    names = LabelNames(("1", "1.0"), {})

    assert [names.find(value) for value in ("1", 1, "1.0", 1.0, "1.00")] == ["1", "1", "1.0", "1.0", None]


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.booleans())
def test_json_and_csv_agree_on_every_number(value: float | int | bool) -> None:
    names = LabelNames(("one", "two"), {str(value): "one"})

    assert names.find(value) == names.find(json.loads(json.dumps(value))) == names.find(str(value)) == "one"
