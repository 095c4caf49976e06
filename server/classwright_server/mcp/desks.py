"""Datasets laid out in this process's memory for the review page, those that were used last, and their decisions."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from classwright_tools.curation.row_sources import row_sources
from classwright_tools.domain.kinds import task_of
from classwright_tools.editing.row_table import keyed
from classwright_tools.measurement.doubts import Doubts, read_doubts
from classwright_tools.review.desk import Desk
from classwright_tools.review.standing import Standing
from classwright_tools.workspace.datasets import read_edits, read_table
from classwright_tools.workspace.workspace import Workspace

V = TypeVar("V")
MOST_BYTES = 2**29
"""Of all desks in memory, and of all standings and doubts each; what was used last is kept in any case."""
ROW_BYTES = 1_000
"""What a row of a desk, or one that a standing has read a decision on, takes beside its text."""
LEAST_BYTES = 2**20
"""What anything counts for, so that there are 512 of a kind at most."""

Key = tuple[Path, datetime, str, str | None]
"""A workspace, when the task was made (one that is removed and made anew has the same ids), an id and a model's."""


class Desks:
    """The datasets under review, and where their rows stand. Safe for several threads.

    None waits until the dataset of another is read.
    """

    def __init__(self) -> None:
        self._desks = _Kept[Desk](lambda one: one.table.nbytes + len(one) * ROW_BYTES)
        self._doubts = _Kept[Doubts | None](lambda one: one.nbytes if one else 0)
        self._standing = _Kept[Standing](lambda one: len(one.touched) * ROW_BYTES)

    def desk(self, workspace: Workspace, dataset: str) -> Desk:
        """Return a dataset laid out.

        Raises:
            NotFound: there is no such dataset.
            DamagedArtifact: it does not read back.
        """
        task = workspace.task(workspace.artifact(dataset, "dataset").task)

        def laid_out(found: Desk | None) -> Desk:
            if found and found.labels == task.label_names:  # rows never change, and the task's labels may
                return found
            table = found.table if found else keyed(read_table(workspace, dataset))
            edits = found.edits if found else read_edits(workspace, dataset)
            return Desk(dataset, table, task.label_names, edits, partial(row_sources, workspace, dataset))

        return self._desks.get(_key(workspace, task.slug, dataset), laid_out)

    def doubts(self, workspace: Workspace, dataset: str, model: str | None) -> Doubts | None:
        """Return what was computed for a dataset and a model; None as long as nothing was, or no map is drawn."""

        def read(found: Doubts | None) -> Doubts | None:
            found = found or read_doubts(workspace, dataset, model)
            return found if found and found.has_map else None

        return self._doubts.get(_key(workspace, task_of(dataset), dataset, model), read)

    def standing(self, workspace: Workspace, task: str, *, is_fresh: bool = True) -> Standing:
        """Return where the rows of a task stand now, or where they stood when it was asked for last."""

        def read(found: Standing | None) -> Standing:
            standing = found or Standing(workspace, task)
            if is_fresh:
                standing.refresh()
            return standing

        return self._standing.get(_key(workspace, task, task), read)


def _key(workspace: Workspace, task: str, id_: str, model: str | None = None) -> Key:
    return workspace.root, workspace.made(task), id_, model


@dataclass
class _Place(Generic[V]):
    """Where one of several things is kept, once it is made, and the bytes that it takes."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    value: V | None = None
    weight: int = LEAST_BYTES


class _Kept(Generic[V]):
    """Things of one kind, those that were used last. One is made or brought up to date while others are used."""

    def __init__(self, weigh: Callable[[V], int]) -> None:
        self._weigh = weigh
        self._lock = threading.Lock()
        self._places: OrderedDict[Key, _Place[V]] = OrderedDict()

    def get(self, key: Key, make: Callable[[V | None], V]) -> V:
        """Return what `make` makes of the one that is kept under `key`; it is given None if there is none."""
        with self._lock:
            place = self._places.setdefault(key, _Place())
            self._places.move_to_end(key)
        with place.lock:
            place.value = value = make(place.value)
            place.weight = max(LEAST_BYTES, self._weigh(value))
        with self._lock:
            while len(self._places) > 1 and sum(one.weight for one in self._places.values()) > MOST_BYTES:
                self._places.popitem(last=False)
        return value
