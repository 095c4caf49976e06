"""The doubts of a dataset, computed: a model's answers to rows that it has not seen, and a probe's to the others."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from classwright_tools.context import ToolContext
from classwright_tools.domain.analysis import LabelIssue
from classwright_tools.domain.decided import Decided
from classwright_tools.domain.example import LABELLED_BUT_TEST
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder, encoder_at_hand, open_encoder
from classwright_tools.learning.later_labels import beside
from classwright_tools.learning.model import Model, load_model
from classwright_tools.learning.pair_encoder import encoder_for
from classwright_tools.measurement.answered_rows import Answered, Rows, doubts_of_labels, doubts_of_sets
from classwright_tools.measurement.doubts import Doubts, keep_doubts, read_doubts
from classwright_tools.measurement.held_out import BATCH_TEXTS
from classwright_tools.measurement.label_issues import told_apart_in_real
from classwright_tools.measurement.second_opinion import columns_among, over, second_opinion
from classwright_tools.measurement.text_map import LEAST_TEXTS, MOST_TEXTS, text_map
from classwright_tools.workspace.datasets import read_edits, read_table
from classwright_tools.workspace.row_columns import example_of

NEAREST = 3
"""A row that is not among those of the map itself lies between so many that are nearest in meaning."""
CHUNK = 4_096

Progress = Callable[[float, str], None]


def doubts_about(context: ToolContext, dataset: str, model_id: str | None, *, mapped: bool = False) -> Doubts:
    """Return the doubts about the rows of `dataset`, in the order of `read_table`; they are computed once and kept.

    To draw the map takes seconds: only where it is to be `mapped` the rows have places on it.

    Raises:
        NotFound: there is no such dataset or model.
        InvalidInput: the model is of another task.
        DamagedArtifact: one does not read back.
    """
    workspace = context.workspace
    task = workspace.task(workspace.artifact(dataset, "dataset").task)
    if model_id:
        workspace.resolve(model_id, "model", task.slug)
    doubts = read_doubts(workspace, dataset, model_id)
    if doubts is None or (mapped and not doubts.has_map):
        context.progress(0.0, f"Reading {dataset}")
        rows = [(row["split"], example_of(row)) for row in read_table(workspace, dataset).to_pylist()]
        model = beside(workspace, load_model(workspace, model_id), dataset) if model_id else None
        encoder = encoder_for(
            task.kind,
            encoder_at_hand(model.card.encoder.name, workspace.encoders) if model else open_encoder(context.encoder),
        )
        cache = EmbeddingCache(workspace.embeddings)
        if doubts is None:
            labels = model.labels if model else _labels_of(rows)
            vouched = Decided(read_edits(workspace, dataset)).by_person
            doubts = judged(
                rows,
                labels,
                dataset,
                model,
                encoder,
                cache,
                context.seed,
                context.progress,
                vouched,
                several=task.multi_label,
            )
        if mapped:
            doubts = replace(doubts, places=_drawn(rows, encoder, cache, context))
        keep_doubts(workspace, dataset, model_id, doubts)
    return doubts


def _labels_of(rows: Rows) -> tuple[str, ...]:
    """Return the labels that labelled rows outside the test split have, in the order of their names."""
    learnt = (row for split, row in rows if split in LABELLED_BUT_TEST)
    return tuple(sorted({label for row in learnt for label in row.labels or (row.label,) if label}))


def judged(
    rows: Rows,
    labels: tuple[str, ...],
    dataset: str,
    model: Model | None,
    encoder: Encoder,
    cache: EmbeddingCache,
    seed: int,
    progress: Progress,
    vouched: Collection[str] = (),
    *,
    several: bool = False,
) -> Doubts:
    """Return the doubts about `rows` of `dataset`, of which `labels` are known. Test rows are given no answer.

    Labelled rows outside the test split are answered by a probe that was trained without them and those that resemble
    them; a model, where there is one, answers validation and unlabelled rows. The label of a row in `vouched`, by a
    person, is not suspect. With `several` a row may have several labels, of which others than `labels` do not count.
    """
    opinion = second_opinion(
        [row for split, row in rows if split in LABELLED_BUT_TEST and row.label_key is not None],
        labels,
        dataset,
        encoder,
        cache,
        seed,
        lambda done: progress(0.3 * done, "judging"),
        several=several,
    )
    answered = Answered.none(len(rows), len(labels))
    place_of = {row.id: place for place, (_, row) in enumerate(rows)}
    suspect, told, doubted = np.zeros(len(rows), bool), frozenset[str](), dict[int, LabelIssue]()
    if opinion:
        known = over(opinion.answers, labels)
        places = np.array([place_of[row.id] for row in known.rows])
        can_tell = np.array([opinion.judges(rows[place][1], labels) for place in places])
        answered.take(places[can_tell], known.proba[can_tell], known.thresholds)
        asked = [
            place
            for place, (split, row) in enumerate(rows)
            if split != "test" and np.isnan(answered.proba[place, 0]) and opinion.judges(row, labels)
        ]
        if asked:
            contents = [rows[place][1].content for place in asked]
            proba = opinion.ask(contents, lambda done: progress(0.3 + 0.1 * done, "judging"))
            answered.take(asked, proba @ columns_among(opinion.held_out.labels, labels), known.thresholds)
        told = told_apart_in_real(opinion.held_out)
        doubted = {place_of[one.example]: one for one in opinion.issues() if one.example not in vouched}
        suspect[list(doubted)] = True
    if model:
        _answered_by(model, rows, answered, lambda done: progress(0.4 + 0.4 * done, "asking the model"))
    found = (doubts_of_sets if several else doubts_of_labels)(rows, labels, answered, suspect, told)
    second = [_said(doubted[place]) if model and rows[place][0] == "validation" else "" for place in sorted(doubted)]
    return replace(found, second=np.array(second, np.str_))


def _said(issue: LabelIssue) -> str:
    """Return the second opinion on a row, in words."""
    return f"{issue.suggested} {issue.suggested_probability:.2f}, as labelled {issue.given_probability:.2f}"


def _drawn(rows: Rows, encoder: Encoder, cache: EmbeddingCache, context: ToolContext) -> NDArray[np.float32]:
    def progress(done: float) -> None:
        context.progress(0.8 + 0.1 * done, "drawing the map")

    progress(0.0)
    return _places(rows, encoder, cache, context.seed, progress)


def _answered_by(model: Model, rows: Rows, answered: Answered, progress: Callable[[float], None]) -> None:
    """Let the model answer the rows that it has surely not seen."""
    asked = [place for place, (split, _) in enumerate(rows) if split in ("validation", "unlabelled")]
    for start in range(0, len(asked), BATCH_TEXTS):
        progress(start / len(asked))
        part = asked[start : start + BATCH_TEXTS]
        proba = model.predict_proba([rows[place][1].content for place in part])
        answered.take(part, proba, model.space.thresholds)


def _places(
    rows: Rows, encoder: Encoder, cache: EmbeddingCache, seed: int, progress: Callable[[float], None]
) -> NDArray[np.float32]:
    """Return where each row lies on the map (n, 2), 0 to 1: a sample as t-SNE puts it, the others between these."""
    if len(rows) < LEAST_TEXTS:
        return np.full((len(rows), 2), 0.5, np.float32)
    vectors = encoder.embed([row.content for _, row in rows], cache, progress)
    chosen = np.sort(np.random.default_rng(seed).permutation(len(rows))[:MOST_TEXTS])
    drawn = text_map(vectors[chosen], seed, cache.folder)
    found = np.empty((len(rows), 2), np.float32)
    for start in range(0, len(rows), CHUNK):
        alike = vectors[start : start + CHUNK] @ vectors[chosen].T
        nearest = np.argpartition(-alike, min(NEAREST, len(chosen) - 1), axis=1)[:, :NEAREST]
        weights = np.exp(20 * (np.take_along_axis(alike, nearest, 1) - 1))
        found[start : start + CHUNK] = (drawn[nearest] * (weights / weights.sum(1, keepdims=True))[:, :, None]).sum(1)
    found[chosen] = drawn
    low, high = found.min(0), found.max(0)
    scaled: NDArray[np.float32] = ((found - low) / np.maximum(high - low, 1e-9)).astype(np.float32)
    return scaled
