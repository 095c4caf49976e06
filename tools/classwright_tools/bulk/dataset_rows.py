"""The rows of a dataset with a label each: their own, or where they have none the one that a model gives them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from classwright_tools.bulk.outputs import write_output
from classwright_tools.context import ToolContext
from classwright_tools.domain.example import LABELLED_BUT_TEST, Example, Split, decider_of
from classwright_tools.domain.kinds import KINDS
from classwright_tools.domain.label_sets import named_together
from classwright_tools.domain.noun import LabelName, Noun, Share
from classwright_tools.errors import NotEnoughData
from classwright_tools.learning.label_space import Answer
from classwright_tools.learning.model import Model
from classwright_tools.workspace.datasets import iterate_rows
from classwright_tools.workspace.workspace import Artifact

ANSWERS = "answers.csv"
_BATCH = 512


class SortedRows(Noun):
    """What a report says of them: the model's `sure` answers by label, and how many rows it was `unsure` of."""

    model: str
    dataset: str
    threshold: Share
    sure: dict[LabelName, int]
    unsure: int


@dataclass(frozen=True)
class Answered:
    """The unlabelled rows of a dataset, the probabilities (n, k) of the labels, and what follows from them.

    `named` are the answers, and `right` (n,) says how probable it is that each is; from `threshold` on it is sure.
    """

    rows: tuple[Example, ...]
    proba: np.ndarray
    named: list[Answer]
    right: np.ndarray
    threshold: float

    @cached_property
    def sure(self) -> np.ndarray:
        """Whether the model is sure of each answer (n,)."""
        return self.right >= self.threshold

    @property
    def unsure(self) -> int:
        """Rows of whose answer it is not."""
        return int((~self.sure).sum())

    @cached_property
    def sure_by_label(self) -> dict[str, int]:
        """How many sure answers have each label, the most frequent first."""
        certain = (one for one, is_sure in zip(self.named, self.sure.tolist(), strict=True) if is_sure)
        counts = Counter(label for one in certain for label in ((one,) if isinstance(one, str) else one))
        return dict(counts.most_common())

    @property
    def least_sure(self) -> np.ndarray:
        """The places of the rows (n,), the least sure first."""
        return np.argsort(self.right, kind="stable")


def answer_rows(context: ToolContext, model: Model, dataset: str, threshold: float, *, as_trained: bool) -> Answered:
    """Return the answers of `model` to the rows of `dataset` without labels, of which it is sure from `threshold` on.

    Raises:
        NotEnoughData: it has no such rows.
        NotFound: there is no such dataset.
        DamagedArtifact: it does not read back.
    """
    rows = [row for batch in iterate_rows(context.workspace, dataset, "unlabelled") for row in batch]
    if not rows:
        raise NotEnoughData(
            f"dataset {dataset!r}", "has no rows without labels", "Pass texts, or call evaluate for rows with labels."
        )
    parts = []
    for start in range(0, len(rows), _BATCH):
        context.progress(start / len(rows), f"classifying {len(rows):,} rows")
        contents = [row.content for row in rows[start : start + _BATCH]]
        parts.append(model.predict_proba(contents, as_trained=as_trained))
    proba = np.concatenate(parts)
    named, right = model.space.answers(proba)
    return Answered(tuple(rows), proba, named, right, threshold)


def publish_answers(context: ToolContext, found: Answered, model: str, dataset: str) -> Artifact:
    """Store the answers as a report: what they are in numbers, and `ANSWERS`, the labelled rows among them."""
    task = context.workspace.artifact(dataset, "dataset").task
    report = SortedRows(
        model=model, dataset=dataset, threshold=found.threshold, sure=found.sure_by_label, unsure=found.unsure
    )

    def write(folder: Path) -> None:
        (folder / KINDS["report"].document).write_text(report.model_dump_json(indent=1), encoding="utf-8")
        pairs = ["text_pair"] if found.rows[0].text_pair is not None else []
        names = ["id", "split", "text", *pairs, "label", "decided_by", "probability", "sure"]
        write_output(folder / ANSWERS, names, _table(context, found, dataset, pairs=bool(pairs)))

    facts = {"about": "answers", "model": model, "dataset": dataset}
    return context.workspace.publish("report", task, write, run_key=context.run_key, parent=model, facts=facts)


def _table(context: ToolContext, found: Answered, dataset: str, *, pairs: bool) -> Iterator[list[list[Any]]]:
    """Yield the values of the rows, part by part so that a large table is never whole in memory: the labelled first."""

    def cells(split: Split, row: Example, *answer: Any) -> list[Any]:
        return [row.id, split, row.text, *([row.text_pair] if pairs else []), *answer]

    for split in LABELLED_BUT_TEST:
        for batch in iterate_rows(context.workspace, dataset, split):
            given = [row for row in batch if row.label_key is not None and row.origin != "written"]
            yield [cells(split, row, row.labels_name, decider_of(row), None, None) for row in given]
    names = (one if isinstance(one, str) else named_together(one) for one in found.named)
    answers = zip(found.rows, names, found.right.tolist(), found.sure.tolist(), strict=True)
    while part := list(islice(answers, _BATCH)):
        yield [cells("unlabelled", row, name, "model", round(right, 6), sure) for row, name, right, sure in part]
