"""Rows that wait on the disk while they are compared: a million of them do not fit in a small machine's memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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
        found: list[Content] = []
        of_batches = np.split(rows, np.searchsorted(rows, self._ends))
        for batch, begin, own in zip(self._batches, [0, *self._ends], of_batches, strict=False):
            if len(own):
                found += batch.column(0).take(own - begin).to_pylist()
        return found

    def batches(self, begin: int, end: int) -> Iterator[tuple[int, Any]]:
        """Yield the rows from `begin` up to `end`, which are ends of batches, as `pyarrow.RecordBatch`es.

        Before each is the number of its first row.
        """
        for number, batch in zip([0, *self._ends], self._batches, strict=False):
            if begin <= number < end:
                yield number, batch


def contents_in(batches: Iterable[Any]) -> Iterator[Content]:
    """Yield the contents of the rows in `batches` of a `Spool`."""
    for batch in batches:
        yield from batch.column("content").to_pylist()


@contextmanager
def spool_folder(root: Path) -> Iterator[Path]:
    """Make a folder in `root` for the time of one import; what a killed process leaves, the workspace clears away."""
    with ExitStack() as stack:
        with storage_errors("the rows to import"):
            folder = stack.enter_context(hidden_folder(root))
        yield folder
