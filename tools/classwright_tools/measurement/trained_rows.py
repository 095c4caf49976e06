"""Rows that a model was trained on, exactly or nearly: a figure on such rows tells what it remembers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from classwright_tools.curation.duplicates import NearDuplicates
from classwright_tools.curation.shingles import folded
from classwright_tools.domain.cards import ModelCard
from classwright_tools.domain.example import HELD_OUT, Example, Split
from classwright_tools.domain.pair import Content, apart
from classwright_tools.learning.rows import without_copies
from classwright_tools.measurement.held_out import unlabelled_pairs
from classwright_tools.workspace.datasets import iterate_rows, read_rows
from classwright_tools.workspace.workspace import Workspace


def unseen(
    workspace: Workspace, cards: Sequence[ModelCard], rows: Sequence[Example], progress: Callable[[], None]
) -> list[Example]:
    """Return those of `rows` that none of the models of `cards` trained on, nor on a near-duplicate of.

    It does not matter when the rows were imported: they are compared with what each model did learn from.
    `progress` is called from time to time, and may stop the work.
    """
    seen = np.zeros(len(rows), bool)
    for card in cards:
        seen |= _trained_on(workspace, card, rows, progress)
    return [row for row, is_seen in zip(rows, seen, strict=True) if not is_seen]


def _trained_on(
    workspace: Workspace, card: ModelCard, rows: Sequence[Example], progress: Callable[[], None]
) -> npt.NDArray[np.bool_]:
    """Return which of `rows` (n,) repeat a row that the model of `card` trained on, exactly or nearly.

    Training leaves out what repeats a held-out row of its own dataset: only rows that came later can be among these.
    """
    learnt = read_rows(workspace, card.dataset, "validation") if card.validation_rows_learnt else []
    splits: tuple[Split, ...] = ("test",) if learnt else HELD_OUT
    held_out = [row for split in splits for row in read_rows(workspace, card.dataset, split)]
    known = {row.id for row in held_out}
    later = {place: row.content for place, row in enumerate(rows) if row.id not in known}
    index = _index_of(later.values())
    labelled = _repeated(learnt, index)
    for batch in iterate_rows(workspace, card.dataset, "train") if later else ():
        progress()
        labelled += _repeated([row for row in batch if row.label_key is not None], index)
    taken = unlabelled_pairs(workspace, card.dataset) if later and card.unlabelled_pairs else ()
    # Asked the other way round: a training row of a template finds only some of its many likenesses.
    trained = _index_of(
        [
            *(row.content for row in without_copies(labelled, held_out)),
            *(pair for pair, match in zip(taken, index.find_each(taken), strict=True) if match),
        ]
    )
    seen = np.zeros(len(rows), bool)
    seen[[place for place, match in zip(later, trained.find_each(later.values()), strict=True) if match]] = True
    return seen


def _repeated(rows: Sequence[Example], index: NearDuplicates[int]) -> list[Example]:
    """Return those of `rows` that repeat one in `index`."""
    return [row for row, match in zip(rows, index.find_each(row.content for row in rows), strict=True) if match]


def _index_of(contents: Iterable[Content]) -> NearDuplicates[int]:
    index: NearDuplicates[int] = NearDuplicates()
    index.add_all(enumerate(contents))
    return index


def chosen_by(workspace: Workspace, card: ModelCard, rows: Sequence[Example]) -> int:
    """Return how many of `rows` are validation rows that the model of `card` was chosen and calibrated by.

    Case, blanks and punctuation do not count.
    """
    known = {folded(row.content) for row in read_rows(workspace, card.dataset, "validation")}
    return sum(folded(row.content) in known for row in rows)


def queries_trained_on(workspace: Workspace, card: ModelCard, rows: Sequence[Example]) -> int:
    """Return how many of the pairs `rows` have a query that the rows which the model of `card` learned from have too.

    Case, blanks and punctuation do not count. Unlabelled pairs count if the model took them for rows of a label.
    """
    labelled = {folded(row.text) for row in read_rows(workspace, card.dataset, "train") if row.text_pair is not None}
    taken = unlabelled_pairs(workspace, card.dataset) if card.unlabelled_pairs else ()
    trained = labelled | {folded(apart(pair)[0]) for pair in taken}
    return sum(folded(row.text) in trained for row in rows)
