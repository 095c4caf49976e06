"""The rows of a dataset with a label each: their own, or where they have none the one that a model gives them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from classwright_tools.bulk.outputs import write_output
from classwright_tools.context import ToolContext
from classwright_tools.domain.example import Example, Split
from classwright_tools.domain.kinds import KINDS
from classwright_tools.domain.label_sets import named_together
from classwright_tools.domain.noun import LabelName, Noun, Share
from classwright_tools.errors import NotEnoughData
from classwright_tools.learning.label_space import Answer
from classwright_tools.learning.model import load_model
from classwright_tools.workspace.datasets import iterate_rows
from classwright_tools.workspace.workspace import Artifact

ANSWERS = "answers.csv"
_LABELLED: tuple[Split, ...] = ("train", "validation")  # test rows are shown to nobody who may write training texts
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

    `named` are the answers, and `right` (n,) says how probable it is that each is.
    """

    rows: tuple[Example, ...]
    proba: np.ndarray
    named: list[Answer]
    right: np.ndarray

    @property
    def least_sure(self) -> np.ndarray:
        """The places of the rows (n,), the least sure first."""
        return np.argsort(self.right, kind="stable")


def answer_rows(context: ToolContext, model_id: str, dataset: str, *, as_trained: bool) -> Answered:
    """Return the answers of a model to the rows of `dataset` without labels.

    Raises:
        NotEnoughData: it has no such rows.
        NotFound: there is no such model or dataset.
        DamagedArtifact: one does not read back.
    """
    model = load_model(context.workspace, model_id)
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
    return Answered(tuple(rows), proba, named, right)


def publish_answers(context: ToolContext, found: Answered, model: str, dataset: str, threshold: float) -> Artifact:
    """Store the answers as a report: what they are in numbers, and `ANSWERS`, the labelled rows among them."""
    task = context.workspace.artifact(dataset, "dataset").task
    sure = found.right >= threshold
    report = SortedRows(
        model=model,
        dataset=dataset,
        threshold=threshold,
        sure=sure_by_label(found.named, sure),
        unsure=int((~sure).sum()),
    )

    def write(folder: Path) -> None:
        (folder / KINDS["report"].document).write_text(report.model_dump_json(indent=1), encoding="utf-8")
        pairs = ["text_pair"] if found.rows[0].text_pair is not None else []
        names = ["id", "split", "text", *pairs, "label", "decided_by", "probability", "sure"]
        write_output(folder / ANSWERS, names, list(_table(context, found, dataset, sure, pairs=bool(pairs))))

    facts = {"about": "answers", "model": model, "dataset": dataset}
    return context.workspace.publish("report", task, write, run_key=context.run_key, parent=model, facts=facts)


def sure_by_label(named: Sequence[Answer], sure: np.ndarray) -> dict[str, int]:
    """Return how many of the answers `named` that are `sure` (n,) have each label, the most frequent first."""
    certain = (one for one, is_sure in zip(named, sure.tolist(), strict=True) if is_sure)
    counts = Counter(label for one in certain for label in ((one,) if isinstance(one, str) else one))
    return dict(counts.most_common())


def _table(
    context: ToolContext, found: Answered, dataset: str, sure: np.ndarray, *, pairs: bool
) -> Iterator[list[list[Any]]]:
    """Yield the values of the rows, part by part: of the labelled ones first."""

    def cells(split: Split, row: Example, *answer: Any) -> list[Any]:
        return [row.id, split, row.text, *([row.text_pair] if pairs else []), *answer]

    for split in _LABELLED:
        for batch in iterate_rows(context.workspace, dataset, split):
            given = [row for row in batch if row.label_key is not None and row.origin != "written"]
            yield [cells(split, row, row.labels_name, "given", None, None) for row in given]
    answers = zip(found.rows, found.named, found.right.tolist(), sure.tolist(), strict=True)
    yield [
        cells(
            "unlabelled", row, named if isinstance(named, str) else named_together(named), "model", round(right, 6), is_
        )
        for row, named, right, is_ in answers
    ]
