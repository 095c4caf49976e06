"""The copy of a source that came without labels: every field of every row, under the names of the source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from classwright_tools.curation.kept_source import SourceCopy
from classwright_tools.curation.sources import read_path
from classwright_tools.domain.cards import KeptSource
from classwright_tools.reading.opening import Position
from classwright_tools.reading.rows import Columns
from classwright_tools.workspace.datasets import SOURCE


def copied(source: Path, folder: Path, pair: str | None = None) -> tuple[KeptSource, list[dict[str, Any]]]:
    """Return what a card says of the copy of `source`, and its rows; `pair` is the column of a pair's second text."""
    columns = Columns("text", None, pair, others="plain")
    folder.mkdir()
    copy = SourceCopy(folder, read_path(source, columns, "unlabelled", Position()), source.name)
    list(copy.rows())
    kept, _ = copy.kept()
    assert kept is not None
    return kept, [json.loads(line) for line in (folder / SOURCE).read_text(encoding="utf-8").splitlines()]


def test_a_field_that_first_comes_late_in_a_jsonl_file_is_kept(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"when": number, "text": f"message {number}"} for number in range(150)]
    rows[120] |= {"note": "urgent", "tags": ["a", "b"]}
    (tmp_path / "in.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")

    kept, there = copied(tmp_path / "in.jsonl", tmp_path / "copy")

    assert there == rows
    assert set(kept.columns) == {"when", "text", "note", "tags"}
    assert kept.columns[:2] == ("when", "text")


def test_files_of_a_folder_that_call_the_texts_of_a_pair_differently_lose_nothing(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("text,text_pair,note\nred lamp,lamp,first\n", encoding="utf-8")
    (tmp_path / "in" / "b.csv").write_text("text,query,item\nsecond,blue saw,saw\n", encoding="utf-8")

    kept, there = copied(tmp_path / "in", tmp_path / "copy", "text_pair")

    assert kept.texts == ("text", "text_pair")
    assert there == [
        {"text": "red lamp", "text_pair": "lamp", "note": "first"},
        {"text_1": "second", "text": "blue saw", "text_pair": "saw"},
    ]
    assert set(kept.columns) == {"text", "text_pair", "note", "text_1"}
