"""The file of a split: written batch by batch, its rows counted on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from classwright_tools.domain.cards import SplitCount
from classwright_tools.domain.example import Example, Split
from classwright_tools.domain.task import Task
from classwright_tools.errors import InvalidInput
from classwright_tools.workspace.row_columns import table_of_examples

BATCH_ROWS = 10_000
"""Rows that are written at a time, as a row group of the file."""


def tables_of(examples: Iterable[Example], task: Task) -> Iterator[Any]:
    """Yield rows of `task` as `pyarrow.Table`s.

    Raises:
        InvalidInput: a row has not as many texts, or labels, as the task's rows have.
    """
    rows = _of_task(examples, task)
    while batch := list(islice(rows, BATCH_ROWS)):
        yield table_of_examples(batch, task)


def _of_task(examples: Iterable[Example], task: Task) -> Iterator[Example]:
    """Yield the rows; raise at the first one that has not as many texts, or labels, as the task's rows have."""
    for example in examples:
        if (example.labels is not None and not task.multi_label) or (example.label is not None and task.multi_label):
            reason, repair = ("has `labels`, and the task's rows have one label", "Give it a `label`.")
            if task.multi_label:
                reason, repair = ("has a `label`, and the task's rows have several", "Give it `labels`.")
            raise InvalidInput(f"row {example.id!r} of task {task.slug!r}", reason, repair)
        if (example.text_pair is None) != (task.kind == "text"):
            reason, repair = {
                "text": ("has a text_pair, and the task is about single texts", "Leave its `text_pair` out"),
                "pair": ("has no text_pair, and the task is about pairs of texts", "Give it a `text_pair`"),
            }[task.kind]
            raise InvalidInput(f"row {example.id!r} of task {task.slug!r}", reason, f"{repair}, or use another task.")
        yield example


def write_split(path: Path, split: Split, tables: Iterable[Any]) -> tuple[list[SplitCount], list[SplitCount]]:
    """Write the rows of `tables` and return their counts, and those by each of several labels.

    Without rows it leaves no file.
    """
    import pyarrow.parquet as pq

    counts: Counter[tuple[str | None, Any]] = Counter()
    labelled: Counter[tuple[str | None, Any]] = Counter()
    writer: Any = None
    for table in _batches(tables):
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
        origins = table["origin"].to_pylist()
        if "label" in table.column_names:
            counts.update(zip(table["label"].to_pylist(), origins, strict=True))
            continue
        counts.update((None, origin) for origin in origins)
        of_rows = zip(table["labels"].to_pylist(), origins, strict=True)
        labelled.update((label, origin) for labels, origin in of_rows for label in labels or ())
    if writer:
        writer.close()
    counted, by_label = (
        [SplitCount(split=split, label=label, origin=origin, rows=n) for (label, origin), n in one.items()]
        for one in (counts, labelled)
    )
    return counted, by_label


def _batches(tables: Iterable[Any]) -> Iterator[Any]:
    """Yield the rows of `tables`, `BATCH_ROWS` at a time."""
    import pyarrow as pa

    held: list[Any] = []
    for table in tables:
        held.append(table)
        while sum(map(len, held)) >= BATCH_ROWS:
            rows = pa.concat_tables(held)
            yield rows.slice(0, BATCH_ROWS).combine_chunks()
            held = [rows.slice(BATCH_ROWS)]
    if any(map(len, held)):
        yield pa.concat_tables(held).combine_chunks()
