"""The table of answers: the rows of the imported files as they came, in their order, with a label each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice
from pathlib import Path, PurePath
from typing import Any, NamedTuple, TypeVar

import numpy as np
from pydantic import Field

from classwright.predict import (
    Predictions,
    label_column,
    names_beside,
    probability_column,
    sure_labels,
    told_labels,
    told_probabilities,
)
from classwright_tools.bulk.dataset_rows import DatasetAnswers
from classwright_tools.bulk.outputs import write_output
from classwright_tools.context import ToolContext
from classwright_tools.curation.kept_source import content_of, kept_rows
from classwright_tools.domain.cards import KeptSource
from classwright_tools.domain.edits import Decided, Decider, Edit, ids_before
from classwright_tools.domain.example import LABELLED_BUT_TEST, Example, Split, example_id
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.kinds import KINDS
from classwright_tools.domain.label_sets import BETWEEN, NO_LABELS, labels_apart, named_together
from classwright_tools.domain.noun import LabelName, Noun, Share
from classwright_tools.domain.pair import Content, apart
from classwright_tools.learning.classifier import ROWS_AT_ONCE
from classwright_tools.learning.label_space import certainty
from classwright_tools.learning.model import Model
from classwright_tools.workspace.datasets import iterate_rows, read_card, read_edits

ANSWERS = "answers.csv"
_T = TypeVar("_T")
_USUAL = ("id", "split", "text", "text_pair")
"""The columns where no source was kept."""
_Row = tuple[dict[str, Any], Content | None]
"""What a row holds by column, and what of it is classified."""


class _Given(NamedTuple):
    """What somebody decided on a row: the label's name and `Example.label_key`, or None where no label fits it."""

    label: str | None
    key: str | None
    by: Decider


class SortedRows(Noun):
    """What a report says of them: the model's `sure` answers by label, and how many rows it was `unsure` of.

    The `thresholds` are those of labels that were given one of their own.

    Of these so many are `out_of_scope`. The table has the `rows` of so many `sources` that were kept, or if of none the
    dataset's; `labelled` have a label, and so many each of `by_label`. Reports of before these were counted have 0.
    """

    model: str
    dataset: str
    threshold: Share
    thresholds: dict[LabelName, Share] = Field(default_factory=dict)
    sure: dict[LabelName, int]
    unsure: int
    out_of_scope: int = 0
    sources: int = 0
    rows: int = 0
    labelled: int = 0
    by_label: dict[LabelName, int] = Field(default_factory=dict)


