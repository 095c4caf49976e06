"""Rows that repeat others, among those of a dataset and those that arrive for one of its splits."""

from __future__ import annotations

import json
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classwright_tools.curation.arrivals import Arrival, Skipped
from classwright_tools.curation.bulk_duplicates import BulkDuplicates, Repeat
from classwright_tools.curation.contradictions import Contradictions
from classwright_tools.curation.leaks import group, removal_tables, skip_reason
from classwright_tools.curation.queries import Queries
from classwright_tools.curation.spool import Spool, contents_in
from classwright_tools.domain.example import HELD_OUT, Split, example_id
from classwright_tools.domain.label_sets import key_in_words
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
        and label. What is found is told of in `contradictions` and `dropped_told`.
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
        self.contradictions = Contradictions()
        self._dropped: list[Repeat] = []

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
                self._dropped.append(repeat)
                dropped[self._split(repeat.row)] += 1
            if repeat.similarity == 1.0:
                self._contradict(repeat, skipped, names)
        return dropped

    def dropped_told(self, most: int | None = None) -> list[dict[str, str]]:
        """Return which rows that the dataset held go, or the first `most` of them: each with what it repeats."""
        repeats = sorted(self._dropped[:most], key=lambda repeat: repeat.row)
        contents = self._spool.contents(np.array([repeat.row for repeat in repeats], np.int64)) if repeats else ()
        return [
            {"split": self._split(repeat.row), "example": example_id(content), "repeats": self._likeness(repeat)}
            for repeat, content in zip(repeats, contents, strict=True)
        ]

    @property
    def dropped_as_json(self) -> str:
        """All of `dropped_told`, for a file."""
        return json.dumps(self.dropped_told(), indent=1)

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
        reason = skip_reason(split, kept_split, repeat.similarity == 1.0, label == kept_label)

        number, unseen = self._number(repeat.row, split), kept_split == "test"
        detail = partial(self._detailed, reason, repeat)
        skipped.add(number, lambda: self._content(repeat.row), reason, detail, unseen=unseen)

    def _detailed(self, reason: str, repeat: Repeat) -> str:
        return f"{reason}: {self._likeness(repeat)}"

    def _likeness(self, repeat: Repeat) -> str:
        """Return which row one repeats, and how nearly."""
        where = self._place(repeat.of)
        return f"equals {where}" if repeat.similarity == 1.0 else f"like {where}, similarity {repeat.similarity:.2f}"

    def _place(self, row: int) -> str:
        """Return where a row is: in the source, or in the dataset."""
        split = self._split(row)
        if self._arrived_for(row):
            return f"row {self._number(row, split)} of the source"
        return f"{split} row {example_id(self._content(row))}"

    def _contradict(self, repeat: Repeat, skipped: Skipped, names: Sequence[str | None]) -> None:
        """Note that two rows of one text have different labels, if so: of arriving evaluation rows neither stays.

        Nobody knows which of their labels is right, and a figure would count the first as truth.
        """
        label, first = (names[self._labels[row]] for row in (repeat.row, repeat.of))
        if label is None or first is None or label == first:
            return
        splits = {self._split(repeat.row), self._split(repeat.of)}
        split = self._arrived_for(repeat.of)
        unkept = len(splits) == 1 and split in HELD_OUT

        def told() -> str:
            places = self._place(repeat.row), self._place(repeat.of)
            if "test" in splits:  # what stands in test rows is not shown
                return " and ".join(places)
            return f"{places[0]} ({key_in_words(label)!r}) and {places[1]} ({key_in_words(first)!r})"

        self.contradictions.add(told, kept=not unkept)
        if split and unkept and self._kept[repeat.of]:
            self._kept[repeat.of] = False
            self._skip(Repeat(repeat.of, repeat.row, 1.0), split, skipped, names)

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
