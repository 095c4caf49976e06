"""The second opinion on the labels of a dataset: a probe's answers to each labelled row, given without having seen it.

Whoever asks which labels are doubtful asks here: the rows of `find_examples` and of the review page, and the label
issues of an error analysis, are those of one opinion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.analysis import LabelIssue
from classwright_tools.domain.example import Example
from classwright_tools.domain.pair import Content
from classwright_tools.errors import NotEnoughData
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder
from classwright_tools.learning.head import Head
from classwright_tools.learning.label_space import encode
from classwright_tools.learning.rows import LEAST_ROWS
from classwright_tools.measurement.held_out import Answers
from classwright_tools.measurement.label_issues import label_issues
from classwright_tools.measurement.out_of_fold import Probe, out_of_fold

Progress = Callable[[float], None]


@dataclass(frozen=True)
class SecondOpinion:
    """The answers to the labelled rows of a dataset.

    `held_out` are those to the rows that were held out in turn, of very many rows a sample, with the labels by name;
    `answers` are those to all rows that it `judges`, the others' given by the `probe`, fitted to the sample.
    """

    held_out: Answers
    answers: Answers
    probe: Probe
    embed: Callable[[Sequence[Content], Progress], npt.NDArray[np.float32]]

    @cached_property
    def _head(self) -> Head:
        found = self.held_out
        embedded = self.embed([row.content for row in found.rows], _silent)
        return self.probe.fit(embedded, found.true, len(found.labels))

    @cached_property
    def _told(self) -> frozenset[str]:
        """The labels of the rows that were held out."""
        found = self.held_out
        there = np.flatnonzero(found.true.any(axis=0)) if found.several else np.unique(found.true)
        return frozenset(found.labels[place] for place in there)

    def judges(self, row: Example, labels: Collection[str]) -> bool:
        """Return whether the opinion can say that a row's labels, those among `labels`, are right.

        A label with fewer than `LEAST_ROWS` rows, or whose rows all resemble one another, is never held out beside
        others of it, so that no probe which answers a row of it knows it.
        """
        own = {row.label} if row.labels is None else {*row.labels}
        return own & {*labels} <= self._told

    def ask(self, contents: Sequence[Content], progress: Progress) -> npt.NDArray[np.float64]:
        """Return the probabilities (n, k) that the probe gives to others, calibrated as those of the rows held out."""
        return self.held_out.space.probabilities(self._head.logits(self.embed(contents, progress)))

    def issues(self, validation: Collection[str] = ()) -> tuple[LabelIssue, ...]:
        """Return the rows whose label is doubted: see `label_issues`."""
        return label_issues(self.answers, validation)


def _silent(_done: float) -> None:
    """Report nothing."""


def second_opinion(
    rows: Sequence[Example],
    labels: Sequence[str],
    dataset: str,
    encoder: Encoder,
    cache: EmbeddingCache,
    seed: int,
    progress: Progress,
    *,
    several: bool,
) -> SecondOpinion | None:
    """Return the opinion on `rows` of `dataset`, in its order, as far as they have `labels`; None of too few.

    The rows are its labelled ones outside the test split, whatever their origin. The order of `labels` is that of the
    answers, and does not move them.
    """
    if several:
        rows = [_with_known(row, labels) for row in rows]
        known = [row for row in rows if row.labels is not None]
    else:
        known = [row for row in rows if row.label in labels]
    counts = Counter(label for row in known for label in row.labels or (row.label,) if label)
    enough = tuple(sorted(label for label, count in counts.items() if count >= LEAST_ROWS))
    if not several:
        known = [row for row in known if row.label in enough]
    known = [_with_known(row, enough) for row in known]

    def embed(contents: Sequence[Content], told: Progress) -> npt.NDArray[np.float32]:
        return encoder.embed(contents, cache, told)

    if not enough:
        return None
    try:
        held_out, probe = out_of_fold(known, enough, dataset, encoder, cache, seed, progress, several=several)
    except NotEnoughData:
        return None
    opinion = SecondOpinion(held_out, held_out, probe, embed)
    answers = held_out if len(held_out.rows) == len(known) else _to_all(opinion, known)
    return replace(opinion, answers=over(answers, [label for label in labels if label in enough]))


def _to_all(opinion: SecondOpinion, known: Sequence[Example]) -> Answers:
    """Return the answers to those of `known` that can be judged: of the rows held out, and of a probe to the others."""
    held = opinion.held_out
    known = [row for row in known if opinion.judges(row, held.labels)]
    proba = dict(zip((row.id for row in held.rows), held.proba, strict=True))
    others = [row for row in known if row.id not in proba]
    asked = opinion.ask([row.content for row in others], _silent)
    proba |= dict(zip((row.id for row in others), asked, strict=True))
    if held.several:
        true = encode([row.labels or () for row in known], held.labels)
    else:
        true = np.array([held.labels.index(row.label or "") for row in known], np.int64)
    return replace(held, rows=tuple(known), true=true, proba=np.stack([proba[row.id] for row in known]))


def _with_known(row: Example, labels: Collection[str]) -> Example:
    """Return the row without such of its labels as are none of `labels`."""
    if row.labels is None or set(row.labels) <= set(labels):
        return row
    return row.model_copy(update={"labels": tuple(label for label in row.labels if label in labels)})


def over(found: Answers, labels: Sequence[str]) -> Answers:
    """Return the same answers with a column for each of `labels`, of which `found` has some: the others have 0."""
    among = columns_among(found.labels, labels)
    proba = found.proba @ among
    if not found.several:
        return replace(found, labels=tuple(labels), proba=proba, true=among.argmax(axis=1)[found.true])
    thresholds = dict(zip(found.labels, found.thresholds, strict=True))
    return replace(
        found,
        labels=tuple(labels),
        proba=proba,
        true=found.true @ among > 0,
        thresholds=tuple(thresholds.get(label, 1.0) for label in labels),
    )


def columns_among(own: Sequence[str], labels: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the matrix (j, k) that puts the columns of `own` labels where they are among `labels`."""
    return np.array([[float(name == label) for label in labels] for name in own])