@dataclass
class AnswersTable:
    """The rows and their answers; how many there are, and how many have each label, is counted while they are written.

    Where sources were kept beside the `dataset`, these are their rows, copies too, and unlabelled rows from elsewhere;
    else its rows, but for written and test rows. A label that a row has goes before the answer of the model, whose
    probabilities stand beside it.
    """

    context: ToolContext
    model: Model
    found: DatasetAnswers
    dataset: str
    as_trained: bool
    rows: int = 0
    labelled: int = 0
    by_label: Counter[str] = field(default_factory=Counter)
    _source_of: dict[str | None, str] = field(default_factory=dict)
    """The first source that has a row, by the row's id; filled while the table is written."""

    @property
    def unsure_by_source(self) -> dict[str, tuple[int, int]]:
        """Of how many rows that it was asked about the model is not sure, and how many these are, by their source."""
        rows: Counter[str] = Counter()
        unsure: Counter[str] = Counter()
        for row, is_sure in zip(self.found.rows, self.found.sure.tolist(), strict=True):
            source = self._source_of.get(self._before.get(row.id, row.id))
            if source is not None:
                rows[source] += 1
                unsure[source] += not is_sure
        return {source: (unsure[source], count) for source, count in rows.items()}

    @cached_property
    def _answer(self) -> tuple[str, ...]:
        """The columns of an answer."""
        names = ["label", "decided_by", "probability", "sure", "out_of_scope"]
        if self.found.space.several:
            names = ["labels", *names[1:], "sure_labels", *map(label_column, self.model.labels)]
        return (*names, *map(probability_column, self._told))

    @cached_property
    def _told(self) -> tuple[str, ...]:
        """The labels whose probabilities have columns."""
        return told_labels(self.model.labels, self.found.space.own, self.model.card.mismatch)

    @cached_property
    def sources(self) -> tuple[KeptSource, ...]:
        """Where the rows came from, as far as that was kept."""
        return read_card(self.context.workspace, self.dataset).sources_of(self.dataset)

    def write(self, path: Path) -> None:
        """Write the table as CSV, part by part: a large one is never whole in memory."""
        write_output(path, [*self._own, *self._beside], self._parts())

    @property
    def mismatch_column(self) -> str | None:
        """The column that pairs are sorted by to have the worst first; None of a task that names no mismatch."""
        column = probability_column(self.model.card.mismatch or "")
        return dict(zip(self._answer, self._beside, strict=True)).get(column)

    @cached_property
    def _own(self) -> list[str]:
        """The columns before those of an answer."""
        if not self.sources:
            return list(_USUAL if self.found.rows[0].text_pair is not None else _USUAL[:-1])
        return list(dict.fromkeys(chain(self._file, *(source.columns for source in self.sources))))

    @property
    def _beside(self) -> list[str]:
        """What the columns of an answer are called beside the others."""
        return names_beside(self._own, self._answer)

    @cached_property
    def _file(self) -> list[str]:
        """The column that says of which source a row is, under a name that no source has; none where there is one."""
        name, there = "file", set(chain.from_iterable(source.columns for source in self.sources))
        while name in there:
            name = f"source_{name}"
        return [name] if len(self.sources) > 1 else []

    def _parts(self) -> Iterator[list[list[Any]]]:
        rows, done = self._rows(), self.found.done
        about = sum(source.rows for source in self.sources) or len(self.found.rows)  # others may stand beside these
        while part := list(islice(rows, ROWS_AT_ONCE)):
            written = min(1.0, self.rows / about)
            self.context.progress(done + (1 - done) * written, f"{counted(self.rows, 'row')} of the table written")
            answers = self._answers([content for _, content in part])
            self.rows += len(part)
            named = [answer[0] for answer in answers if answer[0] is not None]
            self.labelled += len(named)
            self.by_label.update(chain.from_iterable(map(self._labels_of, named)))
            yield [[*map(values.get, self._own), *answer] for (values, _), answer in zip(part, answers, strict=True)]

    def _labels_of(self, name: str) -> list[str]:
        """Return the labels of a row, of which the first column of an answer says `name`."""
        return name.split(BETWEEN) if self.found.space.several and name != NO_LABELS else [name]

    def _rows(self) -> Iterator[_Row]:
        for source, name in zip(self.sources, told_apart([source.name for source in self.sources]), strict=True):
            file = dict.fromkeys(self._file, name)
            for row in kept_rows(self.context.workspace, source):
                content = content_of(row, source.texts)
                self._source_of.setdefault(None if content is None else example_id(content), name)
                yield file | (row or {}), content
        if self.sources:
            names = self.sources[0].texts
            others = (row for row in self._unlabelled if self._before.get(row.id, row.id) not in self._source_of)
            yield from ((dict(zip(names, apart(row.content), strict=False)), row.content) for row in others)
            return
        yield from (_of_dataset(split, row) for split, row in self._given)
        yield from (_of_dataset("unlabelled", row) for row in self._unlabelled)

    @property
    def _unlabelled(self) -> Iterator[Example]:
        """The rows without a label, also those that none of its labels fits, as somebody said."""
        return chain.from_iterable(iterate_rows(self.context.workspace, self.dataset, "unlabelled"))

    @property
    def _given(self) -> Iterator[tuple[Split, Example]]:
        """The rows that have a label, but for written and test rows, each with its split."""
        for split in LABELLED_BUT_TEST:
            for batch in iterate_rows(self.context.workspace, self.dataset, split):
                yield from ((split, row) for row in batch if row.label_key is not None and row.origin != "written")

    def _answers(self, contents: Sequence[Content | None]) -> list[list[Any]]:
        """Return the values of `_answer` for each of the contents; what is no unlabelled row is read by the model."""
        ids = {content: example_id(content) for content in contents if content is not None}
        new = {id_: content for content, id_ in ids.items() if id_ not in self._known}
        told = {}
        if new:
            proba, foreign = self.model.answers(list(new.values()), as_trained=self.as_trained)
            given = [self._decided.get(id_) for id_ in new]
            told = dict(zip(new, self._cells(proba, foreign, given), strict=True))
        nothing = [None] * len(self._answer)
        return [nothing if one is None else told.get(ids[one]) or self._known[ids[one]] for one in contents]

    def _cells(self, proba: np.ndarray, foreign: np.ndarray, given: Sequence[_Given | None]) -> Iterator[list[Any]]:
        """Yield the values of `_answer` for rows that the model answers at `proba` (n, k); some are out of scope.

        What is `given` of a row (n,) goes before the model's answer: then the probability is that of the label given.
        """
        space = self.found.space
        named, right = space.answers(proba)
        told = told_probabilities(self.model.labels, self._told, proba)
        sure = space.reaches(named, right, self.found.threshold) & ~foreign
        trusted: Sequence[tuple[str, ...]] = [()] * len(named)
        if space.several:
            trusted = sure_labels(self.model.labels, self.model.sure_from, Predictions([*named], proba, sure, foreign))
        answers = zip(named, right.tolist(), sure.tolist(), foreign.tolist(), trusted, told, strict=True)
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

    @cached_property
    def _edits(self) -> tuple[Edit, ...]:
        return read_edits(self.context.workspace, self.dataset)

    @cached_property
    def _before(self) -> dict[str, str]:
        """The ids that rewritten rows had before, by those that they have."""
        return ids_before(self._edits)

    @cached_property
    def _known(self) -> dict[str, list[Any]]:
        """The answers to the unlabelled rows by their ids, and of rewritten ones also by those they came with."""
        found = self.found
        cells = self._cells(found.proba, found.foreign, [None] * len(found.rows))
        return self._also_before({row.id: own for row, own in zip(found.rows, cells, strict=True)})

    @cached_property
    def _decided(self) -> dict[str, _Given]:
        """What somebody decided on rows, by their ids as in `_known`."""
        decided = Decided(self._edits)
        given = {id_: _Given(None, None, edit.by) for id_, edit in self.found.fitting_none.items()}
        for _, row in self._given:
            by = decided.decider_of(row.id, annotated=row.origin == "annotated")
            given[row.id] = _Given(row.labels_name, row.label_key, by)
        return self._also_before(given)

    def _also_before(self, known: dict[str, _T]) -> dict[str, _T]:
        """Return `known`, what is known of rows by their ids, also by those that rewritten rows had before."""
        return {old: known[id_] for id_, old in self._before.items() if id_ in known} | known


