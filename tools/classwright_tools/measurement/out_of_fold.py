"""Answers to training rows by classifiers that did not see them, nor the rows that resemble them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from classwright_tools.domain.example import Example
from classwright_tools.learning.calibration import fit_temperature, softmax
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder
from classwright_tools.learning.head import fit_head, fit_one_vs_rest
from classwright_tools.learning.rows import Rows, label_numbers, label_sets, rarest_labels, training_rows
from classwright_tools.learning.several_labels.calibration import f1_thresholds, fit_scaling
from classwright_tools.learning.side_by_side import side_by_side
from classwright_tools.learning.splits import needed_folds, sampled_places
from classwright_tools.measurement.held_out import Answers
from classwright_tools.measurement.kept_files import kept_array

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
    *,
    several: bool = False,
) -> Answers:
    """Return calibrated answers to `rows`, each by a logistic regression on frozen embeddings of the other folds.

    With `several` a row may have several labels, and there is a regression a label.
    Rows of one cell, and near-duplicates, are in one fold. Of more than `MOST_ROWS` rows a sample is answered, with
    at least `LEAST_ROWS` of each label that has so many, and all rows of the others. What was answered to the same
    rows in the same folds before is kept.

    Raises:
        InvalidInput: a row's label is not one of `labels`.
        NotEnoughData: a label has fewer than two rows, or no row can be held out.
    """
    strata = rarest_labels(label_sets(rows, labels)) if several else label_numbers(rows, labels)
    places = sampled_places(strata, MOST_ROWS, LEAST_ROWS, seed)
    sample = [rows[place] for place in places]
    known = training_rows(sample, labels, several=several)
    folds = needed_folds(known, seed)
    embeddings = encoder.embed(known.texts, cache, lambda done: progress(0.5 * done))
    held = np.sort(np.concatenate([held_out for _, held_out in folds]))
    true = known.labels[held]

    def likeliest() -> np.ndarray:
        fits = [(c, *fold) for c in PENALTIES for fold in folds]
        logits = side_by_side(
            lambda one: _logits(known, len(labels), embeddings, *one), fits, lambda done: progress(0.5 + 0.5 * done)
        )
        tried = np.zeros((len(PENALTIES), len(known), len(labels)))
        for (c, _, held_out), own in zip(fits, logits, strict=True):
            tried[PENALTIES.index(c), held_out] = own
        answers = [_calibrated(logits[held], true) for logits in tried]
        return max(answers, key=lambda proba: _log_likelihood(proba, true))

    of = (embeddings, known.labels, *(places for fold in folds for places in fold), np.array([len(labels), *PENALTIES]))
    proba = kept_array(cache.folder, "out-of-fold", of, likeliest)
    return Answers(
        dataset=dataset,
        rows=tuple(sample[place] for place in held),
        labels=labels,
        true=true,
        proba=proba,
        thresholds=tuple(f1_thresholds(proba).tolist()) if several else (),
    )


def _logits(
    rows: Rows, k: int, embeddings: np.ndarray, c: float, train: np.ndarray, held_out: np.ndarray
) -> np.ndarray:
    """Return the logits (m, k) of the rows at the places `held_out` (m,), by those at `train`."""
    if rows.several:
        head = fit_one_vs_rest(embeddings[train], rows.labels[train], c=c)
    else:
        head = fit_head(embeddings[train], rows.labels[train], k, c=c)
    return head.logits(embeddings[held_out])


def _calibrated(logits: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return the calibrated probabilities (n, k) of labels (n,), or of each of several (n, k)."""
    if true.ndim > 1:
        return fit_scaling(logits, true).probabilities(logits)
    return softmax(logits / fit_temperature(logits, true))


def _log_likelihood(proba: np.ndarray, true: np.ndarray) -> float:
    """Return the logarithm of how likely the labels `true`, (n,) or of several (n, k), are at `proba` (n, k)."""
    likely = np.where(true, proba, 1 - proba) if true.ndim > 1 else proba[np.arange(len(true)), true]
    return float(np.log(likely + 1e-12).sum())
