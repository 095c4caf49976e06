"""The rows of a task that others are generated from: labelled training rows, none a copy of a held-out one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from classwright_tools.augmentation.methods import Material
from classwright_tools.augmentation.pair_sphere import on_sphere
from classwright_tools.context import ToolContext
from classwright_tools.domain.augmentation import LEAST_ROWS
from classwright_tools.domain.example import REAL_TEXTS, Example, Split
from classwright_tools.domain.excerpt import listed
from classwright_tools.domain.task import Task
from classwright_tools.errors import NotEnoughData
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder
from classwright_tools.learning.rows import held_out_rows, training_rows, without_copies
from classwright_tools.learning.training_data import counted_validation
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.ended_labels import check_labels
from classwright_tools.workspace.workspace import Workspace


def all_rows(workspace: Workspace, dataset: str) -> dict[Split, list[Example]]:
    """Return the rows of a dataset's three labelled splits.

    Raises:
        InvalidInput: the task has not all of its labels any more.
    """
    check_labels(workspace, dataset)
    splits: tuple[Split, ...] = ("train", "validation", "test")
    return {split: read_rows(workspace, dataset, split) for split in splits}


def material_of(
    context: ToolContext, encoder: Encoder, cache: EmbeddingCache, task: Task, own: dict[Split, list[Example]]
) -> Material:
    """Return the training rows of `own` as embeddings.

    Raises:
        InvalidInput: a row's label is not the task's.
        NotEnoughData: a label has fewer than five rows.
    """
    labelled = [row for row in own["train"] if row.label is not None]
    kept = without_copies(labelled, [*own["validation"], *own["test"]])
    _refuse_few((row.label for row in kept), task)
    rows = training_rows(kept, task.label_names)
    vectors = encoder.embed(rows.texts, cache, lambda done: context.progress(0.05 * done, "embedding texts"))
    return Material(on_sphere(task.kind, vectors), rows.labels, rows.groups, task.label_names, kind=task.kind)


def checked_rows(
    context: ToolContext, encoder: Encoder, cache: EmbeddingCache, task: Task, own: dict[Split, list[Example]]
) -> Material | None:
    """Return the labelled validation rows of `own` that count as embeddings; None if no text of them is real.

    Raises:
        InvalidInput: a row's label is not the task's.
    """
    counted = counted_validation([row for row in own["validation"] if row.label is not None])
    real = [row for row in counted if row.origin in REAL_TEXTS]
    if not real:
        return None
    rows = held_out_rows(real, task.label_names)
    vectors = encoder.embed(rows.texts, cache, lambda _: context.progress(None, "embedding validation rows"))
    return Material(on_sphere(task.kind, vectors), rows.labels, rows.groups, task.label_names, kind=task.kind)


def _refuse_few(labels: Iterable[str | None], task: Task) -> None:
    counts, names = Counter(labels), task.label_names
    few = {name: f"{name!r} ({counts[name]})" for name in names if counts[name] < LEAST_ROWS}
    if few:
        written = ", or write some with `synthesize_examples`" if task.can_be_written(few) else ""
        raise NotEnoughData(
            f"{len(few)} of {len(names)} labels",
            f"{'has' if len(few) == 1 else 'have'} fewer than {LEAST_ROWS} training rows, {listed(few.values(), 10)}",
            f"Import some{written}: rows cannot be generated from so few.",
        )
