"""The cells of a dataset's rows: what each was written for, in the columns of its table."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from classwright_tools.domain.topic_tree import Cell


def cell_columns(table: Any) -> tuple[str, str, str, str]:
    """Return the columns that name a row's cell: what label it was written for, topic, subtopic and source type."""
    written_for = "cell_label" if "cell_label" in table.column_names else "label"
    return (written_for, "topic", "subtopic", "source_type")


def in_cell(table: Any, cell: Cell) -> NDArray[np.bool_]:
    """Return which rows (n,) are of a cell, and of none that is narrower."""
    names = (cell.label, cell.topic, cell.subtopic, cell.source_type)
    columns = (table[column].to_pylist() for column in cell_columns(table))
    return np.array([found == names for found in zip(*columns, strict=True)], bool)
