"""Rows that wait on the disk while they are compared: a million of them do not fit in a small machine's memory."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classwright_tools.domain.pair import Content
from classwright_tools.workspace.atomic import hidden_folder, storage_errors


class Spool:
    """Rows of (content, label, made) in an Arrow file: written in batches, read back by number through the page cache.

    `made` says how a row that is not real was made, as `origins.Made.as_json` does, else it is None.
    """

    def __init__(self, path: Path) -> None:
        """Open the new file `path` for writing."""
        import pyarrow as pa

        self._path = path
        self._schema = pa.schema([("content", pa.large_string()), ("label", pa.string()), ("made", pa.string())])
        self._writer: Any = pa.ipc.new_file(str(path), self._schema)
        self._ends: list[int] = []
        self._batches: list[Any] = []

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def append(
        self, contents: Sequence[Content], labels: Sequence[str | None], made: Sequence[str | None] | None = None
    ) -> None:
        """Write the next rows; without `made` nothing is known of their making."""
        import pyarrow as pa

        if contents:
            columns = [list(contents), list(labels), list(made or [None] * len(contents))]
            with storage_errors("the rows to import"):
                self._writer.write_batch(pa.record_batch(columns, schema=self._schema))
            self._ends.append(len(self) + len(contents))

    def finish(self) -> None:
        """End writing; rows can be read from now on."""
        import pyarrow as pa

        with storage_errors("the rows to import"):
            self._writer.close()
        reader = pa.ipc.open_file(pa.memory_map(str(self._path)))
        self._batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]

    def contents(self, rows: NDArray[np.int64]) -> list[Content]:
        """Return the contents of `rows`, whose numbers ascend."""
        begins = [0, *self._ends]
        found: list[Content] = []
        for batch, begin, places in zip(self._batches, begins, np.split(rows, np.searchsorted(rows, self._ends)), strict=False):
            if len(places):
                found += batch.column(0).take(places - begin).to_pylist()
        return found

    def row(self, row: int) -> tuple[Content, str | None]:
        """Return the (content, label) of a row."""
        number = bisect.bisect_right(self._ends, row)
        batch, place = self._batches[number], row - (self._ends[number - 1] if number else 0)
        return batch.column(0)[place].as_py(), batch.column(1)[place].as_py()

    def rows(self, begin: int, end: int) -> Iterator[tuple[int, Content, str | None, str | None]]:
        """Yield (number, content, label, made) of the rows from `begin` up to `end`, which are ends of batches."""
        number = 0
        for batch in self._batches:
            if begin <= number < end:
                columns = (batch.column(place).to_pylist() for place in range(batch.num_columns))
                for place, (content, label, made) in enumerate(zip(*columns, strict=True)):
                    yield number + place, content, label, made
            number += batch.num_rows


@contextmanager
def spool_folder(root: Path) -> Iterator[Path]:
    """Make a folder in `root` for the time of one import; what a killed process leaves, the workspace clears away."""
    with ExitStack() as stack:
        with storage_errors("the rows to import"):
            folder = stack.enter_context(hidden_folder(root))
        yield folder
