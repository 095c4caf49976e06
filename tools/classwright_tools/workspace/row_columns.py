"""The columns of a dataset's files: what a row is in them, and which there are for which task."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from classwright_tools.domain.example import Example, Provenance
from classwright_tools.domain.task import Task, TaskKind
from classwright_tools.domain.topic_tree import Cell

_CELL = ("topic", "subtopic", "source_type")
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


def columns_of(examples: Iterable[Example], task: Task) -> dict[str, list[Any]]:
    """Return the columns of the Parquet file that holds `examples` of `task`."""
    columns: dict[str, list[Any]] = {name: [] for name in schema(task).names}
    own = ("id", *_TEXTS[task.kind], "labels" if task.multi_label else "label", "origin")
    for example in examples:
        made = example.provenance
        cell = made.cell if made else None
        for name in own:
            columns[name].append(getattr(example, name))
        if task.multi_label:
            columns["cell_label"].append(cell.label if cell else None)
        for name in _CELL:
            columns[name].append(getattr(cell, name) if cell else None)
        for name in ("contrast", "round", "writer", "prompt"):
            columns[name].append(getattr(made, name) if made else None)
    return columns


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
