"""The method `knn`: a text gets the labels of the training rows that lie nearest, the nearest counting most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classwright_tools.learning.methods.method import Method

if TYPE_CHECKING:  # what is heavy is imported where it is used: the server reads this file at its start
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

    from classwright_tools.domain.cards import ModelCard
    from classwright_tools.learning.classifier import Classifier, Tell
    from classwright_tools.learning.embedding_cache import EmbeddingCache
    from classwright_tools.learning.encoders import Encoder
    from classwright_tools.learning.rows import Rows
    from classwright_tools.learning.setup import Setup

NEAREST = 10  # rows that vote
SHARPNESS = 20.0  # of a vote's weight in the cosine
LEAST = 1e-6  # a share of 0 has no logarithm
FILE = "neighbours.safetensors"


@dataclass(frozen=True)
class Neighbours:
    """The training rows' unit-length embeddings (n, d), their label numbers (n,), and the number of labels."""

    encoder: Encoder
    embeddings: np.ndarray
    labels: np.ndarray
    k: int
    cache: EmbeddingCache | None = None
    tuned: bool = False

    def embed(self, texts: Sequence[str], tell: Tell | None = None) -> np.ndarray:
        """Return the encoder's embeddings (n, d)."""
        return self.encoder.embed(texts, self.cache, tell)

    def logits(self, texts: Sequence[str], tell: Tell | None = None) -> np.ndarray:
        """Return the logarithms (n, k) of the labels' shares of the votes."""
        import numpy as np

        cosines = self.embed(texts, tell).astype(np.float64) @ self.embeddings.T
        votes = np.exp(SHARPNESS * cosines)
        if votes.shape[1] > NEAREST:
            votes[votes < np.partition(votes, -NEAREST, axis=1)[:, -NEAREST, None]] = 0
        shares: np.ndarray = votes @ np.eye(self.k)[self.labels] / votes.sum(axis=1, keepdims=True)
        logits: np.ndarray = np.log(np.maximum(shares, LEAST))
        return logits

    def save(self, folder: Path) -> None:
        """Write the rows into `folder`; the frozen encoder is named by the card."""
        from safetensors.numpy import save_file

        save_file({"embeddings": self.embeddings, "labels": self.labels}, folder / FILE)


class NearestNeighbours(Method):
    """Nothing is trained: good where a label has many ways to be said and rows of each."""

    name = "knn"
    summary = "the nearest training rows vote, seconds"
    cost = "quick"
    cross_validated = True

    def fit(self, rows: Rows, setup: Setup) -> Classifier:
        """Return the embeddings of `rows`."""
        return Neighbours(setup.encoder, setup.embed(rows.texts), rows.labels, setup.k, setup.cache)

    def load(self, folder: Path, card: ModelCard, encoder: Encoder, cache: EmbeddingCache | None) -> Classifier:
        """Return the rows in `folder`."""
        from safetensors.numpy import load_file

        from classwright_tools.learning.classifier import OtherShapes

        tensors, k = load_file(folder / FILE), len(card.labels)
        embeddings, labels = tensors["embeddings"], tensors["labels"]
        if embeddings.shape != (len(labels), encoder.dimension) or labels.min() < 0 or labels.max() >= k:
            raise OtherShapes
        return Neighbours(encoder, embeddings, labels, k, cache)
