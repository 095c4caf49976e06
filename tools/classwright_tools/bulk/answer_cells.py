"""The answers in the table: the label that somebody gave a row, else that of the model, and how probable it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import numpy as np

from classwright.predict import (
    label_column,
    probability_column,
    told_labels,
    told_probabilities,
)
from classwright_tools.bulk.dataset_rows import DatasetAnswers
from classwright_tools.domain.decided import Decided
from classwright_tools.domain.edits import Decider, Edit, ids_before
from classwright_tools.domain.example import LABELLED_BUT_TEST, Example, Split, example_id
from classwright_tools.domain.label_sets import BETWEEN, labels_apart, named_together
from classwright_tools.domain.pair import Content
from classwright_tools.learning.label_space import certainty
from classwright_tools.learning.model import Model
from classwright_tools.workspace.datasets import iterate_rows, read_edits
from classwright_tools.workspace.workspace import Workspace

_T = TypeVar("_T")


class _Given(NamedTuple):
    """What somebody decided on a row: the label's name and `Example.label_key`, or None where no label fits it."""

    label: str | None
    key: str | None
    by: Decider


@dataclass(frozen=True)
class AnswerCells:
    """What stands in the `columns` of an answer, row by row.

    A label that a row of `dataset` has goes before the answer of the model, whose probabilities stand beside it. Of a
    test row its label stands alone: the model is not asked, so that nobody chooses by how it does there.
    """

    workspace: Workspace
    model: Model
    found: DatasetAnswers
    dataset: str
    as_trained: bool

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        names = ["label", "decided_by", "probability", "sure", "out_of_scope"]
        if self.found.space.several:
            names = ["labels", *names[1:], "sure_labels", *map(label_column, self.model.labels)]
        return (*names, *map(probability_column, self._told))

    @cached_property
    def _told(self) -> tuple[str, ...]:
        """The labels whose probabilities have columns."""
        return told_labels(self.model.labels, self.found.space.own, self.model.card.mismatch)

    def of(self, contents: Sequence[Content | None]) -> list[list[Any]]:
        """Return the values of the `columns` for each content; what is no unlabelled row is read by the model."""
        ids = {content: example_id(content) for content in contents if content is not None}
        new = {id_: content for content, id_ in ids.items() if id_ not in self._known and id_ not in self._tested}
        told = self._tested
        if new:
            proba, foreign = self.model.answers(list(new.values()), as_trained=self.as_trained)
            given = [self._decided.get(id_) for id_ in new]
            told = told | dict(zip(new, self._cells(proba, foreign, given), strict=True))
        nothing = [None] * len(self.columns)
        return [nothing if one is None else told.get(ids[one]) or self._known[ids[one]] for one in contents]

    def _cells(self, proba: np.ndarray, foreign: np.ndarray, given: Sequence[_Given | None]) -> Iterator[list[Any]]:
        """Yield the values of the `columns` for rows that the model answers at `proba` (n, k); some are out of scope.

        What is `given` of a row (n,) goes before the model's answer: then the probability is that of the label given.
        """
        space = self.found.space
        judged = space.judge(proba, foreign, self.found.threshold)
        told = told_probabilities(self.model.labels, self._told, proba)
        trusted: Sequence[tuple[str, ...]] = [()] * len(proba)
        if space.several:
            trusted = self.model.sure_labels(judged, proba, foreign)
        columns = [known.tolist() for known in (judged.right, judged.sure, foreign)]
        answers = zip(judged.answers, *columns, trusted, told, strict=True)
        for place, (one, certain, is_sure, is_foreign, by_itself, own) in enumerate(answers):
            figures = [round(figure, 6) for figure in own]
            if decided := given[place]:
                probable = self._probability(decided.key, proba[place])
                applying = None if decided.key is None else labels_apart(decided.key)
                yield [decided.label, decided.by, probable, None, is_foreign, *self._each(applying, None), *figures]
            else:
                name = one if isinstance(one, str) else named_together(one)
                each = self._each(one, BETWEEN.join(by_itself))
                yield [name, "model", round(certain, 6), is_sure, is_foreign, *each, *figures]

    def _each(self, applying: Sequence[str] | None, trusted: str | None) -> list[Any]:
        """Return the columns on single labels where a row may have several: those `trusted`, and 1 or 0 for each."""
        if not self.found.space.several:
            return []
        return [trusted, *(None if applying is None else int(label in applying) for label in self.model.labels)]

    def _probability(self, key: str | None, proba: np.ndarray) -> float | None:
        """Return how probable the label or labels of the `key` are at `proba` (k,); None if it does not know one."""
        names = self.model.labels
        labels = [] if key is None else labels_apart(key)
        if key is None or any(label not in names for label in labels):
            return None
        if not self.found.space.several:
            return round(float(proba[names.index(key)]), 6)
        applies = np.isin(names, labels)
        return round(float(certainty(proba[None], applies[None])[0]), 6)

    @property
    def labelled(self) -> Iterator[tuple[Split, Example]]:
        """The rows that have a label, but for written and test rows, each with its split."""
        for split in LABELLED_BUT_TEST:
            for batch in iterate_rows(self.workspace, self.dataset, split):
                yield from ((split, row) for row in batch if row.label_key is not None and row.origin != "written")

    @cached_property
    def _edits(self) -> tuple[Edit, ...]:
        return read_edits(self.workspace, self.dataset)

    @cached_property
    def before(self) -> dict[str, str]:
        """The ids that rewritten rows had before, by those that they have."""
        return ids_before(self._edits)

    @cached_property
    def _known(self) -> dict[str, list[Any]]:
        """The answers to the unlabelled rows by their ids, and of rewritten ones also by those they came with."""
        found = self.found
        cells = self._cells(found.proba, found.foreign, [None] * len(found.rows))
        return self._also_before({row.id: own for row, own in zip(found.rows, cells, strict=True)})

    @cached_property
    def _tested(self) -> dict[str, list[Any]]:
        """What stands in the columns of test rows, by their ids as in `_known`."""
        decided, cells = Decided(self._edits), {}
        for row in chain.from_iterable(iterate_rows(self.workspace, self.dataset, "test")):
            if row.label_key is not None:
                by = decided.decider_of(row.id, annotated=row.origin == "annotated")
                each = self._each(labels_apart(row.label_key), None)
                cells[row.id] = [row.labels_name, by, *[None] * 3, *each, *[None] * len(self._told)]
        return self._also_before(cells)

    @cached_property
    def _decided(self) -> dict[str, _Given]:
        """What somebody decided on rows, by their ids as in `_known`."""
        decided = Decided(self._edits)
        given = {id_: _Given(None, None, edit.by) for id_, edit in self.found.fitting_none.items()}
        for _, row in self.labelled:
            by = decided.decider_of(row.id, annotated=row.origin == "annotated")
            given[row.id] = _Given(row.labels_name, row.label_key, by)
        return self._also_before(given)

    def _also_before(self, known: dict[str, _T]) -> dict[str, _T]:
        """Return `known`, what is known of rows by their ids, also by those that rewritten rows had before."""
        return {old: known[id_] for id_, old in self.before.items() if id_ in known} | known
