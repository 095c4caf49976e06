"""The training data of a dataset: labelled rows, none a copy of a held-out one, and validation rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classwright_tools.domain.example import REAL_TEXTS, Example, Origin
from classwright_tools.domain.task import Task
from classwright_tools.errors import NotEnoughData
from classwright_tools.learning.rows import Rows, held_out_rows, training_rows, without_copies, written_at_once
from classwright_tools.workspace.datasets import iterate_rows, read_edits, read_rows
from classwright_tools.workspace.ended_labels import check_labels
from classwright_tools.workspace.workspace import Workspace

ENOUGH_REAL = 50  # rows of real texts: with fewer, a difference of ten points between two methods is chance
MOST_UNLABELLED = 2_000  # texts to tell shares from: more would cost minutes and narrow no interval


def is_enough(validation: Rows | None, *, needed: bool) -> bool:
    """Return whether there are enough validation rows of real texts to choose and calibrate by.

    Raises:
        NotEnoughData: there are not, and they are `needed`, since they are to be trained on.
    """
    enough = validation is not None and len(validation) >= ENOUGH_REAL and validation.origin in REAL_TEXTS
    if needed and not enough:
        raise too_few_to_learn(len(validation) if validation else 0)
    return enough


def too_few_to_learn(validation: int) -> NotEnoughData:
    """Return the error that so many `validation` rows are too few to be trained on."""
    return NotEnoughData(
        "the validation rows",
        f"are {validation or 'none'}, and to train on them {ENOUGH_REAL} of real texts are needed: a figure of fewer "
        "tells nothing",
        "Bring in more with import_examples(split='validation') or annotate_examples(split='validation'), or import "
        "these as split 'train'.",
    )


@dataclass(frozen=True)
class TrainingData:
    """The rows to train on and the validation rows, if there are any, each with how many there are of each origin.

    `copies` are the rows that were left out as copies of held-out ones; `at_once` are labels of which most rows were
    written at once.
    """

    rows: Rows
    origins: dict[Origin, int]
    copies: int
    at_once: tuple[str, ...]
    validation: Rows | None
    validation_origins: dict[Origin, int]


def read_training_data(workspace: Workspace, dataset: str, task: Task) -> TrainingData:
    """Return what `dataset` gives to a training for `task`; of its validation rows the real ones, if there are any.

    Raises:
        InvalidInput: a row's label is none of the task's.
        NotEnoughData: a label has fewer than two training rows.
    """
    check_labels(workspace, dataset)
    splits = {split: read_rows(workspace, dataset, split) for split in ("train", "validation", "test")}
    labels, several = task.label_names, task.multi_label
    labelled = [row for row in splits["train"] if row.label_key is not None]
    kept = without_copies(labelled, [*splits["validation"], *splits["test"]])
    held_out = [row for row in splits["validation"] if row.label_key is not None]
    checked = counted_validation(held_out)
    return TrainingData(
        rows=training_rows(kept, labels, several=several),
        origins=dict(Counter(row.origin for row in kept)),
        copies=len(labelled) - len(kept),
        at_once=tuple(written_at_once(kept)),
        validation=held_out_rows(checked, labels, several=several) if checked else None,
        validation_origins=dict(Counter(row.origin for row in checked)),
    )


def counts_real_alone(rows: int, origin: Origin = "real") -> bool:
    """Return whether so many validation `rows` of one `origin` are real ones, and enough that no others count."""
    return origin == "real" and rows >= ENOUGH_REAL


def counted_validation(rows: Sequence[Example]) -> list[Example]:
    """Return those of the validation `rows` that figures count: enough real ones, else all whose texts are real.

    A label that a model gave to a real text may be wrong, and a written text is not what the classifier will read:
    written rows count where there are no others.
    """
    real = [row for row in rows if row.origin == "real"]
    if counts_real_alone(len(real)):
        return real
    return [row for row in rows if row.origin in REAL_TEXTS] or list(rows)


def unlabelled_texts(workspace: Workspace, dataset: str) -> tuple[str, ...]:
    """Return the real texts of `dataset` that came without labels; of more than `MOST_UNLABELLED` a fixed sample.

    Those that got a label since, from a model or a person, are among them: what is left of the others after the most
    telling were picked has other shares of the labels than texts as they come.
    """
    edits = read_edits(workspace, dataset)
    labelled = {id_ for edit in edits if edit.action == "relabel" for id_, before in edit.rows.items() if not before}
    unlabelled = (row for batch in iterate_rows(workspace, dataset, "unlabelled") for row in batch)
    came_without = [row.content for row in unlabelled if row.origin == "real"]
    known = (row for split in ("train", "validation") for row in read_rows(workspace, dataset, split))
    texts = [*came_without, *(row.content for row in known if row.origin == "annotated" or row.id in labelled)]
    if len(texts) <= MOST_UNLABELLED:
        return tuple(texts)
    places = np.random.default_rng(0).choice(len(texts), MOST_UNLABELLED, replace=False)
    return tuple(texts[place] for place in np.sort(places))
