"""Rows whose labels differ between the datasets of two models: there the labels decide which of the two is right.

A model has learnt labels like those of its own dataset. Where an edit changed some in between, be it for the worse or
for the better, the model of the labels that rows are measured by is right about these rows. So models are compared on
the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.comparison import Comparison, RelabelledRows
from classwright_tools.domain.edits import Edit, edits_apart
from classwright_tools.domain.example import Example, Split
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.label_sets import labels_apart
from classwright_tools.domain.labels_since import labels_since
from classwright_tools.domain.row_history import WITH_LABEL
from classwright_tools.learning.model import Model
from classwright_tools.measurement.edit_calls import call_in_words, calls_of, version_made
from classwright_tools.workspace.datasets import read_edits, read_rows
from classwright_tools.workspace.later_labels import edits_since
from classwright_tools.workspace.lineage import fates
from classwright_tools.workspace.workspace import Workspace

_LISTED = 3
Mask = npt.NDArray[np.bool_]
Labels = Mapping[str, frozenset[str]]


class Measured(NamedTuple):
    """The dataset and the split of the rows that are compared, and their ids, of which only `countable` ones count."""

    dataset: str
    split: Split
    rows: Sequence[Example]
    countable: Mask


def compared_apart(
    workspace: Workspace, measured: Measured, model: Model, other: Model, compare: Callable[[Mask | None], Comparison]
) -> tuple[Comparison, Mask]:
    """Return what `compare` finds on the rows that have one label in both models' datasets, and which these are (n,).

    It is asked with a mask (n,), or with None for all rows. Where no row that counts is left, all are compared, and no
    model is kept by it.

    Raises:
        DamagedArtifact: a dataset does not read back.
        InvalidInput: no row can be compared.
    """
    changed = _relabelled(workspace, measured, model.card.dataset, other.card.dataset)
    same = np.array([row.id not in changed for row in measured.rows])
    if (same | ~measured.countable).all():
        return compare(None), np.ones(len(same), bool)
    on_all = compare(None)
    left = int((same & measured.countable).sum())
    found = compare(same) if left else on_all
    among = [row.id for row, own in zip(measured.rows, same | ~measured.countable, strict=True) if not own]
    told = RelabelledRows(
        rows=len(among),
        left=left,
        gain=on_all.accuracy_gain,
        **_calls(workspace, among, measured, model.card.dataset, other.card.dataset),
    )
    return found.model_copy(update={"relabelled": told}), same if left else np.ones(len(same), bool)


def _relabelled(workspace: Workspace, measured: Measured, own: str, theirs: str) -> set[str]:
    """Return the ids of the rows that have other labels in the dataset `own` than in `theirs`, as they are now."""
    if own == theirs:
        return set()
    ours, others = (labels_by_row(workspace, dataset, measured.split, measured.dataset) for dataset in (own, theirs))
    return {id_ for id_, labels in ours.items() if others.get(id_, labels) != labels}


def labels_by_row(workspace: Workspace, dataset: str, split: Split, now: str) -> Labels:
    """Return the labels of each labelled row of a `split` of `dataset`, by its id, as they are called beside `now`.

    Those of a label that has ended keep its name.

    Raises:
        DamagedArtifact: a dataset does not read back.
    """
    later = edits_since(workspace, dataset, now)
    found = {}
    for row in read_rows(workspace, dataset, split):
        if row.label_key is not None:
            labels = labels_apart(row.label_key)
            called = labels_since(labels, later)
            found[row.id] = frozenset(labels if called is None else called)
    return found


def _calls(
    workspace: Workspace, changed: Collection[str], measured: Measured, own: str, theirs: str
) -> dict[str, str | None]:
    """Return which calls changed the labels of the rows `changed`, in words, and the version before the first of them.

    That is None where the measured rows do not have the changes: they were taken back.
    """
    ours, others = edits_apart(read_edits(workspace, own), read_edits(workspace, theirs))
    calls = [
        (call, last, of)
        for edits, of in ((others, theirs), (ours, own))
        for call in calls_of(edits)
        if (last := _last_of(call, {*changed}))
    ]
    if not calls:
        return {"by": "by rows that came in with other labels", "before": None, "version": None}
    now = read_edits(workspace, measured.dataset)
    undone = fates(workspace, measured.dataset).undone
    held = [one for one in calls if one[0][0] in now and version_made(workspace, one[0][0], one[2]) not in undone]
    told = "; ".join(
        f"{call_in_words(workspace, [edit for edit, _ in last], of)}, "
        f"{counted(sum(rows for _, rows in last), 'such row')} among them"
        for _, last, of in calls[:_LISTED]
    )
    more = f"; and {counted(len(calls) - _LISTED, 'other edit')}" if len(calls) > _LISTED else ""
    back = "" if held else "; it was taken back since"
    alone = len(held) == 1 and len(held[0][0]) == len(held[0][1])
    version = version_made(workspace, held[0][0][0], held[0][2]) if alone else None
    before = held[0][0][0].dataset if held else None
    return {"by": f"by {told}{more}{back}", "before": before, "version": version}


def _last_of(call: Sequence[Edit], rows: Collection[str]) -> list[tuple[Edit, int]]:
    """Return the edits of a call that gave any of `rows` the labels that they have after it, and to how many."""
    gave = [(place, edit.rows.keys() & rows) for place, edit in enumerate(call) if edit.action in WITH_LABEL]
    last = {id_: place for place, ids in gave for id_ in ids}
    return [(call[place], count) for place, count in sorted(Counter(last.values()).items())]
