"""A table with cells of any length: the program that an export has answers all rows but those of texts too long."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from classwright import predict


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the table is to be; the program beside it has an export whose answers are all alike."""
    facts = {"labels": ["a", "b"], "threshold": 0.5, "kind": "text"}
    (tmp_path / predict.FACTS).write_text(json.dumps(facts), encoding="utf-8")
    monkeypatch.setattr(predict, "__file__", str(tmp_path / "predict.py"))
    monkeypatch.setattr(predict, "_engine", lambda *_: Alike())
    return tmp_path / "in.csv"


class Alike:
    """An engine that finds each text to be `a`."""

    def answers(self, texts: list[str], _batch: int) -> predict.Answers:
        return predict.np.array([[0.9, 0.1]] * len(texts)), None


@pytest.mark.parametrize("column", ["text", "note"])
def test_a_cell_of_hundreds_of_thousands_of_characters_keeps_its_row_and_the_others_have_their_answers(
    table: Path, column: str, capsys: pytest.CaptureFixture[str]
) -> None:
    limit = csv.field_size_limit()
    long = "word " * 60_000
    cells = {"text": "where is it", "note": "x"} | {column: long}
    table.write_text(f'text,note\nfine,1\n"{cells["text"]}",{cells["note"]}\nfine,3\n', encoding="utf-8")

    assert predict.main([str(table), "-o", str(table.with_name("out.csv"))]) == 0, capsys.readouterr().err

    assert csv.field_size_limit() == limit
    csv.field_size_limit(len(long))
    with table.with_name("out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    csv.field_size_limit(limit)
    assert [row["label"] for row in rows] == ["a", "" if column == "text" else "a", "a"]
    assert rows[1][column] == long
    said = "1 row has no answer: row 2 has more than 20,000 characters"
    assert (said in capsys.readouterr().err) is (column == "text")


def test_a_quote_that_is_never_closed_is_told_also_in_the_header(
    table: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "MOST_CELL", 1_000)
    for before, line in (('"', 1), ('text,note\n"', 2)):
        table.write_text(f"{before}{'word ' * 500}\n", encoding="utf-8")

        assert predict.main([str(table), "-o", str(table.with_name("out.csv"))]) == 1
        assert f"The row of in.csv that begins in line {line} cannot be read (field larger" in capsys.readouterr().err
