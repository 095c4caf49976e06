"""A draft of the next version of a dataset: its rows as a table, its task, and the edits that made them so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from classwright_tools.context import ToolContext
from classwright_tools.curation.row_filter import has_one_of
from classwright_tools.domain.decided import Decided
from classwright_tools.domain.edits import TEST_ROWS, Decider, Edit
from classwright_tools.domain.example import Example, Split
from classwright_tools.domain.excerpt import listed
from classwright_tools.domain.label_sets import in_order, joined_labels, labels_apart, named_apart, named_together
from classwright_tools.domain.pair import joined, shown
from classwright_tools.domain.selection import RowSelection
from classwright_tools.domain.task import Task, folded_name
from classwright_tools.editing.row_table import keyed, labels_in, places_where, with_values
from classwright_tools.editing.told import LABELS_LISTED, undescribed
from classwright_tools.errors import InvalidInput, unknown_id
from classwright_tools.measurement.selecting import select_in
from classwright_tools.workspace.datasets import read_edits, read_table
from classwright_tools.workspace.picked_rows import sampled_for_validation
from classwright_tools.workspace.row_columns import example_of
from classwright_tools.workspace.split_files import BATCH_ROWS
from classwright_tools.workspace.workspace import Beside

SAMPLE = 5

Row = dict[str, Any]
"""A row of the table: the columns of a split's file, and "split"."""


@dataclass(frozen=True)
class EditedRow:
    """A row that a change changes, and what it was and is then."""

    id: str
    split: Split
    text: str
    before: str
    after: str


@dataclass
class Done:
    """What one change does: to how many rows, some of them, and which it leaves as they are, by the reason.

    `words` say it where the number of rows does not, and else `made` what was made of these rows, of which `bare` ones
    had no label before. `asks` says whether many rows are a reason to ask first. `measured` are the rows that figures
    are of, and `overruled` counts those that a person had decided on otherwise, by what was done, by whom and when.
    """

    action: str
    words: str = ""
    made: str = ""
    rows: int = 0
    bare: int = 0
    measured: int = 0
    sample: list[EditedRow] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)
    asks: bool = True
    overruled: Counter[str] = field(default_factory=Counter)

    def count(self, rows: Sequence[tuple[Row, str, str]]) -> None:
        """Count `rows`, each with what it was and is then."""
        self.rows += len(rows)
        for row, before, after in rows[: SAMPLE - len(self.sample)]:
            self.sample.append(EditedRow(row["id"], row["split"], text_of(row), before, after))


