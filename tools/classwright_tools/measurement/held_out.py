"""The rows that a model is measured on, and the model's answers to them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.example import HELD_OUT, REAL_TEXTS, Data, Example, Split, data_of
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.kinds import task_of
from classwright_tools.domain.label_sets import answer_in_words
from classwright_tools.domain.pair import Content
from classwright_tools.errors import InvalidInput, NotEnoughData
from classwright_tools.learning.label_space import Answer, LabelSpace
from classwright_tools.learning.model import Model
from classwright_tools.learning.rows import label_numbers, label_sets, query_numbers, without_queries
from classwright_tools.workspace.datasets import iterate_rows, read_card, read_rows
from classwright_tools.workspace.workspace import Workspace

BATCH_TEXTS = 512  # texts between two looks at whether the caller asked to stop
TIMED_TEXTS = 64

# As many as a training draws; each text's tokens are held in memory, up to 37 kB of them.
MOST_UNLABELLED = 50_000


class Given(NamedTuple):
    """What a model gives to a row: the probabilities (k,), and whether it is out of scope."""

    proba: npt.NDArray[np.float64]
    out_of_scope: bool


@dataclass(frozen=True)
class Answers:
    """Rows of a dataset, the places of their labels in `labels` (n,), and a model's probabilities for them (n, k).

    With `thresholds` rows may have several labels: `true` and `predicted` say which (n, k), bool. `foreign` (n,) says
    which rows the model calls out of scope; None where it tells of none.
    """

    dataset: str
    rows: tuple[Example, ...]
    labels: tuple[str, ...]
    true: npt.NDArray[Any]
    proba: npt.NDArray[np.float64]
    thresholds: tuple[float, ...] = ()
    foreign: npt.NDArray[np.bool_] | None = None

    @cached_property
    def space(self) -> LabelSpace:
        """The labels, and from which probabilities on they apply where rows may have several."""
        return LabelSpace(self.labels, self.thresholds)

    @property
    def several(self) -> bool:
        """Whether rows may have several labels."""
        return self.space.several

    @property
    def confidence(self) -> npt.NDArray[np.float64]:
        """How probable it is that each answer is right (n,), as far as it can be sure: else -1, as out of scope."""
        foreign = np.zeros(len(self.rows), bool) if self.foreign is None else self.foreign
        found = self.space.judge(self.proba, foreign, 0.0)
        return np.where(found.sure, found.right, -1.0)

    @cached_property
    def predicted(self) -> npt.NDArray[Any]:
        """The place of each row's likeliest label (n,); or which labels were given to it (n, k)."""
        answered: npt.NDArray[Any] = self.space.decide(self.proba) if self.several else self.proba.argmax(axis=1)
        return answered

    @property
    def wrong(self) -> npt.NDArray[np.int64]:
        """The places of the rows of which `is_wrong` says so."""
        return np.flatnonzero(self.is_wrong)

    @cached_property
    def is_wrong(self) -> npt.NDArray[np.bool_]:
        """Which rows (n,) were given another label than theirs, or not all of theirs and no other."""
        differs: npt.NDArray[np.bool_] = self.predicted != self.true
        return np.asarray(differs.any(axis=1)) if self.several else differs

    def named(self, answer: Any) -> Answer:
        """Return the label of one of the `true` or `predicted`, or all its labels."""
        return self.space.named(answer) if self.several else self.labels[answer]

    def in_words(self, answer: Any) -> str:
        """Return the name of the label of one of the `true` or `predicted`, or of all its labels."""
        return answer_in_words(self.named(answer))

    @cached_property
    def queries(self) -> npt.NDArray[np.int64] | None:
        """A number (n,) for each pair's query, which goes for all its rows together; None for single texts."""
        return query_numbers(row.content for row in self.rows) if self.rows[0].text_pair is not None else None

    @property
    def data(self) -> Data:
        """Whose texts and labels the rows are."""
        return data_of({row.origin for row in self.rows})

    def among(self, rows: Collection[str]) -> Answers:
        """Return the answers to those of the rows whose ids are in `rows`."""
        places = [place for place, row in enumerate(self.rows) if row.id in rows]
        return replace(
            self,
            rows=tuple(self.rows[place] for place in places),
            true=self.true[places],
            proba=self.proba[places],
            foreign=None if self.foreign is None else self.foreign[places],
        )

    @property
    def has_real_texts(self) -> bool:
        """Whether no text was written by a language model."""
        return self.data in REAL_TEXTS


