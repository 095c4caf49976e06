"""The rows of a dataset as files, a split each, with all that is known of a row: `import_examples` takes them back.

The columns are those of the dataset itself: see `workspace/datasets.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args

from classwright_tools.bulk.outputs import write_output
from classwright_tools.domain.example import SPLITS
from classwright_tools.domain.kinds import task_of
from classwright_tools.errors import InvalidInput
from classwright_tools.export.dataset_card import dataset_card
from classwright_tools.export.task_then import task_then
from classwright_tools.workspace.datasets import read_card, read_edits, read_table
from classwright_tools.workspace.edits import EDITS, lines_of
from classwright_tools.workspace.workspace import Workspace

Form = Literal["csv", "jsonl", "parquet"]
FORMS: tuple[Form, ...] = get_args(Form)
CARD = "README.md"
PART = 20_000
"""Rows whose values are in memory at once: as Python's own they take many times what the table does."""


def export_rows(workspace: Workspace, dataset: str, folder: Path, form: Form) -> dict[str, int]:
    """Write the rows of `dataset`, its edits and a card into `folder`; return the number of rows of each file, by name.

    Raises:
        NotFound: there is no such dataset.
        DamagedArtifact: it does not read back.
        InvalidInput: `folder` holds something already, or is none.
    """
    import pyarrow.compute as pc

    table, card = read_table(workspace, dataset), read_card(workspace, dataset)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput(f"folder {folder.name!r}", "is not an empty folder", "Name one that is new.")
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, int] = {}
    for split in SPLITS:
        rows = table.filter(pc.equal(table["split"], split)).drop_columns(["split"])
        if len(rows):
            name = f"{split}.{form}"
            write_output(folder / name, rows.column_names, _Parts(rows))
            written[name] = len(rows)
    edits = read_edits(workspace, dataset)
    if edits:
        (folder / EDITS).write_bytes(lines_of(edits))
    text = dataset_card(card, dataset, task_then(workspace, task_of(dataset), card.task_version), list(written))
    (folder / CARD).write_text(text, encoding="utf-8")
    return written


class _Parts:
    """The values of a table's rows, `PART` rows at a time."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def __iter__(self) -> Iterator[list[list[Any]]]:
        for start in range(0, len(self._table), PART):
            columns = (column.to_pylist() for column in self._table.slice(start, PART).columns)
            yield [list(row) for row in zip(*columns, strict=True)]
