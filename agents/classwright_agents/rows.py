"""Labelled rows from a file, read by the same code as the server's, in batches that fit into a call."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from classwright_agents.errors import TaskFileError
from classwright_tools.errors import InvalidInput
from classwright_tools.reading.files import read_as, read_file
from classwright_tools.reading.label_names import LabelNames, label_text
from classwright_tools.reading.label_sets import SEPARATOR, LabelSets, labels_apart
from classwright_tools.reading.opening import Position
from classwright_tools.reading.rows import Columns, NoColumn, SourceRow, cell_problem

# The tool takes 5,000 rows a call, and servers take requests of up to 4 MiB: half of it leaves room for JSON's escapes.
MAX_ROWS = 5_000
MAX_BYTES = 2 * 1024 * 1024
PLACES_NAMED = 5  # of rows that are left out


class Row(TypedDict):
    """A text and its label, or in a multi-label task a JSON list of its labels."""

    text: str
    label: str


@dataclass
class RowFile:
    """The rows of a file that can be used, and those that cannot: counted by reason, the first by their places."""

    name: str
    rows: list[Row] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    places: list[str] = field(default_factory=list)
    read_as: str = ""

    @property
    def remark(self) -> str:
        """What is to be told of its encoding, and which rows are left out, with the places of the first; or nothing."""
        left_out = self.left_out.total()
        if not left_out:
            return self.read_as
        are = "is" if left_out == 1 else "are"
        more = left_out - len(self.places)
        places = "; ".join(self.places) + (f"; and {more:,} more" if more else "")
        told = f"file {self.name!r}: {left_out:,} of {left_out + len(self.rows):,} rows {are} left out: {places}"
        return f"{self.read_as} {told}".strip()

    def leave_out(self, row: SourceRow, number: int, problem: str) -> None:
        """Count a row, the file's `number`th from 1, that cannot be used."""
        self.left_out[problem] += 1
        if len(self.places) < PLACES_NAMED:
            place = f"row {number:,}" if row.line is None else f"line {row.line:,}"
            self.places.append(": ".join(filter(None, (place, problem, row.detail))))


def read_rows(path: Path, labels: Sequence[str], *, several: bool = False) -> RowFile:
    """Return the rows of a file with a `text` and one of the task's `labels` in each: JSON lines, CSV or TSV.

    A row whose text or label is empty is kept, as the server counts what it leaves out. With `several` a row has any
    number of them: as a list, or with "|" between them; it is left out where nothing is said of them.

    Raises:
        TaskFileError: the file cannot be read as such, no row of it can be used, or a label is not the task's; the
            line is named.
    """
    names = LabelSets(labels, {}, SEPARATOR) if several else LabelNames(labels, {})
    columns = Columns("text", "label", is_label=names.knows, several=several)
    subject = f"file {path.name!r}"
    read = RowFile(path.name)
    try:
        read.read_as = read_as(path)
        for number, row in enumerate(read_file(path, columns, Position()), 1):
            problem = row.problem or cell_problem(row.text)
            if not problem and several and names.is_missing(row.label):
                problem = "no labels"
            if problem:
                read.leave_out(row, number, problem)
                continue
            found = names.find(row.label)
            if found is None and not names.is_missing(row.label):
                raise _unknown_label(row.place or f"{subject}, row {number:,}", names.unknown(row.label), labels)
            label = json.dumps(labels_apart(found or ""), ensure_ascii=False) if several else label_text(row.label)
            read.rows.append(Row(text=row.text, label=label))
    except NoColumn as error:
        raise TaskFileError(error.subject, error.reason, "Name its columns 'text' and 'label'.") from error
    except InvalidInput as error:
        raise TaskFileError(error.subject, error.reason, error.repair) from error
    except OSError as error:
        raise TaskFileError(subject, "cannot be read", "Check its permissions.") from error
    if not read.rows and read.left_out:
        raise TaskFileError(subject, "no row of it can be used", f"Mend its rows: {'; '.join(read.places)}.")
    if not read.rows:
        raise TaskFileError(subject, "holds no rows", "Add rows, or leave the file out of the task.")
    return read


def read_splits(paths: Mapping[str, Path | None], labels: Sequence[str], *, several: bool) -> dict[str, RowFile]:
    """Return the rows of the files that there are, by split, as `read_rows` does.

    Raises:
        TaskFileError: as `read_rows`.
    """
    return {split: read_rows(path, labels, several=several) for split, path in paths.items() if path}


def _unknown_label(place: str, label: str, labels: Sequence[str]) -> TaskFileError:
    near = difflib.get_close_matches(label, labels, n=1)
    return TaskFileError(
        place,
        f"has the label {label[:80]!r}, which is not in the task",
        f"Did you mean {near[0]!r}?" if near else "Add it to 'labels' in the task file, or take such rows out.",
    )


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
