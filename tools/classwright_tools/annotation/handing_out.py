"""Handing out: rows are picked to be labelled, checks are mixed in, and all of them stored as an annotation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from classwright_tools.annotation.answered_before import AnsweredBefore, answered_before
from classwright_tools.annotation.answers_now import by_words
from classwright_tools.annotation.batches import checks_for, make_batches
from classwright_tools.annotation.in_words import labels_there, of_source
from classwright_tools.annotation.picking import Pool, check_rows, informative, typical, uncertainties, unlabelled_pool
from classwright_tools.context import ToolContext
from classwright_tools.curation.row_sources import RowSources, row_sources
from classwright_tools.domain.annotation import Annotation, LabelledByAnnotation, Order
from classwright_tools.domain.example import Example
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.labels_since import fitting_none
from classwright_tools.domain.task import Task, TaskKind
from classwright_tools.errors import InvalidInput, NotEnoughData
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.learning.model import Model, load_model
from classwright_tools.learning.pair_encoder import encoder_for
from classwright_tools.workspace.asked_rows import labels_of
from classwright_tools.workspace.datasets import read_edits
from classwright_tools.workspace.ended_labels import check_labels
from classwright_tools.workspace.in_use import model_in_use
from classwright_tools.workspace.picked_rows import picked_as_hard
from classwright_tools.workspace.workspace import Artifact, Workspace


class Choice(NamedTuple):
    """What rows are picked from, by which order, and the model in use, if there is one.

    `only` names the source that they come by; `before` are the rows that had been answered.
    """

    version: str
    order: Order
    kept: Artifact | None
    sources: RowSources
    only: str
    pool: Pool
    before: AnsweredBefore

    @property
    def elsewhere(self) -> Counter[str]:
        """How many of the answered rows have a label, by the id of the dataset or of the open annotation."""
        return Counter(self.before.elsewhere[row] for row in self.pool.answered if row in self.before.elsewhere)


def to_pick_from(
    task: Task,
    context: ToolContext,
    *,
    dataset: str | None,
    order: Order | None,
    split: LabelledByAnnotation,
    source: str | None,
) -> Choice:
    """Return what `hand_out` picks from; it raises what that does."""
    workspace = context.workspace
    version = workspace.resolve(dataset, "dataset", task.slug).id
    check_labels(workspace, version)
    in_use = model_in_use(workspace, task.slug)
    kept = in_use.model if in_use else None
    order = order or ("random" if split == "validation" else "informative" if kept else "typical")
    if order == "informative" and kept is None:
        reason = "goes by a model, and the task has none yet"
        raise InvalidInput("order 'informative'", reason, "Train one first, or take order='typical'.")
    context.progress(0.0, "reading the unlabelled rows")
    unfit = fitting_none(read_edits(workspace, version), task.label_names)
    sources = row_sources(workspace, version)
    only = sources.named(source) if source else ""
    among = {id_ for id_, name in sources.of_row.items() if name == only} if only else None
    before = answered_before(workspace, task, version)
    first = before.ended if order != "random" else ()
    pool = unlabelled_pool(workspace, version, before.rows | unfit.keys(), context.seed, among, split, first)
    choice = Choice(version, order, kept, sources, only, pool, before)
    if not pool.size:
        known = f" and whose query no split but {split} has ({pool.shared} have others' queries)" if pool.shared else ""
        raise NotEnoughData(
            f"dataset {version!r}",
            f"has no real unlabelled rows{of_source(only)} that were not answered yet{known}",
            labels_there(task.slug, version, choice.elsewhere)
            + "Bring some in with import_examples(split='unlabelled').",
        )
    return choice


def hand_out(
    task: str,
    context: ToolContext,
    *,
    dataset: str | None,
    order: Order | None,
    most: int,
    split: LabelledByAnnotation = "train",
    source: str | None = None,
) -> Artifact:
    """Store an annotation of up to `most` unlabelled rows of `dataset`, by default the newest of `task`, for `split`.

    With a `source` they are rows that came in by it.

    Without an `order` they are those that the model in use is least certain of, or without one typical rows;
    for validation they are random ones.

    Raises:
        NotFound: the task or the dataset does not exist.
        InvalidInput: there is no model to be unsure of rows, or the dataset has labels that the task no longer has.
        NotEnoughData: the dataset has no real unlabelled rows that were not answered yet.
    """
    workspace, seed = context.workspace, context.seed
    found = workspace.task(task)
    choice = to_pick_from(found, context, dataset=dataset, order=order, split=split, source=source)
    version, order, pool = choice.version, choice.order, choice.pool
    asked = choice.kept if order != "typical" else None
    model = load_model(workspace, asked.id) if asked else None
    again = [row for row in pool.rows if row.id in choice.before.ended]
    first = again[:most] if order != "random" else []
    rows = first + _picked(pool.rows[len(first) :], order, most - len(first), model, context)
    annotation = Annotation(
        task=found.slug,
        dataset=version,
        on_newest=dataset is None,
        order=order,
        split=split,
        source=choice.only,
        picked_before=_taken_from(workspace, found.slug, choice) if order == "random" else 0,
        pool=pool.size,
        batches=make_batches(rows, check_rows(workspace, version, found, checks_for(len(rows)), seed), seed),
        model=asked.id if asked else None,
        answered_before=len(pool.answered),
        labelled_in=dict(choice.elsewhere.most_common()),
        ended=by_words((choice.before.ended[row.id] for row in first or again), found),
    )
    return workspace.publish_document(
        "annotation",
        found.slug,
        annotation,
        run_key=context.run_key,
        parent=version,
        rows=len(rows),
        task_version=found.version,
    )


def _taken_from(workspace: Workspace, task: str, choice: Choice) -> int:
    """Return how many rows that a model was unsure of were taken from the texts that the pool of `choice` is left of.

    Rows that nobody has answered or labelled yet do not count: they may be handed out once more.
    """
    of_row = choice.sources.of_row
    here = {of_row[row.id] for row in choice.pool.rows if row.id in of_row}
    hard = {id_ for id_ in picked_as_hard(workspace, task) if of_row.get(id_) in here}
    left = {id_ for id_, label in labels_of(workspace, choice.version, hard).items() if label is None}
    return len(hard - (left - choice.before.rows))


def _picked(rows: list[Example], order: Order, count: int, model: Model | None, context: ToolContext) -> list[Example]:
    """Return `count` of `rows`, which are in random order, by `order`; all where they are no more."""
    count = min(count, len(rows))
    if not count or order == "random":
        return rows[:count]
    if model:
        context.progress(0.1, f"asking the model about {counted(len(rows), 'text')}")
        unsure = uncertainties(model.space, model.predict_proba([row.content for row in rows]))
        return informative(rows, unsure, count, model.embed, context.seed)
    kind: TaskKind = "text" if rows[0].text_pair is None else "pair"
    encoder = encoder_for(kind, open_encoder(context.encoder))
    cache = EmbeddingCache(context.workspace.embeddings)

    def embed(texts: Sequence[str]) -> np.ndarray:
        return encoder.embed(texts, cache, lambda share: context.progress(0.1 + 0.8 * share, "embedding the texts"))

    return typical(rows, count, embed, context.seed)