def read_split(workspace: Workspace, dataset: str, split: Split) -> tuple[Example, ...]:
    """Return the rows of a split.

    Raises:
        NotFound: there is no such dataset.
        NotEnoughData: the split has no rows.
    """
    rows = tuple(read_rows(workspace, dataset, split))
    if not rows:
        repair = f"Bring in labelled rows with import_examples(split={split!r}), real ones if there are any."
        there = workspace.artifacts(task_of(dataset), "dataset")
        if other := next((one.id for one in there if read_card(workspace, one.id).rows(split)), None):
            repair = f"Pass dataset={other!r}, the newest that has some. Or: {repair[0].lower()}{repair[1:]}"
        raise NotEnoughData(f"dataset {dataset!r}", f"has no {split} rows", repair)
    return rows


def answers(
    model: Model,
    rows: Sequence[Example],
    dataset: str,
    progress: Callable[[float], None],
    known: Mapping[str, Given] = MappingProxyType({}),
) -> Answers:
    """Return the model's answers to `rows` of `dataset`; `progress` and `known` are as for `given_to`.

    Raises:
        InvalidInput: a row has no label, or one that the model does not know.
    """
    true = true_labels(rows, model.space, dataset)
    given = given_to(rows, model, progress, known)
    proba, foreign = np.stack([one.proba for one in given]), np.array([one.out_of_scope for one in given])
    return Answers(dataset, tuple(rows), model.labels, true, proba, model.space.thresholds, foreign)


def given_to(
    rows: Sequence[Example],
    model: Model,
    progress: Callable[[float], None],
    known: Mapping[str, Given] = MappingProxyType({}),
) -> list[Given]:
    """Return what the model gives to each of the `rows`; `progress` is told the share done, and may stop the work.

    `known` is what the model gave before, by the row's id: these rows are not classified again.
    """
    asked = [row for row in rows if row.id not in known]
    given = dict(known)
    for start in range(0, len(asked), BATCH_TEXTS):
        progress(start / len(asked))
        batch = asked[start : start + BATCH_TEXTS]
        proba, foreign = model.answers([row.content for row in batch])
        given |= {row.id: Given(*own) for row, *own in zip(batch, proba, foreign.tolist(), strict=True)}
    return [given[row.id] for row in rows]


def texts_per_second(model: Model, rows: Sequence[Example]) -> float:
    """Return how many texts a `model` that keeps no embedding answers in a second, by a sample of `rows`."""
    places = np.random.default_rng(0).permutation(len(rows))[:TIMED_TEXTS]
    sample = [rows[place].content for place in places]
    model.predict_proba(sample[:1])  # the first call takes longer
    started = time.perf_counter()
    model.predict_proba(sample)
    return len(sample) / max(time.perf_counter() - started, 1e-6)


def true_labels(rows: Sequence[Example], space: LabelSpace, dataset: str) -> npt.NDArray[Any]:
    """Return the labels of `rows` as `Answers.true` has them, of a model whose labels are `space`.

    Raises:
        InvalidInput: a row has no label, or one that the model does not know.
    """
    unknown: Counter[str | None] = Counter()
    for row in rows:
        own = (row.label,) if not space.several else (None,) if row.labels is None else row.labels
        unknown.update(label for label in own if label not in space.labels)
    if unknown:
        named = listed(("no label" if name is None else repr(name) for name, _ in unknown.most_common()), 3)
        have = counted(unknown.total(), "of its rows has a label", "of its rows have labels")
        raise InvalidInput(
            f"dataset {dataset!r}",
            f"{have} that the model does not know ({named}): it knows {listed(map(repr, space.labels), 10)}",
            f"If the task has them, train again, on these rows: train_classifier(task={task_of(dataset)!r}, "
            f"dataset={dataset!r}). Or pass the `dataset` that the model learnt from, or correct these rows "
            "(edit_examples), which test rows are not.",
        )
    return label_sets(rows, space.labels) if space.several else label_numbers(rows, space.labels)


def unlabelled_pairs(workspace: Workspace, dataset: str) -> tuple[Content, ...]:
    """Return the unlabelled pairs, joined, that a matcher may learn from: none has the query of a held-out row.

    Of more than `MOST_UNLABELLED` it is a sample, the same each time.
    """
    held_out = (row.content for split in HELD_OUT for row in read_rows(workspace, dataset, split))
    rows = (row.content for batch in iterate_rows(workspace, dataset, "unlabelled") for row in batch)
    pairs = without_queries(rows, held_out)
    if len(pairs) <= MOST_UNLABELLED:
        return pairs
    places = np.sort(np.random.default_rng(0).permutation(len(pairs))[:MOST_UNLABELLED])
    return tuple(pairs[place] for place in places)
