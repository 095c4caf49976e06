"""Datasets laid out in this process's memory for the review page, those that were used last, and their decisions."""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import partial
from pathlib import Path
from typing import TypeVar

from classwright_tools.curation.row_sources import row_sources
from classwright_tools.editing.row_table import keyed
from classwright_tools.measurement.doubts import Doubts, read_doubts
from classwright_tools.review.desk import Desk
from classwright_tools.review.standing import Standing
from classwright_tools.workspace.datasets import read_edits, read_table
from classwright_tools.workspace.workspace import Workspace

K = TypeVar("K")
V = TypeVar("V")
MOST_DESKS = 4
"""A dataset of 50,000 rows takes about 50 MB."""


class Desks:
    """The datasets under review, and where their rows stand. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._desks: OrderedDict[tuple[Path, str], Desk] = OrderedDict()
        self._doubts: OrderedDict[tuple[Path, str, str | None], Doubts] = OrderedDict()
        self._standing: OrderedDict[tuple[Path, str], Standing] = OrderedDict()

    def desk(self, workspace: Workspace, dataset: str) -> Desk:
        """Return a dataset laid out.

        Raises:
            NotFound: there is no such dataset.
            DamagedArtifact: it does not read back.
        """
        with self._lock:
            found = self._desks.get((workspace.root, dataset))
            task = workspace.task(workspace.artifact(dataset, "dataset").task)
            labels = task.label_names
            if found is None or found.labels != labels:  # rows never change, and the task's labels may
                table = found.table if found else keyed(read_table(workspace, dataset))
                edits = found.edits if found else read_edits(workspace, dataset)
                found = Desk(dataset, table, labels, edits, partial(row_sources, workspace, dataset))
            _keep(self._desks, (workspace.root, dataset), found)
            return found

    def doubts(self, workspace: Workspace, dataset: str, model: str | None) -> Doubts | None:
        """Return what was computed for a dataset and a model; None as long as nothing was, or no map is drawn."""
        with self._lock:
            found = self._doubts.get((workspace.root, dataset, model)) or read_doubts(workspace, dataset, model)
            if found is None or not found.has_map:
                return None
            _keep(self._doubts, (workspace.root, dataset, model), found)
            return found

    def standing(self, workspace: Workspace, task: str, *, is_fresh: bool = True) -> Standing:
        """Return where the rows of a task stand now, or where they stood when it was asked for last."""
        with self._lock:
            found = self._standing.get((workspace.root, task)) or Standing(workspace, task)
            if is_fresh:
                found.refresh()
            _keep(self._standing, (workspace.root, task), found)
            return found


def _keep(kept: OrderedDict[K, V], name: K, value: V) -> None:
    kept[name] = value
    kept.move_to_end(name)
    while len(kept) > MOST_DESKS:
        kept.popitem(last=False)
