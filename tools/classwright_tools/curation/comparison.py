"""Rows that repeat others, among those of a dataset and those that arrive for one of its splits."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classwright_tools.curation.arrivals import Arrival, Skipped
from classwright_tools.curation.bulk_duplicates import BulkDuplicates, Repeat
from classwright_tools.curation.leaks import group, removal_tables, skip_reason
from classwright_tools.curation.queries import Queries
from classwright_tools.curation.spool import Spool, contents_in
from classwright_tools.domain.example import Split, example_id
from classwright_tools.domain.pair import Content
from classwright_tools.domain.task import TaskKind


class RowComparison:
    """Finds the rows that repeat others, among those of a dataset and those that arrive for one split or more.

    Rows added first are kept. Splits are added in the order of `leaks.PRECEDENCE`, and in each the rows that are there
    before those arriving; where a source is divided, those that are there in all labelled splits before those arriving.
    """

    def __init__(
        self, folder: Path, arriving: Collection[Split], kind: TaskKind = "text", *, keep_near: bool = False
    ) -> None:
        """Keep the rows in `folder`; the rows that arrive are for the splits `arriving` of a task of this `kind`.

        With `keep_near` only equal rows repeat each other. `labels` counts the arriving rows that are kept, by split
        and label.
        """
        self.folder = folder
        self._spool = Spool(folder / "rows.arrow")
        exact, near = removal_tables(kind)
        self._duplicates = BulkDuplicates(folder, exact, np.zeros_like(near) if keep_near else near)
        self.arriving = arriving
        self._begins: dict[Split, int] = {}
        self._rows: Counter[Split] = Counter()
        self._arrived: dict[Split, range] = {}
        self._numbers: defaultdict[Split, array[int]] = defaultdict(lambda: array("q"))
        self._labels = array("i")  # of every row, as a place in `_names`
        self._names: dict[str | None, int] = {}
        self._kept = np.ones(0, dtype=bool)
        self.labels: dict[Split, Counter[str | None]] = {split: Counter() for split in arriving}

    @property
    def imported(self) -> int:
        """How many arriving rows are kept."""
        return self.labels_in_all.total()

    @property
    def labels_in_all(self) -> Counter[str | None]:
        """How many arriving rows are kept, by label."""
        found: Counter[str | None] = Counter()
        for labels in self.labels.values():
            found.update(labels)
        return found

    def begin(self, split: Split) -> None:
        """Say that the rows of `split` come next."""
        self._begins[split] = len(self._spool)

    def add_rows(self, split: Split, contents: Sequence[Content], labels: Sequence[str | None]) -> None:
        """Take rows that the dataset holds in `split`."""
        self._rows[split] += len(contents)
        self._append(contents, labels)
        self._duplicates.add(contents, group(split, arriving=False))

    def add_arrivals(self, split: Split, rows: Sequence[Arrival]) -> None:
        """Take rows that arrive for `split`."""
        begin = self._arrived[split].start if split in self._arrived else len(self._spool)
        contents = [row.content for row in rows]
        self._append(contents, [row.label for row in rows], [row.made for row in rows])
        self._duplicates.add(contents, group(split, arriving=True))
        self._numbers[split].extend(row.number for row in rows)
        self.labels[split].update(row.label for row in rows)
        self._arrived[split] = range(begin, len(self._spool))

    def _append(
        self, contents: Sequence[Content], labels: Sequence[str | None], made: Sequence[str | None] | None = None
    ) -> None:
        self._spool.append(contents, labels, made)
        self._labels.extend(self._names.setdefault(label, len(self._names)) for label in labels)

    def finish(self, skipped: Skipped, progress: Callable[[float], None]) -> Counter[Split]:
        """Compare all rows; count the arriving ones that go in `skipped`, and return how many of each split go."""
        self._spool.finish()
        self._kept = np.ones(len(self._spool), dtype=bool)
        dropped: Counter[Split] = Counter()
        names = list(self._names)
        for repeat in self._duplicates.repeats(self._spool.contents, progress):
            self._kept[repeat.row] = False
            split = self._arrived_for(repeat.row)
            if split:
                self._skip(repeat, split, skipped, names)
            else:
                dropped[self._split(repeat.row)] += 1
        return dropped

    def arrivals(self, split: Split | None = None) -> Iterator[Any]:
        """Yield the arriving rows that are kept, or those for `split`, as `pyarrow.RecordBatch`es of `Spool`'s columns.

        None of them is empty.
        """
        for arrived in [self._arrived.get(split, range(0))] if split else self._arrived.values():
            yield from self._batches(arrived)

    def _batches(self, rows: range) -> Iterator[Any]:
        """Yield those of `rows` that are kept."""
        import pyarrow as pa

        for begin, batch in self._spool.batches(rows.start, rows.stop):
            kept = batch.filter(pa.array(self._kept[begin : begin + len(batch)]))
            if len(kept):
                yield kept

    def shared_queries(self) -> int:
        """Return how many arriving rows that are kept have the query of a labelled pair that another split keeps."""
        queries = Queries()
        for split, begin in self._begins.items():
            queries.add(split, contents_in(self._batches(range(begin, begin + self._rows[split]))))
        return sum(
            queries.elsewhere(split, content) for split in self.labels for content in contents_in(self.arrivals(split))
        )

    def kept(self, split: Split) -> NDArray[np.bool_]:
        """Return which of the rows that the dataset holds in `split` are kept, in their order."""
        begin = self._begins[split]
        return self._kept[begin : begin + self._rows[split]]

    def _skip(self, repeat: Repeat, split: Split, skipped: Skipped, names: Sequence[str | None]) -> None:
        label, kept_label = (names[self._labels[row]] for row in (repeat.row, repeat.of))
        self.labels[split][label] -= 1
        kept_split = self._split(repeat.of)
        is_equal = repeat.similarity == 1.0
        reason = skip_reason(split, kept_split, is_equal, label == kept_label)

        def detail() -> str:
            where = f"{kept_split} row {example_id(self._content(repeat.of))}"
            if self._arrived_for(repeat.of):
                where = f"row {self._number(repeat.of, kept_split)} of the source"
            return f"{reason}: {f'equals {where}' if is_equal else f'like {where}, similarity {repeat.similarity:.2f}'}"

        number, unseen = self._number(repeat.row, split), kept_split == "test"
        skipped.add(number, lambda: self._content(repeat.row), reason, detail, unseen=unseen)

    def _content(self, row: int) -> Content:
        return self._spool.contents(np.array([row]))[0]

    def _number(self, row: int, split: Split) -> int:
        return self._numbers[split][row - self._arrived[split].start]

    def _arrived_for(self, row: int) -> Split | None:
        return next((split for split, arrived in self._arrived.items() if row in arrived), None)

    def _split(self, row: int) -> Split:
        arrived_for = self._arrived_for(row)
        if arrived_for:
            return arrived_for
        return next(split for split, begin in self._begins.items() if begin <= row < begin + self._rows[split])
