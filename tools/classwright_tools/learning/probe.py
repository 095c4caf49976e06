"""Logistic regression on the embeddings of a frozen encoder, its penalty chosen by cross-validation."""

from __future__ import annotations

from itertools import product

import numpy as np

from classwright_tools.learning.classifier import EmbeddingClassifier
from classwright_tools.learning.generated import RowSource
from classwright_tools.learning.head import CANDIDATES, CHOOSING_ROWS, REGULARISATION, Head, fit_head, fit_one_vs_rest
from classwright_tools.learning.imbalance.balanced_heads import adjusted_as_asked
from classwright_tools.learning.imbalance.balanced_network import fit_balanced
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.setup import Setup
from classwright_tools.learning.side_by_side import side_by_side
from classwright_tools.learning.splits import grouped_folds

CHOOSING_FOLDS = 3
LEAST_CHOOSING_ROWS = 50  # with fewer they choose no penalty


def fit_probe(rows: Rows, setup: Setup) -> EmbeddingClassifier:
    """Return the logistic regression on frozen embeddings, its penalty chosen by grouped cross-validation.

    Where rows have several labels it is one regression a label. With imbalance "auto" it is the average of one that
    counts labels alike and of a small network that does so too.
    """
    embeddings = setup.embed(rows.texts)
    if setup.row_source:
        return _with_generated(rows, embeddings, setup.row_source, setup)
    if setup.imbalance == "auto":
        return fit_balanced(embeddings, rows, setup)
    c = setup.penalty or choose_regularisation(embeddings, rows, setup)
    head = _fitted(embeddings, rows, setup, c)
    if not rows.several:
        head = adjusted_as_asked(head, rows, setup)
    return EmbeddingClassifier(encoder=setup.encoder, head=head, cache=setup.cache)


def _fitted(embeddings: np.ndarray, rows: Rows, setup: Setup, c: float) -> Head:
    """Return the logistic regression of the rows' labels, or one a label where rows have several."""
    if rows.several:
        return fit_one_vs_rest(embeddings, rows.labels, c=c, balanced=setup.balanced)
    return fit_head(embeddings, rows.labels, setup.k, c=c, balanced=setup.balanced)


def _with_generated(rows: Rows, embeddings: np.ndarray, source: RowSource, setup: Setup) -> EmbeddingClassifier:
    made = source.beside(rows, embeddings)
    head = fit_head(
        np.concatenate([embeddings, made.embeddings]),
        np.concatenate([rows.labels, made.labels]),
        setup.k,
        c=source.penalty,
        balanced=setup.balanced,
        row_weights=np.concatenate([np.ones(len(rows)), made.weights]),
    )
    return EmbeddingClassifier(encoder=setup.encoder, head=head, cache=setup.cache)


def choose_regularisation(embeddings: np.ndarray, rows: Rows, setup: Setup) -> float:
    """Return the C of `CANDIDATES` with the best accuracy over grouped folds; the smallest of equals.

    Where rows have several labels it is the one by which these are the likeliest. With too few rows to compare, or none
    that can be held out, it is `REGULARISATION`.
    """
    if len(rows) < LEAST_CHOOSING_ROWS:
        return REGULARISATION
    places = np.random.default_rng(setup.seed).permutation(len(rows))[:CHOOSING_ROWS]
    sample, vectors = rows.take(places), embeddings[places]
    folds = grouped_folds(sample, setup.seed, CHOOSING_FOLDS)
    if not folds:
        return REGULARISATION

    def merit(c: float, fold: tuple[np.ndarray, np.ndarray]) -> float:
        train, held_out = fold
        logits = _fitted(vectors[train], sample.take(train), setup, c).logits(vectors[held_out])
        return _merit(logits, sample.labels[held_out])

    def tell(done: float) -> None:
        setup.progress(done, "choosing the penalty of the logistic regression")

    merits = side_by_side(lambda one: merit(*one), list(product(CANDIDATES, folds)), tell)
    return CANDIDATES[int(np.reshape(merits, (len(CANDIDATES), len(folds))).sum(axis=1).argmax())]


def _merit(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return how many answers are right; of several labels, their log-likelihood."""
    if labels.ndim > 1:
        return float((labels * logits - np.logaddexp(0, logits)).sum())
    return float((logits.argmax(axis=1) == labels).sum())