class Draft:
    """The rows, the task and the edits as they become, change by change. Nothing is stored."""

    def __init__(
        self, context: ToolContext, task: Task, dataset: str, *, by: Decider, reason: str, now: datetime
    ) -> None:
        """Begin with the rows of `dataset`, and with `task` as it is.

        Raises:
            DamagedArtifact: the dataset does not read back.
        """
        self.context = context
        self.task = self._task_before = task
        self.dataset = dataset
        self.table = keyed(read_table(context.workspace, dataset))
        self.edits = list(read_edits(context.workspace, dataset))
        self.by: Decider = by
        self.signed: Mapping[str, Any] = {}
        """Of what is recorded next: the name of who decided, and whether they knew that others differed."""
        self.beside: Beside | None = None
        """Stores what belongs to the version, with it."""
        self.touched: set[Split] = set()
        self._before = len(self.edits)
        self._bare_before = self._bare()
        self._stamp = {"by": by, "reason": reason, "when": now, "dataset": dataset}

    @property
    def new(self) -> Sequence[Edit]:
        """The edits of this draft."""
        return self.edits[self._before :]

    @cached_property
    def drawn_for_validation(self) -> set[str]:
        """The ids of the rows that were drawn at random to be validation rows, as they were then."""
        return sampled_for_validation(self.context.workspace, self.task.slug)

    def record(self, action: str, **facts: Any) -> None:
        """Add an edit."""
        self.edits.append(Edit.model_validate({"action": action, **self._stamp, **self.signed, **facts}))

    def label_named(self, name: str) -> str:
        """Return the label that is meant by `name`: one of the task, or one that rows have and the task has not.

        Raises:
            NotFound: there is none; the nearest is named.
        """
        of_rows = labels_in(self.table)
        known = {folded_name(label): label for label in (*of_rows, *self.task.label_names)}
        found = known.get(folded_name(name))
        if found is None:
            raise unknown_id("label", name, known.values())
        return found

    def task_label(self, name: str) -> str:
        """Return the task's label that is meant by `name`.

        Raises:
            NotFound: there is none; the nearest is named.
        """
        found = self.label_named(name)
        if found not in self.task.label_names:
            raise unknown_id("label", name, self.task.label_names)
        return found

    def label_key(self, name: str) -> str:
        """Return what rows have as their label for `name`, a label of the task, or of several "one|other".

        Where rows may have several labels, "|" alone says that none applies.

        Raises:
            NotFound: there is no such label; the nearest is named.
        """
        if not self.task.multi_label:
            return self.task_label(name)
        names = named_apart(name, self.task.label_names)
        return joined_labels(in_order(map(self.task_label, names), self.task.label_names))

    def has_labels(self, key: str) -> bool:
        """Whether the task has the label, or all the labels, of an `Example.label_key`."""
        return set(labels_apart(key)) <= set(self.task.label_names)

    def meant(self, rows: RowSelection, table: Any = None) -> dict[int, Row]:
        """Return the rows that are meant, by their places in the draft's table, or in another `table`.

        Raises:
            NotFound, InvalidInput: as `measurement.selecting.select`, or a test row is meant.
        """
        table = self.table if table is None else table
        if rows.where and "test" in rows.where.splits:
            raise InvalidInput("`splits`", f"name 'test', and {TEST_ROWS}", "Leave it out.")
        found = select_in(self.context, self.dataset, table, rows, self.task.label_names, self.edits).table.to_pylist()
        for row in found:
            if row["split"] == "test":
                raise InvalidInput(f"row {row['id']!r}", f"cannot be changed: {TEST_ROWS}", "Leave it out.")
        place = {id_: number for number, id_ in enumerate(table["id"].to_pylist())}
        return {place[row["id"]]: row for row in found}

    def selected(self, rows: RowSelection, done: Done, table: Any = None) -> dict[int, Row]:
        """Return the rows that are meant, as `meant` does; a model changes none of those that a person decided on.

        `done` counts these.
        """
        found = self.meant(rows, table)
        if self.by == "person":
            return found
        settled = Decided(self.edits).by_person
        others = {place: row for place, row in found.items() if row["id"] not in settled}
        done.left["decided or rewritten by a person"] += len(found) - len(others)
        return others

    def with_label(self, label: str) -> dict[int, Row]:
        """Return the rows of all splits that have `label`, if only among others, by their places."""
        import pyarrow as pa

        places = places_where(has_one_of(self.table, [label]))
        return dict(zip(places, self.table.take(pa.array(places, pa.int64())).to_pylist(), strict=True))

    def places_with(self, column: str, value: str) -> list[int]:
        """Return the places of the rows that have `value` in `column`."""
        import pyarrow.compute as pc

        return places_where(pc.equal(self.table[column], value))

    def exchange(self, rows: Mapping[int, Row], old: str, new: Mapping[int, Sequence[str]]) -> dict[int, str]:
        """Give each of `rows`, by their places, `new` labels in the place of `old`; return what rows have then.

        Their other labels stay. Where a row has one label, one is given.
        """
        keys = {place: self._exchanged(row["label"], old, new[place]) for place, row in rows.items()}
        self.put("label", {place: key for place, key in keys.items() if key != rows[place]["label"]})
        return keys

    def _exchanged(self, key: str, old: str, new: Sequence[str]) -> str:
        if not self.task.multi_label:
            return new[0]
        kept = [label for label in labels_apart(key) if label != old]
        return joined_labels(in_order([*kept, *new], self.task.label_names))

    def exchange_in_cells(self, old: str, new: Callable[[int], str | None]) -> None:
        """Give rows that were written for `old`, alone or with other labels, the `new` one of their place for it.

        It is only of multi-label tasks that a column of the table holds this. None takes `old` away.
        """
        names = self.task.label_names
        found: dict[int, str | None] = {}
        for place, written in enumerate(self.table["cell_label"].to_pylist()):
            labels = named_apart(written or "", (*names, old))
            if old in labels:
                left = in_order(filter(None, (new(place) if label == old else label for label in labels)), names)
                found[place] = named_together(left) if left else None
        self.put("cell_label", found)

    def put(self, column: str, values: Mapping[int, Any]) -> None:
        """Give the rows at the places in `values` these values in `column`; their splits are written anew."""
        self._touch(values)
        self.table = with_values(self.table, column, values)
        self._touch(values)

    def take_out(self, places: Collection[int]) -> None:
        """Take the rows at `places` out."""
        import numpy as np

        self._touch(places)
        stays = np.ones(len(self.table), dtype=bool)
        stays[list(places)] = False
        self.table = self.table.filter(stays)

    def add(self, rows: Any) -> None:
        """Add the rows of a table of the same columns, after those that are there."""
        import pyarrow as pa

        self.table = pa.concat_tables([self.table, rows]).combine_chunks()
        self._touch(range(len(self.table) - len(rows), len(self.table)))

    def order_as(self, ids: Sequence[str]) -> None:
        """Put the rows into the order of `ids`, where they are these."""
        place = {id_: number for number, id_ in enumerate(self.table["id"].to_pylist())}
        if place.keys() == set(ids) and list(place) != list(ids):
            self.table = self.table.take([place[id_] for id_ in ids])

    def rows_of(self, split: Split) -> Iterator[Example]:
        """Yield the rows of a split."""
        import pyarrow.compute as pc

        for batch in self.table.filter(pc.equal(self.table["split"], split)).to_batches(BATCH_ROWS):
            yield from (example_of(row | {"label": None} if "labels" in row else row) for row in batch.to_pylist())

    def remarks(self) -> list[str]:
        """Return what is to be told of the rows beside what the changes did."""
        bare = [name for name in self.task.label_names if name in self._bare() - self._bare_before]
        told = [f"No training row is there of {listed(map(repr, bare), LABELS_LISTED)}."] if bare else []
        return [*told, *filter(None, [undescribed(self._task_before, self.task)])]

    def _bare(self) -> set[str]:
        """Return the task's labels that have no training row."""
        import pyarrow.compute as pc

        return set(self.task.label_names) - labels_in(self.table.filter(pc.equal(self.table["split"], "train")))

    def _touch(self, places: Collection[int]) -> None:
        self.touched.update(self.table["split"].take(list(places)).to_pylist() if places else ())


def text_of(row: Row) -> str:
    """Return what a row holds, as a reader should see it."""
    return shown(joined(row["text"], row.get("text_pair")))
