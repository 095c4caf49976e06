"""Linear classifiers on frozen embeddings of classes of very different sizes, and `imbalance="auto"`.

Each takes embeddings (n, d), classes (n,) and a seed, and returns a function from embeddings to logits (m, k).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from classwright_tools.augmentation.methods import Material, Recipe, generate
from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.domain.augmentation import GenerationMethod
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.learning.head import REGULARISATION, fit_head
from classwright_tools.learning.imbalance.balanced_heads import adjusted
from classwright_tools.learning.imbalance.balanced_network import fit_balanced
from classwright_tools.learning.imbalance.clusters import split_classes
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.setup import Setup

Logits = Callable[[np.ndarray], np.ndarray]
Linear = Callable[[np.ndarray, np.ndarray, int], Logits]


def _classes(labels: np.ndarray) -> int:
    return int(labels.max()) + 1


def weighted(embeddings: np.ndarray, labels: np.ndarray, _seed: int) -> Logits:
    return fit_head(embeddings, labels, _classes(labels), c=REGULARISATION, balanced=True).logits


def plain(embeddings: np.ndarray, labels: np.ndarray, _seed: int) -> Logits:
    return fit_head(embeddings, labels, _classes(labels), c=REGULARISATION).logits


def adjusted_afterwards(embeddings: np.ndarray, labels: np.ndarray, _seed: int) -> Logits:
    return adjusted(fit_head(embeddings, labels, _classes(labels), c=REGULARISATION), labels).logits


def lda(embeddings: np.ndarray, labels: np.ndarray, _seed: int) -> Logits:
    """Linear discriminant analysis with equal priors and a shrunk covariance (Ledoit and Wolf 2004)."""
    priors = np.full(_classes(labels), 1 / _classes(labels))
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=priors)
    model.fit(embeddings.astype(np.float64), labels)
    return lambda inputs: inputs.astype(np.float64) @ model.coef_.T + model.intercept_


def cluster_lda(embeddings: np.ndarray, labels: np.ndarray, seed: int) -> Logits:
    """Discriminant analysis of the clusters; a class's logit is the logarithm of the sum over its clusters."""
    torch.manual_seed(seed)
    clusters = split_classes(torch.from_numpy(embeddings), torch.from_numpy(labels))
    label = clusters.label.numpy()
    priors = 1 / (_classes(labels) * np.bincount(label)[label])
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=priors)
    model.fit(embeddings.astype(np.float64), clusters.of_row.numpy())

    def logits(inputs: np.ndarray) -> np.ndarray:
        scores = inputs.astype(np.float64) @ model.coef_.T + model.intercept_
        classes = range(_classes(labels))
        return np.stack([np.logaddexp.reduce(scores[:, label == number], axis=1) for number in classes], axis=1)

    return logits


def filled_up(embeddings: np.ndarray, labels: np.ndarray, seed: int, method: GenerationMethod) -> Logits:
    """Every class brought to as many rows as the largest by rows that `gan_augment` makes, as good as real ones."""
    names = tuple(map(str, range(_classes(labels))))
    material = Material(embeddings, labels, np.arange(len(labels)), names)
    made = generate(Recipe(method, int(np.bincount(labels).max()), 1.0, seed), material)
    together = np.concatenate([embeddings, made.embeddings]), np.concatenate([labels, made.labels])
    return fit_head(*together, len(names), c=REGULARISATION).logits


def chosen(embeddings: np.ndarray, labels: np.ndarray, seed: int) -> Logits:
    """What `train_classifier(method="probe", imbalance="auto")` fits."""
    setup = Setup(
        encoder=open_encoder(DEFAULT_ENCODER),
        cache=EmbeddingCache(Path(tempfile.gettempdir())),
        labels=tuple(map(str, range(_classes(labels)))),
        epochs=None,
        seed=seed,
        progress=lambda _done, _message: None,
        imbalance="auto",
    )
    rows = Rows(("",) * len(labels), labels, np.arange(len(labels)), "real")
    fitted = fit_balanced(embeddings, rows, setup)
    adapter = fitted.adapter
    assert adapter, "texts have the network as well"
    return lambda inputs: fitted.head.logits(adapter.apply(inputs))
