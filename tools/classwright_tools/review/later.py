"""Decisions in a later version of the dataset: labels under the names that they have there, rows by their ids there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import get_args

from classwright_tools.domain.decision import Decision
from classwright_tools.domain.edits import Edit, LabelAction, ids_after
from classwright_tools.domain.kinds import number_of
from classwright_tools.domain.label_sets import in_order
from classwright_tools.domain.labels_since import labels_since
from classwright_tools.review.decisions import Entry


def changes_of_labels(edits: Iterable[Edit]) -> list[Edit]:
    """Return those of `edits` that changed a label and not rows alone."""
    return [edit for edit in edits if edit.action in get_args(LabelAction)]


def under_later_names(entry: Entry, changes: Iterable[Edit], names: Sequence[str]) -> Entry:
    """Return a decision by what its labels are called after `changes` of labels, but for those of before it.

    They are in the order of `names`, the task's labels. One that was split or taken away keeps its name.
    """
    own = _labels(entry.decision)
    now = labels_since(own, _since(changes, entry.dataset)) if own else None
    return with_labels(entry, in_order(now, names)) if now else entry


def with_labels(entry: Entry, labels: tuple[str, ...]) -> Entry:
    """Return a decision that says which labels its rows have, with other `labels`."""
    if labels == _labels(entry.decision):
        return entry
    said: dict[str, object] = {"label": labels[0]} if entry.decision.labels is None else {"labels": labels}
    return replace(entry, decision=entry.decision.model_copy(update=said))


def brought_up(
    entries: Iterable[Entry], edits: Sequence[Edit], rows: Collection[str], names: Sequence[str]
) -> list[Entry]:
    """Return decisions as they are about a dataset of some `rows`, by their ids, that came to be by `edits`.

    A row that was rewritten since has another id. `names` are the task's labels.
    """

    @cache
    def called(dataset: str) -> Mapping[str, str]:
        return ids_after(_since(edits, dataset))

    def moved(entry: Entry) -> Decision:
        ids = tuple(id_ if id_ in rows else called(entry.dataset).get(id_, id_) for id_ in entry.decision.rows)
        return entry.decision.model_copy(update={"rows": ids})

    changes = changes_of_labels(edits)
    return [under_later_names(replace(entry, decision=moved(entry)), changes, names) for entry in entries]


def _labels(decision: Decision) -> tuple[str, ...]:
    return decision.labels or (*filter(None, [decision.label]),)


def _since(edits: Iterable[Edit], dataset: str) -> list[Edit]:
    """Return those of `edits` that were made on `dataset` or on a later version."""
    return [edit for edit in edits if not edit.brought and number_of(edit.dataset) >= number_of(dataset)]
