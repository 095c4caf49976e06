"""Picking: the unlabelled rows of which a label tells most, and labelled ones to check the annotator by."""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from classwright_tools.annotation.answers import answered_rows
from classwright_tools.curation.bare_text import bare_form
from classwright_tools.curation.queries import queries_of
from classwright_tools.curation.shown_texts import ShownTexts
from classwright_tools.domain.annotation import LabelledByAnnotation
from classwright_tools.domain.assignment import Assignment
from classwright_tools.domain.example import HELD_OUT, Example
from classwright_tools.domain.kinds import KINDS
from classwright_tools.domain.task import Task
from classwright_tools.learning.label_space import LabelSpace
from classwright_tools.learning.medoids import medoids
from classwright_tools.workspace.datasets import iterate_rows, read_rows
from classwright_tools.workspace.own_files import read_own
from classwright_tools.workspace.workspace import Workspace

MOST_EMBEDDED = 5_000  # of a larger pool a random sample is looked at: embedding it takes a minute
UNCERTAIN = 10  # times the rows wanted: so many of the least certain are clustered

Embed = Callable[[Sequence[str]], npt.NDArray[np.floating]]


class Pool(NamedTuple):
    """A random sample of the rows that could be labelled, in random order, and how many there are.

    More were `answered` before and are unlabelled still: their ids. And of `shared` pairs another split has the query.
    """

    rows: list[Example]
    size: int
    answered: list[str]
    shared: int


def unlabelled_pool(
    workspace: Workspace,
    dataset: str,
    answered: Collection[str],
    seed: int,
    among: Collection[str] | None = None,
    split: LabelledByAnnotation = "train",
    first: Collection[str] = (),
) -> Pool:
    """Return the real unlabelled rows of `dataset`, but for those whose ids are among the `answered` ones.

    Others than those `among` these ids are none of it, if it is given. Those with the ids `first` come first.

    Those are left out, too, that a training would leave out: copies of held-out rows, but for links and handles. So
    are pairs whose query a split other than `split`, which they are for, has: figures are to be of unseen queries.
    """
    random = np.random.default_rng(seed)
    size = shared = 0
    skipped: list[str] = []
    queries = queries_of(workspace, dataset)
    held_out = {bare_form(row.content) for held in HELD_OUT for row in read_rows(workspace, dataset, held)} - {""}

    def rows() -> Iterator[Example]:
        nonlocal size, shared
        for batch in iterate_rows(workspace, dataset, "unlabelled"):
            for row in batch:
                if among is not None and row.id not in among:
                    continue
                if row.id in answered:
                    skipped.append(row.id)
                if row.origin == "real" and row.id not in answered and bare_form(row.content) not in held_out:
                    if queries.elsewhere(split, row.content):
                        shared += 1
                        continue
                    size += 1
                    yield row

    sample = heapq.nsmallest(MOST_EMBEDDED, rows(), key=lambda row: (row.id not in first, random.random()))
    return Pool(sample, size, skipped, shared)


def typical(rows: Sequence[Example], count: int, embed: Embed, seed: int) -> list[Example]:
    """Return `count` of `rows` from the middle of as many clusters, the largest cluster's first."""
    return _spread(rows, np.ones(len(rows)), count, embed, seed)


def informative(
    rows: Sequence[Example], uncertainty: npt.NDArray[np.float64], count: int, embed: Embed, seed: int
) -> list[Example]:
    """Return `count` of `rows` that a model is unsure of, by its `uncertainty` (n,), spread over clusters.

    Of the most uncertain rows those in the middle of clusters are taken, in which a row counts by its uncertainty
    (Zhdanov 2019, "Diverse mini-batch active learning", arXiv:1901.05954).
    """
    first = np.argsort(-uncertainty, kind="stable")[: UNCERTAIN * count]
    weights = np.maximum(uncertainty[first], 1e-6)
    return _spread([rows[place] for place in first], weights, count, embed, seed)


def uncertainties(space: LabelSpace, proba: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return how unsure a model with the probabilities `proba` (n, k) is of each row (n,), 0 to 1.

    It is 1 less the margin between the two likeliest labels, or the probability that a set of labels is wrong.
    """
    if space.several:
        return np.asarray(1 - space.answers(proba)[1])
    likeliest = np.sort(proba, axis=1)[:, -2:]
    unsure: npt.NDArray[np.float64] = 1 - (likeliest[:, 1] - likeliest[:, 0])
    return unsure


def check_rows(workspace: Workspace, dataset: str, task: Task, count: int, seed: int) -> list[Example]:
    """Return up to `count` training and validation rows with a label of `task`: real ones first, no test row.

    What an assignment showed as style is left out, and what a report or a plan showed: the calling model may have seen
    it under its label. A check of before comes after others of its kind: its label may have been told at the end.
    """
    shown = _shown_as_style(workspace, task.slug)
    reported = _reported(workspace, task.slug)
    random = np.random.default_rng(seed)
    labelled = [*read_rows(workspace, dataset, "train"), *read_rows(workspace, dataset, "validation")]
    labels = set(task.label_names)
    known = [
        row
        for row in labelled
        if _is_known(row, labels)
        and row.origin in ("real", "written")
        and row.shown not in reported
        and shown.nearest(row.text) is None
    ]
    before = answered_rows(workspace, task.slug)
    return heapq.nsmallest(count, known, key=lambda row: (row.origin != "real", row.id in before, random.random()))


def _is_known(row: Example, labels: Collection[str]) -> bool:
    """Whether a row has one of `labels`, or of labels none but these."""
    return row.label in labels if row.labels is None else all(label in labels for label in row.labels)


def _shown_as_style(workspace: Workspace, task: str) -> ShownTexts:
    """Return the texts that the assignments of `task` showed."""
    shown = ShownTexts()
    for made in workspace.artifacts(task, "assignment"):
        shown.add(chain.from_iterable(workspace.document(made.id, "assignment", Assignment).style.values()))
    return shown


def _reported(workspace: Workspace, task: str) -> set[str]:
    """Return all strings in the reports and plans of `task`: what rows hold is among them as a reader saw it."""
    found: set[str] = set()
    for kind in ("report", "plan"):
        for made in workspace.artifacts(task, kind):
            left: list[Any] = []
            with suppress(OSError, ValueError):  # one that does not read back shows nothing
                left.append(json.loads(read_own(made.path / KINDS[kind].document)))
            while left:
                part = left.pop()
                if isinstance(part, str):
                    found.add(part)
                elif isinstance(part, dict | list):
                    left.extend(part.values() if isinstance(part, dict) else part)
    return found


def _spread(
    rows: Sequence[Example], weights: npt.NDArray[np.floating], count: int, embed: Embed, seed: int
) -> list[Example]:
    """Return the medoids of `rows`, and where fewer than `count` differ the first of the others."""
    vectors = np.asarray(embed([row.content for row in rows]))
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    places = medoids(vectors, count, seed, weights) if len(rows) > count else []
    chosen = set(places)
    others = (place for place in range(len(rows)) if place not in chosen)
    return [rows[place] for place in [*places, *others][:count]]
