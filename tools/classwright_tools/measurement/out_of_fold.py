"""Answers to training rows by classifiers that did not see them, nor the rows that resemble them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from classwright_tools.domain.example import Example
from classwright_tools.learning.calibration import fit_temperature, softmax
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder
from classwright_tools.learning.head import Head, fit_head, fit_one_vs_rest
from classwright_tools.learning.label_space import sigmoid
from classwright_tools.learning.rows import Rows, label_numbers, label_sets, rarest_labels, training_rows
from classwright_tools.learning.several_labels.calibration import Scaling, f1_thresholds, fit_scaling
from classwright_tools.learning.side_by_side import side_by_side
from classwright_tools.learning.splits import answerable_folds, sampled_places
from classwright_tools.measurement.held_out import Answers
from classwright_tools.measurement.kept_files import kept_array

MOST_ROWS = 5_000  # enough to see which labels run together; five regressions on more take minutes
LEAST_ROWS = 10  # of each label that has so many
PENALTIES = (1.0, 10.0)  # inverse strengths, of which the likelier answers are taken: wrong labels ask for the first


@dataclass(frozen=True)
class Probe:
    """The logistic regression that answered: `c`, the inverse strength of its penalty, and what calibrates it."""

    c: float
    scaling: Scaling

    def fit(self, embeddings: np.ndarray, labels: np.ndarray, k: int) -> Head:
        """Return the head of `embeddings` (n, d) and `labels`, (n,) or of several (n, k); its logits are calibrated."""
        return self.scaling.scaled(_fit(embeddings, labels, k, self.c))


class OutOfFold(NamedTuple):
    """The answers to rows that were held out, and the probe that gave them, which can answer others on their scale."""

    answers: Answers
    probe: Probe


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
) -> OutOfFold:
    """Return calibrated answers to `rows`, each by a logistic regression on frozen embeddings of the other folds.

    With `several` a row may have several labels, and there is a regression a label.
    Rows of one cell, and near-duplicates, are in one fold; a row is left out if no other fold has a label of it. Of
    more than `MOST_ROWS` rows a sample is answered, with at least `LEAST_ROWS` of each label that has so many, and all
    rows of the others. The logits of the same rows in the same folds are kept.

    Raises:
        InvalidInput: a row's label is not one of `labels`.
        NotEnoughData: a label has fewer than two rows, or no row can be held out.
    """
    strata = rarest_labels(label_sets(rows, labels)) if several else label_numbers(rows, labels)
    places = sampled_places(strata, MOST_ROWS, LEAST_ROWS, seed)
    sample = [rows[place] for place in places]
    known = training_rows(sample, labels, several=several)
    folds = answerable_folds(known, seed)
    embeddings = encoder.embed(known.texts, cache, lambda done: progress(0.5 * done))
    held = np.sort(np.concatenate([held_out for _, held_out in folds]))
    true = known.labels[held]

    def tried() -> np.ndarray:
        fits = [(c, *fold) for c in PENALTIES for fold in folds]
        logits = side_by_side(
            lambda one: _logits(known, len(labels), embeddings, *one), fits, lambda done: progress(0.5 + 0.5 * done)
        )
        found = np.zeros((len(PENALTIES), len(known), len(labels)))
        for (c, _, held_out), own in zip(fits, logits, strict=True):
            found[PENALTIES.index(c), held_out] = own
        return found[:, held]

    of = (embeddings, known.labels, *(places for fold in folds for places in fold), np.array([len(labels), *PENALTIES]))
    proba, probe = _likeliest(kept_array(cache.folder, "out-of-fold-logits", of, tried), true)
    answers = Answers(
        dataset=dataset,
        rows=tuple(sample[place] for place in held),
        labels=labels,
        true=true,
        proba=proba,
        thresholds=tuple(f1_thresholds(proba).tolist()) if several else (),
    )
    return OutOfFold(answers, probe)


def _logits(
    rows: Rows, k: int, embeddings: np.ndarray, c: float, train: np.ndarray, held_out: np.ndarray
) -> np.ndarray:
    """Return the logits (m, k) of the rows at the places `held_out` (m,), by those at `train`."""
    return _fit(embeddings[train], rows.labels[train], k, c).logits(embeddings[held_out])


def _fit(embeddings: np.ndarray, labels: np.ndarray, k: int, c: float) -> Head:
    """Return the regression of `labels`, (n,) or of several (n, k), on `embeddings` (n, d)."""
    if labels.ndim > 1:
        return fit_one_vs_rest(embeddings, labels, c=c)
    return fit_head(embeddings, labels, k, c=c)


def _likeliest(tried: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, Probe]:
    """Return the calibrated probabilities (n, k) by the likelier of the penalties that were `tried`, and its probe.

    `tried` are the logits (p, n, k) by each of the `PENALTIES`, of rows whose labels are `true`, (n,) or (n, k).
    """
    probes = [Probe(c, _scaling(logits, true)) for c, logits in zip(PENALTIES, tried, strict=True)]
    to_probabilities = sigmoid if true.ndim > 1 else softmax
    answers = [to_probabilities(probe.scaling.of(logits)) for probe, logits in zip(probes, tried, strict=True)]
    return max(zip(answers, probes, strict=True), key=lambda one: _log_likelihood(one[0], true))


def _scaling(logits: np.ndarray, true: np.ndarray) -> Scaling:
    """Return what calibrates the logits (n, k) of rows whose labels are `true`; where they have one it is a slope."""
    if true.ndim > 1:
        return fit_scaling(logits, true)
    k = logits.shape[1]
    return Scaling(np.full(k, 1 / fit_temperature(logits, true)), np.zeros(k))


def _log_likelihood(proba: np.ndarray, true: np.ndarray) -> float:
    """Return the logarithm of how likely the labels `true`, (n,) or of several (n, k), are at `proba` (n, k)."""
    likely = np.where(true, proba, 1 - proba) if true.ndim > 1 else proba[np.arange(len(true)), true]
    return float(np.log(likely + 1e-12).sum())
