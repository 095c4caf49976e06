"""Sources of rows to import: a file or a folder. Each is read as a stream."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from classwright_tools.curation.brought_edits import Edits, edits_in
from classwright_tools.curation.spool import spool_folder
from classwright_tools.domain.cleaning import as_name
from classwright_tools.domain.example import Split
from classwright_tools.domain.table_form import USUAL, TableForm
from classwright_tools.errors import InvalidInput
from classwright_tools.reading.delimited import read_csv
from classwright_tools.reading.files import read_as, read_file, table_form
from classwright_tools.reading.folders import chosen_split, files_of
from classwright_tools.reading.opening import Position
from classwright_tools.reading.parquet import arrow_rows, plain_columns, refuse_endless
from classwright_tools.reading.rows import Columns, SourceRow
from classwright_tools.workspace.datasets import iterate_rows, read_edits
from classwright_tools.workspace.workspace import Workspace

ARROW_BATCH = 2_000


class Source(NamedTuple):
    """The rows of a source, a sentence on where they are from unless that is plain, and edits that come along.

    `texts` are the columns of its texts where it is from outside, and `form` that of the file that it is.
    """

    rows: Iterable[SourceRow]
    remark: str = ""
    edits: Edits = ()
    texts: tuple[str, ...] = ()
    form: TableForm = USUAL


def read_path(path: Path, columns: Columns, split: Split, position: Position) -> Source:
    """Return the rows of the file or folder `path`; of a folder with several splits those of `split`.

    Raises:
        InvalidInput: its kind is not known, it has no such column, or it cannot be read.
        PermissionError: it, or a file in it, may not be read.
    """
    if path.is_file():
        path.open("rb").close()
        return Source(read_file(path, columns, position), read_as(path), form=table_form(path, columns))
    remark = ""
    any(path.iterdir())
    if (path / "dataset_dict.json").is_file():
        subject = f"folder {path.name!r}"
        there = sorted(inner.name for inner in path.iterdir() if inner.is_dir() and inner.name[0] != ".")
        chosen = chosen_split(there, split, subject)
        remark = f"From {subject} as {split}: its split {as_name(chosen)}."
        path = path / chosen
    if (path / "state.json").is_file():
        return Source(_read_saved(path, columns), remark)
    taken = files_of(path, split)
    for file in taken.files:
        file.open("rb").close()
    rows = chain.from_iterable(read_file(file, columns, position) for file in taken.files)
    return Source(rows, " ".join(filter(None, [taken.remark, *map(read_as, taken.files)])), edits_in(path))


def read_dataset(workspace: Workspace, dataset: str, split: Split) -> Source:
    """Return the rows of a split of a dataset of the workspace, as an export of it holds them, and its edits."""
    rows = (
        SourceRow(
            row.text,
            row.label if row.labels is None else list(row.labels),
            text_pair=row.text_pair,
            origin={"id": row.id, "origin": row.origin, "provenance": row.provenance and row.provenance.model_dump()},
        )
        for batch in iterate_rows(workspace, dataset, split)
        for row in batch
    )
    return Source(rows, edits=read_edits(workspace, dataset))


def read_pasted(text: str, columns: Columns, position: Position, root: Path) -> Iterator[SourceRow]:
    """Yield the rows of a table that was pasted, which waits in a file under `root` while it is read.

    Raises:
        InvalidInput: it has no such column, or is no table.
    """
    with spool_folder(root) as folder:
        path = folder / "pasted.csv"
        path.write_text(text, encoding="utf-8", errors="replace")
        yield from read_csv(path, columns, position)


def _read_saved(folder: Path, columns: Columns) -> Iterator[SourceRow]:
    """Yield the rows of a folder that `datasets.Dataset.save_to_disk` wrote."""
    import datasets

    subject = f"folder {folder.name!r}"
    damaged = InvalidInput(subject, "cannot be read as a saved dataset", "Save it again with `save_to_disk`.")
    try:
        state = json.loads((folder / "state.json").read_bytes())
        inside = all(Path(str(file["filename"])).name == file["filename"] for file in state["_data_files"])
        saved = datasets.load_from_disk(str(folder)) if inside else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise damaged from error
    if saved is None:
        raise damaged
    refuse_endless(subject, saved.num_rows, sum(file.stat().st_size for file in folder.iterdir()))
    yield from _dataset_rows(saved, columns, subject)


def _dataset_rows(dataset: Any, columns: Columns, subject: str) -> Iterator[SourceRow]:
    """Yield the rows of a `datasets.Dataset`."""
    columns = columns.found_in(subject, list(dataset.column_names))
    columns = plain_columns(subject, dataset.features.arrow_schema, columns)
    feature = dataset.features[columns.label] if columns.label else None
    names = list(getattr(getattr(feature, "feature", feature), "names", None) or [])  # of a list, that of what is in it
    for table in dataset.with_format("arrow").iter(batch_size=ARROW_BATCH):
        for batch in table.to_batches():
            yield from arrow_rows(subject, batch, columns, names)
