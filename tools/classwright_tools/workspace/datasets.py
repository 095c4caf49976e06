"""Datasets on disk: one Parquet file a split, and a card.

The folder is one that `datasets.load_dataset(folder)` loads: each split is a file of its own name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any

from classwright_tools.domain.cards import DatasetCard, KeptSource, SplitCount
from classwright_tools.domain.edits import Edit
from classwright_tools.domain.example import SPLITS, Example, Split
from classwright_tools.domain.kinds import KINDS
from classwright_tools.errors import DamagedArtifact
from classwright_tools.workspace.edits import EDITS, edits_of, lines_of, stored_edits
from classwright_tools.workspace.own_files import open_as_written, open_own, read_own
from classwright_tools.workspace.row_columns import as_of, example_of, schema
from classwright_tools.workspace.split_files import BATCH_ROWS, tables_of, write_split
from classwright_tools.workspace.workspace import Artifact, Beside, Workspace

CARD = KINDS["dataset"].document
SOURCE = "source.jsonl"
"""Beside the rows: those of a source without labels, as they came."""


def read_rows(workspace: Workspace, dataset: str, split: Split) -> list[Example]:
    """Return the rows of one split, in the dataset's order; an empty list if the split has none.

    Raises:
        NotFound: there is no such dataset.
        DamagedArtifact: its file does not read back.
    """
    return [row for batch in iterate_rows(workspace, dataset, split) for row in batch]


def iterate_rows(workspace: Workspace, dataset: str, split: Split) -> Iterator[list[Example]]:
    """Yield the rows of one split in batches, so that a large one need not fit in memory as `Example`s."""
    for table in iterate_tables(workspace, dataset, split):
        try:
            yield [example_of(row) for row in table.to_pylist()]
        except (KeyError, ValueError) as error:
            raise _unreadable(dataset, split) from error


def iterate_tables(workspace: Workspace, dataset: str, split: Split) -> Iterator[Any]:
    """Yield the rows of one split as `pyarrow.Table`s of `schema`, `BATCH_ROWS` rows at a time.

    Raises:
        NotFound: there is no such dataset.
        DamagedArtifact: its file does not read back.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    artifact = workspace.artifact(dataset, "dataset")
    columns = schema(workspace.task(artifact.task))
    path = artifact.path / f"{split}.parquet"
    expected = _card_of(artifact).files.get(path.name)
    if expected is None and not path.exists():
        return
    try:
        with open_as_written(path, expected) as file:
            for batch in pq.ParquetFile(file).iter_batches(batch_size=BATCH_ROWS):
                yield as_of(columns, pa.Table.from_batches([batch]))
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise _unreadable(dataset, split) from error


