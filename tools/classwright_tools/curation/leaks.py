"""Leaks between splits: no text, nor nearly the same text, stands in two.

A text stays in the first of test, validation, train and unlabelled. So a training row that is near a test row is not
imported, and when test rows arrive, the training rows that are near one of them go. Between test and validation only
equal texts count: no model is trained on either, and people do send nearly the same message twice. Where a source is
divided, no row that a labelled split has goes: rows of the source that repeat it are not imported.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from classwright_tools.curation.bulk_duplicates import Allowed
from classwright_tools.domain.example import HELD_OUT, LabelledSplit, Split
from classwright_tools.domain.task import TaskKind

# Evaluation rows win: what a model is measured by must not change with what it is trained on.
LABELLED: tuple[LabelledSplit, ...] = ("test", "validation", "train")
PRECEDENCE: tuple[Split, ...] = (*LABELLED, "unlabelled")

SkipReason = Literal[
    "duplicate", "same text with another label", "near-duplicate",
    "duplicate of a test row", "duplicate of a validation row", "duplicate of a train row",
    "near-duplicate of a test row", "near-duplicate of a validation row", "near-duplicate of a train row",
]  # fmt: skip


def group(split: Split, arriving: bool) -> int:
    """Return the number of the group of a row for `BulkDuplicates`: its split, and whether it is only now arriving."""
    return 2 * PRECEDENCE.index(split) + int(arriving)


def removal_tables(kind: TaskKind) -> tuple[Allowed, Allowed]:
    """Return the tables (exact, near) that say, by group, whether a later row may be removed for an earlier one.

    Rows of different splits may not repeat each other. Within a split only arriving rows are judged: what a dataset
    holds was judged when it came. Evaluation rows may be near one another, in and across their splits, and so may pairs
    in any split: the size or the model in which two items differ is often what decides about them.
    """
    groups = [(split, arriving) for split in PRECEDENCE for arriving in (False, True)]
    exact = np.array([[earlier != later or arriving for later, arriving in groups] for earlier, _ in groups])
    evaluation = np.array([split in HELD_OUT for split, _ in groups])
    near = exact & ~np.logical_and.outer(evaluation, evaluation)
    if kind == "pair":
        near &= np.array([[earlier != later for later, _ in groups] for earlier, _ in groups])
    return exact, near


def skip_reason(split: Split, kept_split: Split, equal: bool, same_label: bool) -> SkipReason:
    """Return why an arriving row of `split` is not imported, which repeats a row of `kept_split`."""
    if split != kept_split:
        repeats = "duplicate" if equal else "near-duplicate"
        return f"{repeats} of a {kept_split} row"  # type: ignore[return-value]  # unlabelled rows never win
    if equal:
        return "duplicate" if same_label else "same text with another label"
    return "near-duplicate"
