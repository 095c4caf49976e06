"""The columns of a dataset's files: what a row is in them, and which there are for which task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from classwright_tools.domain.example import Example, Origin, Provenance
from classwright_tools.domain.label_sets import joined_labels
from classwright_tools.domain.pair import Content, joined
from classwright_tools.domain.task import Task, TaskKind
from classwright_tools.domain.topic_tree import Cell

_CELL = ("topic", "subtopic", "source_type")
_MAKING = ("contrast", "round", "writer", "prompt")
_TEXTS: dict[TaskKind, tuple[str, ...]] = {"text": ("text",), "pair": ("text", "text_pair")}


def schema(task: Task) -> Any:
    """Return the `pyarrow.Schema` of a split's file.

    The column "text_pair" is in those of pair tasks only. Those of multi-label tasks have "labels", lists, for "label",
    and "cell_label", the one that a text was written for.
    """
    import pyarrow as pa

    labels = [("labels", pa.list_(pa.string())), ("cell_label", pa.string())]
    return pa.schema(
        [
            *((name, pa.string()) for name in ("id", *_TEXTS[task.kind])),
            *(labels if task.multi_label else [("label", pa.string())]),
            *((name, pa.string()) for name in ("origin", *_CELL, "contrast")),
            ("round", pa.int32()),
            ("writer", pa.string()),
            ("prompt", pa.string()),
        ]
    )


def as_of(columns: Any, table: Any) -> Any:
    """Return a `table` of rows with the `columns` of a schema, and no others: null where it has none.

    Rows that came before their task had pairs, or several labels a row, have no such column.
    """
    import pyarrow as pa

    for column in columns:
        if column.name not in table.column_names:
            table = table.append_column(column, pa.nulls(len(table), column.type))
    return table.select(columns.names).cast(columns)


def table_of(
    task: Task,
    *,
    ids: Sequence[str],
    texts: Sequence[str],
    pairs: Sequence[str | None],
    labels: Sequence[str | tuple[str, ...] | None],
    origins: Sequence[Origin],
    made: Sequence[Provenance | None],
) -> Any:
    """Return rows of `task` as a `pyarrow.Table` of its `schema`, from a sequence for each of what a row is.

    `labels` has of a multi-label task all labels of each row.
    """
    import pyarrow as pa

    columns: dict[str, Sequence[Any]] = {"id": ids, "text": texts, "text_pair": pairs, "origin": origins}
    columns["labels" if task.multi_label else "label"] = labels
    if any(one is not None for one in made):  # of most rows nothing is known
        cells = [one.cell if one else None for one in made]
        columns["cell_label"] = [cell.label if cell else None for cell in cells]
        columns |= {name: [getattr(cell, name) if cell else None for cell in cells] for name in _CELL}
        columns |= {name: [getattr(one, name) if one else None for one in made] for name in _MAKING}
    fields = schema(task)
    arrays = [
        pa.array(columns[field.name], field.type) if field.name in columns else pa.nulls(len(ids), field.type)
        for field in fields
    ]
    return pa.table(arrays, schema=fields)


def table_of_examples(examples: Sequence[Example], task: Task) -> Any:
    """Return `examples` of `task` as `table_of` does."""
    return table_of(
        task,
        ids=[row.id for row in examples],
        texts=[row.text for row in examples],
        pairs=[row.text_pair for row in examples],
        labels=[row.labels if task.multi_label else row.label for row in examples],
        origins=[row.origin for row in examples],
        made=[row.provenance for row in examples],
    )


def contents_of(table: Any) -> list[Content]:
    """Return what each row of a table holds, as one string."""
    texts = table["text"].to_pylist()
    if "text_pair" not in table.column_names:
        return [joined(text) for text in texts]
    return [joined(text, text_pair) for text, text_pair in zip(texts, table["text_pair"].to_pylist(), strict=True)]


def label_keys_of(table: Any) -> list[str | None]:
    """Return the `Example.label_key` of each row of a table."""
    if "labels" not in table.column_names:
        return list(table["label"].to_pylist())
    return [None if labels is None else joined_labels(labels) for labels in table["labels"].to_pylist()]


def example_of(row: dict[str, Any]) -> Example:
    """Return the `Example` of one row of a Parquet file."""
    made = None
    if row["writer"] is not None:
        made = Provenance(
            cell=_cell(row),
            contrast=row["contrast"],
            round=row["round"],
            writer=row["writer"],
            prompt=row["prompt"],
        )
    return Example(
        id=row["id"],
        text=row["text"],
        text_pair=row.get("text_pair"),  # which the files of text tasks do not have
        label=row.get("label"),
        labels=row.get("labels"),  # in the files of multi-label tasks, for `label`
        origin=row["origin"],
        provenance=made,
    )


def _cell(row: dict[str, Any]) -> Cell | None:
    """Return the cell that a row was written for, if it was; a written pair's is that of its item."""
    label = row["cell_label"] if "labels" in row else row["label"]
    if not label or row["origin"] == "annotated":
        return None
    return Cell(label=label, item=row.get("text_pair"), **{name: row[name] for name in _CELL})
