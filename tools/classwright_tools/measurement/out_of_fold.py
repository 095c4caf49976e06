"""Answers to training rows by classifiers that did not see them, nor the rows that resemble them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from classwright_tools.domain.example import Example
from classwright_tools.learning.calibration import fit_temperature, softmax
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder
from classwright_tools.learning.head import fit_head
from classwright_tools.learning.rows import label_numbers, training_rows
from classwright_tools.learning.splits import needed_folds, sampled_places
from classwright_tools.measurement.held_out import Answers

MOST_ROWS = 5_000  # enough to see which labels run together; five regressions on more take minutes
LEAST_ROWS = 10  # of each label that has so many
PENALTIES = (1.0, 10.0)  # inverse strengths, of which the likelier answers are taken: wrong labels ask for the first


def out_of_fold(
    rows: Sequence[Example],
    labels: tuple[str, ...],
    dataset: str,
    encoder: Encoder,
    cache: EmbeddingCache,
    seed: int,
    progress: Callable[[float], None],
) -> Answers:
    """Return calibrated answers to `rows`, each by a logistic regression on frozen embeddings of the other folds.

    Rows of one cell, and near-duplicates, are in one fold. Of more than `MOST_ROWS` rows a sample is answered, with
    at least `LEAST_ROWS` of each label that has so many, and all rows of the others.

    Raises:
        InvalidInput: a row's label is not one of `labels`.
        NotEnoughData: a label has fewer than two rows, or no row can be held out.
    """
    places = sampled_places(label_numbers(rows, labels), MOST_ROWS, LEAST_ROWS, seed)
    sample = [rows[place] for place in places]
    known = training_rows(sample, labels)
    folds = needed_folds(known, seed)
    embeddings = encoder.embed(known.texts, cache, lambda done: progress(0.5 * done))
    tried = np.zeros((len(PENALTIES), len(known), len(labels)))
    started = time.perf_counter()
    for number, (train, held_out) in enumerate(folds):
        progress(0.5 + 0.5 * number / len(folds))
        for logits, c in zip(tried, PENALTIES, strict=True):
            head = fit_head(embeddings[train], known.labels[train], len(labels), c=c)
            logits[held_out] = head.logits(embeddings[held_out])
    held = np.sort(np.concatenate([held_out for _, held_out in folds]))
    true = known.labels[held]
    answers = [softmax(logits[held] / fit_temperature(logits[held], true)) for logits in tried]
    likeliest = max(answers, key=lambda proba: np.log(proba[np.arange(len(true)), true] + 1e-12).sum())
    return Answers(
        dataset=dataset,
        rows=tuple(sample[place] for place in held),
        labels=labels,
        true=true,
        proba=likeliest,
        texts_per_second=len(held) / max(time.perf_counter() - started, 1e-6),
    )
