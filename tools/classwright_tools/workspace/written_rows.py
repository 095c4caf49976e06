"""The rows of a workspace that are not real, by their content: so that one which comes back is known again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from classwright_tools.domain.example import REAL_TEXTS, SPLITS, Example
from classwright_tools.domain.pair import Content, apart
from classwright_tools.errors import ClasswrightError
from classwright_tools.workspace.datasets import read_card
from classwright_tools.workspace.own_files import open_own
from classwright_tools.workspace.row_columns import example_of, schema
from classwright_tools.workspace.workspace import Workspace


class WrittenRows:
    """Finds the rows that a tool made, in all datasets of a task: what another task holds says nothing of this one's.

    An annotated row is none: its text is real, and whoever brings it back with a label vouches for that.

    Their files are read once, by the columns that are needed; versions of a dataset share most of their rows, and of
    each row the newest is held.
    """

    def __init__(self, workspace: Workspace, task: str) -> None:
        self._workspace = workspace
        self._task = task

    def of(self, contents: Mapping[str, Content]) -> dict[str, Example]:
        """Return the rows with one of `contents`, which are by their ids, that are not real, by their ids too."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if self._rows is None:
            return {}
        found = self._rows.filter(pc.is_in(self._rows.column("id"), pa.array(contents, pa.string())))
        rows: dict[str, Example] = {}
        for row in found.to_pylist():
            text, text_pair = apart(contents[row["id"]])
            rows[row["id"]] = example_of(row | {"text": text, "text_pair": text_pair})
        return rows

    @cached_property
    def _rows(self) -> Any:
        """All columns but the texts of the rows that are not real, each in its newest form; or None."""
        import pyarrow as pa

        tables = list(self._tables())
        return pa.concat_tables(tables).combine_chunks() if tables else None

    def _tables(self) -> Iterator[Any]:
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        seen = pa.array([], pa.string())
        wanted = [name for name in schema(self._workspace.task(self._task)).names if name not in ("text", "text_pair")]
        for path in self._files():
            try:
                with open_own(path) as file:
                    table = pq.read_table(file, columns=wanted)
            except (pa.ArrowException, OSError):  # its dataset is damaged, which those who read it will be told
                continue
            made = table.filter(pc.invert(pc.is_in(table.column("origin"), pa.array(REAL_TEXTS))))
            new = made.filter(pc.invert(pc.is_in(made.column("id"), seen)))
            seen = pa.concat_arrays([seen, *new.column("id").cast(pa.string()).chunks])
            yield new

    def _files(self) -> Iterator[Path]:
        """Yield the files of splits that hold such rows, each content once."""
        seen: set[str] = set()
        for dataset in self._workspace.artifacts(self._task, "dataset"):
            try:
                card = read_card(self._workspace, dataset.id)
            except ClasswrightError:
                continue
            for split in SPLITS:
                digest = card.files.get(f"{split}.parquet")
                if digest and digest not in seen and card.rows(split) > card.rows(split, "real"):
                    seen.add(digest)
                    yield dataset.path / f"{split}.parquet"
