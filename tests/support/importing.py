"""What the tests of importing share: three rows, files of them, and a function that imports."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import Division, Split
from classwright_tools.domain.source import GivenRow
from classwright_tools.domain.task import Task
from classwright_tools.import_examples import ImportExamplesRequest, ImportExamplesResult, import_examples

ROWS = [
    ("I want my money back for the shoes", "refund"),
    ("Where is the parcel I ordered on Monday?", "delivery"),
    ("I cannot log in any more", "account"),
]
Importer = Callable[..., ImportExamplesResult]


def importer(context: ToolContext, task: Task, folder: Path) -> Importer:
    """Return a function that imports by the request's fields, each call under a run key of its own."""
    calls = iter(range(1_000))

    def run(split: Split | Division = "train", **fields: Any) -> ImportExamplesResult:
        request = ImportExamplesRequest(task=task.slug, split=split, **fields)
        return import_examples(request, replace(context, run_key=f"run-{next(calls)}", import_folders=(folder,)))

    return run


def given(*rows: tuple[str, str | None]) -> tuple[GivenRow, ...]:
    """Return rows of a call."""
    return tuple(GivenRow(text=text, label=label) for text, label in rows)


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows as JSON lines and return the path."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def as_dicts(rows: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return rows as a file holds them."""
    return [{"text": text, "label": label} for text, label in rows]
