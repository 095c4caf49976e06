"""Labelled rows from a JSONL or CSV file, in batches that fit into a call."""

from __future__ import annotations

import csv
import difflib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypedDict

from classwright_agents.errors import TaskFileError

# The tool takes 5,000 rows a call, and servers take requests of up to 4 MiB: half of it leaves room for JSON's escapes.
MAX_ROWS = 5_000
MAX_BYTES = 2 * 1024 * 1024
CSV = (".csv",)
JSON_LINES = (".jsonl", ".ndjson")


class Row(TypedDict):
    """A text and its label."""

    text: str
    label: str


def read_rows(path: Path, labels: Sequence[str]) -> list[Row]:
    """Return the rows of a `.jsonl` or `.csv` file with a `text` and one of the task's `labels` in each.

    A row whose text or label is empty is kept, as the server counts what it leaves out.

    Raises:
        TaskFileError: the file cannot be read as such, or a label is not the task's; the line is named.
    """
    known = {_folded(name) for name in labels}
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = []
            for number, record in _records(path, lines):
                row = _row(path, number, record)
                if row["label"].strip() and _folded(row["label"]) not in known:
                    raise _unknown_label(path, number, row["label"], labels)
                rows.append(row)
    except UnicodeDecodeError as error:
        raise TaskFileError(f"file {path.name!r}", "is not UTF-8 text", "Save it as UTF-8.") from error
    except OSError as error:
        raise TaskFileError(f"file {path.name!r}", "cannot be read", "Check its permissions.") from error
    if not rows:
        raise TaskFileError(f"file {path.name!r}", "holds no rows", "Add rows, or leave the file out of the task.")
    return rows


def _records(path: Path, lines: Any) -> Iterator[tuple[int, Any]]:
    if path.suffix.lower() in CSV:
        return _csv_records(path, lines)
    if path.suffix.lower() in JSON_LINES:
        return _json_records(path, lines)
    raise TaskFileError(
        f"file {path.name!r}", "is neither CSV nor JSON lines by its name", "Save it as one of them: .csv or .jsonl."
    )


def _folded(name: str) -> str:
    """Return what the server compares labels by: case, spaces, "_" and "-" are passed over."""
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def _unknown_label(path: Path, number: int, label: str, labels: Sequence[str]) -> TaskFileError:
    near = difflib.get_close_matches(label, labels, n=1)
    return TaskFileError(
        f"file {path.name!r}, line {number}",
        f"has the label {label[:80]!r}, which is not in the task",
        f"Did you mean {near[0]!r}?" if near else "Add it to 'labels' in the task file, or take such rows out.",
    )


def _csv_records(path: Path, lines: Any) -> Iterator[tuple[int, Any]]:
    reader = csv.DictReader(lines)
    try:
        lacking = [name for name in ("text", "label") if reader.fieldnames and name not in reader.fieldnames]
        if lacking:
            columns = ", ".join(str(name)[:40] for name in reader.fieldnames or ())
            raise TaskFileError(
                f"file {path.name!r}, line 1",
                f"has no column {lacking[0]!r}: {columns}",
                "Write 'text' and 'label' there.",
            )
        for record in reader:
            yield reader.line_num, record
    except csv.Error as error:
        raise TaskFileError(
            f"file {path.name!r}, line {reader.reader.line_num}", f"is not CSV: {error}", "Look for an open quote."
        ) from error


def _json_records(path: Path, lines: Any) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError as error:
                raise TaskFileError(
                    f"file {path.name!r}, line {number}", "is not JSON", 'Write {"text": ..., "label": ...}.'
                ) from error


def _row(path: Path, number: int, record: Any) -> Row:
    """Return the row that a line's `record` holds."""
    fields = [record.get(name) if isinstance(record, dict) else None for name in ("text", "label")]
    for name, value in zip(("text", "label"), fields, strict=True):
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise TaskFileError(
                f"file {path.name!r}, line {number}", f"has no {name!r}", "Each row needs a 'text' and a 'label'."
            )
    row = Row(text=str(fields[0]), label=str(fields[1]))
    try:
        (row["text"] + row["label"]).encode()
    except UnicodeEncodeError as error:
        raise TaskFileError(
            f"file {path.name!r}, line {number}",
            "holds half of a character (a lone surrogate)",
            "Write the whole character, or leave it out.",
        ) from error
    return row


def batches(rows: list[Row], max_rows: int = MAX_ROWS, max_bytes: int = MAX_BYTES) -> Iterator[list[Row]]:
    """Yield `rows` in order, in batches of at most `max_rows` rows and about `max_bytes` bytes."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        bytes_ = len(row["text"].encode()) + len(row["label"].encode()) + 32
        if batch and (len(batch) == max_rows or size + bytes_ > max_bytes):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += bytes_
    if batch:
        yield batch
