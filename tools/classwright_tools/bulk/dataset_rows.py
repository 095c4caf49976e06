"""The rows of a dataset without labels, and what a model answers to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from classwright_tools.context import ToolContext
from classwright_tools.domain.edits import Edit
from classwright_tools.domain.example import Example
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.label_sets import NO_LABELS
from classwright_tools.domain.labels_since import fitting_none
from classwright_tools.errors import NotEnoughData
from classwright_tools.learning.classifier import ROWS_AT_ONCE
from classwright_tools.learning.label_space import Judged, LabelSpace
from classwright_tools.learning.model import Model
from classwright_tools.workspace.datasets import iterate_rows, read_card, read_edits


@dataclass(frozen=True)
class DatasetAnswers:
    """The unlabelled rows of a dataset, the probabilities (n, k) of the labels, and what follows from them.

    The answers are `judged` in the `space` of its labels: sure from `threshold` on, or the label's own, but not of rows
    that are out of scope, as `foreign` (n,) says, unless the label takes all that is of no other one. Rows that none of
    its labels fits, as somebody said, were not asked about: `fitting_none` has them by id, each with the edit that says
    so.
    """

    space: LabelSpace
    rows: tuple[Example, ...]
    proba: np.ndarray
    foreign: np.ndarray
    judged: Judged
    threshold: float
    fitting_none: Mapping[str, Edit]
    passed: int = 0
    """Rows that were not asked about, as none of its labels fits them."""
    done: float = 1.0
    """The share of the work that this was; the rest is what the sources hold beside these rows."""

    @property
    def unsure(self) -> int:
        """Rows of whose answer it is not sure."""
        return int((~self.judged.sure).sum())

    @cached_property
    def sure_by_label(self) -> dict[str, int]:
        """How many sure answers have each label, the most frequent first; "|" counts those that are none of them."""
        certain = (one for one, is_sure in zip(self.judged.answers, self.judged.sure.tolist(), strict=True) if is_sure)
        counts = Counter(label for one in certain for label in ((one,) if isinstance(one, str) else one or NO_LABELS))
        return dict(counts.most_common())

    @property
    def given_by_label(self) -> dict[str, int]:
        """Where a row may have several labels: how many rows each is given to, the most frequent first."""
        return dict(Counter(label for one in self.judged.answers for label in one).most_common())

    def least_sure(self, most: int) -> list[int]:
        """Return the places of up to `most` rows, the least sure first; at most half, those first, are out of scope."""
        order = np.argsort(self.judged.right, kind="stable")
        doubted = (self.foreign & ~self.judged.sure)[order]
        foreign, others = order[doubted].tolist(), order[~doubted].tolist()
        first = foreign[: max(most // 2, most - len(others))]
        return [*first, *others[: most - len(first)]]


def answer_rows(
    context: ToolContext, model: Model, dataset: str, space: LabelSpace, threshold: float, *, as_trained: bool
) -> DatasetAnswers:
    """Return the answers of `model` to the rows of `dataset` without labels, of which it is sure from `threshold` on.

    `space` is that of its labels, with thresholds of their own where there are some.

    Rows of which was said that no label fits are not asked about, unless the model has a label that came later.

    Raises:
        NotEnoughData: it has no such rows.
        Cancelled: the caller asked to stop.
        NotFound: there is no such dataset.
        DamagedArtifact: it does not read back.
    """
    none = fitting_none(read_edits(context.workspace, dataset), model.labels)
    unlabelled = [row for batch in iterate_rows(context.workspace, dataset, "unlabelled") for row in batch]
    rows = [row for row in unlabelled if row.id not in none]
    if not rows:
        passed = f" but {len(unlabelled):,}, of which was said that no label fits" if unlabelled else ""
        raise NotEnoughData(
            f"dataset {dataset!r}",
            f"has no rows without labels{passed}",
            "Pass texts, or call evaluate for rows with labels.",
        )

    card = read_card(context.workspace, dataset)
    beside = sum(source.rows for source in card.sources_of(dataset)) - len(unlabelled)  # copies, for the most part
    done = len(rows) / (len(rows) + max(0, beside))
    parts = []
    for start in range(0, len(rows), ROWS_AT_ONCE):
        context.progress(done * start / len(rows), f"classifying {counted(len(rows), 'row')}")
        contents = [row.content for row in rows[start : start + ROWS_AT_ONCE]]
        parts.append(model.answers(contents, as_trained=as_trained))
    proba, foreign = (np.concatenate(own) for own in zip(*parts, strict=True))
    judged = space.judge(proba, foreign, threshold)
    return DatasetAnswers(
        space, tuple(rows), proba, foreign, judged, threshold, none, len(unlabelled) - len(rows), done
    )
