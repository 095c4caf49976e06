"""Rows that repeat others, among those of a dataset and those that arrive for one of its splits."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classwright_tools.curation.arrivals import Arrival, Skipped
from classwright_tools.curation.bulk_duplicates import BulkDuplicates, Repeat
from classwright_tools.curation.leaks import group, removal_tables, skip_reason
from classwright_tools.curation.queries import Queries
from classwright_tools.curation.spool import Spool
from classwright_tools.domain.example import Split, example_id
from classwright_tools.domain.pair import Content


class Comparison:
    """Finds the rows that repeat others, among those of a dataset and those that arrive.

    Splits are added in the order of `leaks.PRECEDENCE`, and in each the rows that are there before those arriving.
    """

    def __init__(self, folder: Path, arriving: Split, *, keep_near: bool = False) -> None:
        """Keep the rows in `folder`; the rows that arrive are for the split `arriving`.

        With `keep_near` only equal rows repeat each other. `labels` counts the arriving rows that are kept, by label.
        """
        self._spool = Spool(folder / "rows.arrow")
        exact, near = removal_tables()
        self._duplicates = BulkDuplicates(exact, np.zeros_like(near) if keep_near else near)
        self.arriving = arriving
        self._begins: dict[Split, int] = {}
        self._rows: Counter[Split] = Counter()
        self._arrived = range(0)
        self._numbers = array("q")
        self._kept = np.ones(0, dtype=bool)
        self.labels: Counter[str | None] = Counter()

    @property
    def imported(self) -> int:
        """How many arriving rows are kept."""
        return self.labels.total()

    def begin(self, split: Split) -> None:
        """Say that the rows of `split` come next."""
        self._begins[split] = len(self._spool)

    def add_rows(self, split: Split, contents: Sequence[Content], labels: Sequence[str | None]) -> None:
        """Take rows that the dataset holds in `split`."""
        self._rows[split] += len(contents)
        self._spool.append(contents, labels)
        self._duplicates.add(contents, group(split, arriving=False))

    def add_arrivals(self, rows: Sequence[Arrival]) -> None:
        """Take rows that arrive."""
        begin = self._arrived.start if self._numbers else len(self._spool)
        contents = [row.content for row in rows]
        self._spool.append(contents, [row.label for row in rows], [row.made for row in rows])
        self._duplicates.add(contents, group(self.arriving, arriving=True))
        self._numbers.extend(row.number for row in rows)
        self.labels.update(row.label for row in rows)
        self._arrived = range(begin, len(self._spool))

    def finish(self, skipped: Skipped, progress: Callable[[float], None]) -> Counter[Split]:
        """Compare all rows; count the arriving ones that go in `skipped`, and return how many of each split go."""
        self._spool.finish()
        self._kept = np.ones(len(self._spool), dtype=bool)
        dropped: Counter[Split] = Counter()
        for repeat in self._duplicates.repeats(self._spool.content, progress):
            self._kept[repeat.row] = False
            if repeat.row in self._arrived:
                self._skip(repeat, skipped)
            else:
                dropped[self._split(repeat.row)] += 1
        return dropped

    def arrivals(self) -> Iterator[tuple[Content, str | None, str | None]]:
        """Yield (content, label, made) of the arriving rows that are kept: see `Arrival`."""
        for row, content, label, made in self._spool.rows(self._arrived.start, self._arrived.stop):
            if self._kept[row]:
                yield content, label, made

    def shared_queries(self) -> int:
        """Return how many arriving rows that are kept have the query of a labelled pair that another split keeps."""
        queries = Queries()
        for split, begin in self._begins.items():
            held = self._spool.rows(begin, begin + self._rows[split])
            queries.add(split, (content for row, content, *_ in held if self._kept[row]))
        return sum(queries.elsewhere(self.arriving, content) for content, *_ in self.arrivals())

    def kept(self, split: Split) -> NDArray[np.bool_]:
        """Return which of the rows that the dataset holds in `split` are kept, in their order."""
        begin = self._begins[split]
        return self._kept[begin : begin + self._rows[split]]

    def _skip(self, repeat: Repeat, skipped: Skipped) -> None:
        content, label = self._spool.row(repeat.row)
        self.labels[label] -= 1
        kept_content, kept_label = self._spool.row(repeat.of)
        split = self._split(repeat.of)
        reason = skip_reason(self.arriving, split, repeat.similarity == 1.0, label == kept_label)
        where = f"{split} row {example_id(kept_content)}"
        if repeat.of in self._arrived:
            where = f"row {self._numbers[repeat.of - self._arrived.start]} of the source"
        detail = f"{reason}: like {where}, similarity {repeat.similarity:.2f}"
        number = self._numbers[repeat.row - self._arrived.start]
        skipped.add(number, content, reason, lambda: detail, unseen=split == "test")

    def _split(self, row: int) -> Split:
        if row in self._arrived:
            return self.arriving
        return next(split for split, begin in self._begins.items() if begin <= row < begin + self._rows[split])