def publish_answers(context: ToolContext, table: AnswersTable, model: str) -> tuple[str, SortedRows]:
    """Store the answers of `model` as a report: `ANSWERS`, the table, and in numbers what they are.

    Its id is returned, and what it says.

    Raises:
        Cancelled: the caller asked to stop; nothing was stored.
    """
    task = context.workspace.artifact(table.dataset, "dataset").task
    found = table.found

    def write(folder: Path) -> None:
        table.write(folder / ANSWERS)
        report = SortedRows(
            model=model,
            dataset=table.dataset,
            threshold=found.threshold,
            thresholds=dict(found.space.own),
            sure=found.sure_by_label,
            unsure=found.unsure,
            out_of_scope=int(found.foreign.sum()),
            sources=len(table.sources),
            rows=table.rows,
            labelled=table.labelled,
            by_label=dict(table.by_label.most_common()),
        )
        (folder / KINDS["report"].document).write_text(report.model_dump_json(indent=1), encoding="utf-8")

    facts = {"about": "answers", "model": model, "dataset": table.dataset}
    made = context.workspace.publish("report", task, write, run_key=context.run_key, parent=model, facts=facts)
    return made.id, context.workspace.document(made.id, "report", SortedRows)


def told_apart(names: Sequence[str]) -> list[str]:
    """Return the file names of the paths `names`: the paths where they are alike, with a number from the second on."""
    short = [PurePath(name).name for name in names]
    paths = [name if short.count(file) > 1 else file for name, file in zip(names, short, strict=True)]
    numbers = [paths[: place + 1].count(path) for place, path in enumerate(paths)]
    return [f"{path} ({number})" if number > 1 else path for path, number in zip(paths, numbers, strict=True)]


def _of_dataset(split: Split, row: Example) -> _Row:
    return {"id": row.id, "split": split, "text": row.text, "text_pair": row.text_pair}, row.content