def read_table(workspace: Workspace, dataset: str, names: Collection[str] | None = None) -> Any:
    """Return all rows as one `pyarrow.Table`: the columns of `schema` and "split", the splits in the order of `SPLITS`.

    Of the columns of `schema` only those with `names` are read, where these are given. Rows that are looked through are
    columns: tens of thousands of `Example`s take seconds to make. `example_of` makes one of a row of the table.

    Raises:
        NotFound: there is no such dataset.
        DamagedArtifact: its card or a file of it does not read back.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    artifact = workspace.artifact(dataset, "dataset")
    columns = schema(workspace.task(artifact.task))
    if names is not None:
        columns = pa.schema([column for column in columns if column.name in names])
    tables = []
    expected = _card_of(artifact).files
    for split in SPLITS:
        name = f"{split}.parquet"
        if name not in expected:
            continue
        try:
            with open_as_written(artifact.path / name, expected[name]) as file:
                # `pq.read_table` takes three times as long, and leaves the columns in pieces.
                table = as_of(columns, pq.ParquetFile(file).read(columns.names))
        except (pa.ArrowException, OSError, KeyError, ValueError) as error:
            raise _unreadable(dataset, split) from error
        tables.append(table.append_column("split", pa.repeat(pa.scalar(split, pa.string()), len(table))))
    return _in_one_piece(tables) if tables else columns.append(pa.field("split", pa.string())).empty_table()


def _in_one_piece(tables: list[Any]) -> Any:
    """Return the rows of `tables`, which is empty then: all in pieces and in one piece would be twice the memory."""
    import pyarrow as pa

    left = pa.concat_tables(tables)
    tables.clear()
    whole = left.select([])
    for name in left.column_names:
        whole = whole.append_column(left.schema.field(name), left.select([name]).combine_chunks().column(0))
        left = left.drop_columns([name])
    return whole


def read_ids(workspace: Workspace, dataset: str) -> list[str]:
    """Return the ids of all rows of a dataset, in its order; no other column is read.

    Raises:
        NotFound: there is no such dataset.
        DamagedArtifact: its card or a file of it does not read back.
    """
    return list(read_table(workspace, dataset, ("id",))["id"].to_pylist())


def read_card(workspace: Workspace, dataset: str) -> DatasetCard:
    """Return the card of a dataset.

    Raises:
        NotFound: there is no such dataset.
        DamagedArtifact: its card does not read back.
    """
    return _card_of(workspace.artifact(dataset, "dataset"))


def read_edits(workspace: Workspace, dataset: str | None) -> tuple[Edit, ...]:
    """Return the edits by which the rows of `dataset` came to be as they are, the oldest first; of None there are none.

    Raises:
        NotFound: there is no such dataset.
        DamagedArtifact: its card or its edits do not read back.
    """
    if dataset is None:
        return ()
    artifact = workspace.artifact(dataset, "dataset")
    return edits_of(stored_edits(artifact, _card_of(artifact).files.get(EDITS)))


def save_dataset(
    workspace: Workspace,
    task: str,
    changed: Mapping[Split, Iterable[Example]],
    *,
    tables: Mapping[Split, Iterable[Any]] | None = None,
    parent: str | None,
    rows_of: str | None = None,
    on_newest: bool = False,
    run_key: str,
    made_by: str,
    refused: Mapping[str, int] | None = None,
    note: str = "",
    edits: Iterable[Edit] = (),
    task_version: int | None = None,
    files: Mapping[str, str | Path] | None = None,
    sources: tuple[KeptSource, ...] | None = None,
    imported: str = "",
    beside: Beside | None = None,
) -> Artifact:
    """Make a new version of a dataset: the splits in `changed` or `tables` anew, the others as they are in `parent`.

    With `rows_of` they are as they are in that version, to which its edits belong; `edits` are added to them. The rows
    have the labels of the newest version of the task, or of `task_version`, which is stored next.
    `made_by` is the tool's name; `refused` counts the rows that were not kept, by reason. Rows may come from
    an iterator: they are written batch by batch. Those of `tables` are `pyarrow.Table`s of `schema`. `files` are
    texts, or files to move, to lay beside them, by file name.
    `sources` are where rows without labels came from; by default those of the version whose rows they are. `imported`
    is what an import brought. `beside` is as in `Workspace.publish`.

    Raises:
        InvalidInput: a row of a pair task has one text, or a row of a text task has two; or one has a label where the
            task's rows have several, or the other way round.
        DamagedArtifact: a split of `parent` is gone.
        Overtaken: with `on_newest`, `parent` is not the task's newest dataset any more.
    """
    current = workspace.task(task)
    kept_of = rows_of or parent
    source = workspace.artifact(kept_of, "dataset") if kept_of else None
    kept = _card_of(source) if source else None
    if sources is None:
        sources = kept.sources_of(source.id) if kept and source else ()
    decided = (stored_edits(source, kept.files.get(EDITS)) if source and kept else b"") + lines_of(edits)

    def write(folder: Path) -> None:
        anew = {split: tables_of(rows, current) for split, rows in changed.items()} | dict(tables or {})
        counts, by_label, digests = _write_splits(folder, anew, source, kept)
        if decided:
            (folder / EDITS).write_bytes(decided)
            digests[EDITS] = hashlib.sha256(decided).hexdigest()
        for name, content in (files or {}).items():
            if isinstance(content, str):
                (folder / name).write_text(content, encoding="utf-8")
            else:
                content.replace(folder / name)
                digests[name] = _sha256(folder / name)
        card = DatasetCard(
            task=task,
            task_version=task_version or current.version,
            parent=parent,
            made_by=made_by,
            imported=imported,
            counts=counts,
            by_label=by_label,
            refused=dict(refused or {}),
            note=note,
            files=digests,
            sources=sources,
        )
        (folder / CARD).write_text(card.model_dump_json(indent=1), encoding="utf-8")

    return workspace.publish(
        "dataset",
        task,
        write,
        run_key=run_key,
        parent=parent,
        on_newest=on_newest,
        facts={"made_by": made_by},
        beside=beside,
    )


def _card_of(dataset: Artifact) -> DatasetCard:
    try:
        return DatasetCard.model_validate_json(read_own(dataset.path / CARD))
    except (OSError, ValueError) as error:
        raise DamagedArtifact(
            f"dataset {dataset.id!r}", "its card cannot be read back", "Use its parent, or make it again."
        ) from error


def _write_splits(
    folder: Path,
    changed: Mapping[Split, Iterable[Any]],
    source: Artifact | None,
    kept: DatasetCard | None,
) -> tuple[tuple[SplitCount, ...], tuple[SplitCount, ...], dict[str, str]]:
    """Write the splits in `changed`, and copy the others of the dataset `source`, whose card is `kept`.

    Return the counts of all rows, those by each of several labels, and the SHA-256 of each file by its name.
    """
    import shutil

    counts = [count for count in kept.counts if count.split not in changed] if kept else []
    by_label = [count for count in kept.by_label if count.split not in changed] if kept else []
    digests: dict[str, str] = {}
    for split in SPLITS:
        path = folder / f"{split}.parquet"
        if split in changed:
            counted, labelled = write_split(path, split, changed[split])
            counts.extend(counted)
            by_label.extend(labelled)
            if path.exists():
                digests[path.name] = _sha256(path)
        elif source and kept and path.name in kept.files:
            with _open_split(source, split) as original, path.open("wb") as copy:
                shutil.copyfileobj(original, copy)
            # That which was written then: damage done since does not become the truth.
            digests[path.name] = kept.files[path.name]
    return tuple(counts), tuple(by_label), digests


def _open_split(dataset: Artifact, split: Split) -> BufferedReader:
    """Open the file of a split that the dataset's card tells of."""
    try:
        return open_own(dataset.path / f"{split}.parquet")
    except OSError as error:
        raise _unreadable(dataset.id, split) from error


def _unreadable(dataset: str, split: Split) -> DamagedArtifact:
    return DamagedArtifact(
        f"dataset {dataset!r}", f"its split {split!r} cannot be read back", "Use its parent, or make it again."
    )


def _sha256(path: Path) -> str:
    with open_own(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
