"""The rows of a dataset as files, a split each, with all that is known of a row: `import_examples` takes them back.

The columns are those of the dataset itself: see `workspace/datasets.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

from classwright_tools.bulk.outputs import appearing_whole, write_output
from classwright_tools.domain.example import SPLITS
from classwright_tools.domain.kinds import task_of
from classwright_tools.domain.table_form import USUAL
from classwright_tools.errors import InvalidInput
from classwright_tools.export.csv_rows import write_csv
from classwright_tools.export.dataset_card import dataset_card
from classwright_tools.export.task_then import task_then
from classwright_tools.workspace.datasets import iterate_tables, read_card, read_edits
from classwright_tools.workspace.edits import EDITS, lines_of
from classwright_tools.workspace.row_columns import schema
from classwright_tools.workspace.workspace import Workspace

Form = Literal["csv", "jsonl", "parquet"]
FORMS: tuple[Form, ...] = get_args(Form)
CARD = "README.md"


def export_rows(workspace: Workspace, dataset: str, folder: Path, form: Form) -> dict[str, int]:
    """Write the rows of `dataset`, its edits and a card into `folder`; return the number of rows of each file, by name.

    A CSV file is in the form of the table that its rows came in last, if that is known: a person's program opens it.

    Raises:
        NotFound: there is no such dataset.
        DamagedArtifact: it does not read back.
        InvalidInput: `folder` holds something already, or is none.
    """
    card = read_card(workspace, dataset)
    names = schema(workspace.task(task_of(dataset))).names
    tables = {split: partial(iterate_tables, workspace, dataset, split) for split in SPLITS}
    there = [split for split in SPLITS if next(tables[split](), None) is not None]  # before anything is written
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput(f"folder {folder.name!r}", "is not an empty folder", "Name one that is new.")
    folder.mkdir(parents=True, exist_ok=True)
    table_form = card.sources[-1].form if card.sources else USUAL
    written: dict[str, int] = {}
    for split in there:
        path = folder / f"{split}.{form}"
        if form == "csv":
            with appearing_whole(path) as staged:
                write_csv(staged, names, tables[split](), table_form)
        else:
            write_output(path, names, _Parts(tables[split]))
        written[path.name] = card.rows(split)
    edits = read_edits(workspace, dataset)
    if edits:
        (folder / EDITS).write_bytes(lines_of(edits))
    text = dataset_card(
        card, dataset, task_then(workspace, task_of(dataset), card.task_version), list(written), table_form.delimiter
    )
    (folder / CARD).write_text(text, encoding="utf-8")
    return written


class _Parts:
    """The values of rows, a table after the other; they can be gone through again."""

    def __init__(self, tables: Callable[[], Iterator[Any]]) -> None:
        self._tables = tables

    def __iter__(self) -> Iterator[list[list[Any]]]:
        for table in self._tables():
            columns = (column.to_pylist() for column in table.columns)
            yield [list(row) for row in zip(*columns, strict=True)]
