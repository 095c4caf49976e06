"""An encoder of pairs: what a linear classifier needs of the embeddings of a query and of an item.

The features are those of InferSent (Conneau et al. 2017, section 3.1): both embeddings, how they differ in each
dimension, and where they agree. A product of two unit-length vectors of d dimensions is about 1/d in each, and a
difference is smaller than a part, so both are scaled up: one penalty then fits all parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from classwright_tools.domain.pair import apart
from classwright_tools.domain.task import TaskKind
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder

if TYPE_CHECKING:
    import torch

Vectors = TypeVar("Vectors", np.ndarray, "torch.Tensor")
DIFFERENCE_SCALE, PRODUCT_SCALE = 4.0, 16.0


@dataclass(frozen=True)
class PairEncoder(Encoder):
    """A sentence encoder that embeds the two texts of a pair each for itself, and no text twice."""

    def embed(
        self,
        texts: Sequence[str],
        cache: EmbeddingCache | None = None,
        on_progress: Callable[[float], None] | None = None,
    ) -> np.ndarray:
        """Return the features (n, 4 d), float32, of the pairs `texts`, each joined as `domain/pair.py` says."""
        queries, items = pair_columns(texts)
        vectors = super().embed([*queries, *items], cache, on_progress)
        return pair_features(vectors[: len(queries)], vectors[len(queries) :])

    def missing(self, texts: Sequence[str], cache: EmbeddingCache) -> list[str]:
        """Return those of the different queries and items of the pairs `texts` that are not in `cache`."""
        queries, items = pair_columns(texts)
        return super().missing([*queries, *items], cache)

    @property
    def dimension(self) -> int:
        """The number of features of a pair."""
        return 4 * super().dimension


def pair_columns(contents: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the queries and the items of pairs that are joined as `domain/pair.py` says."""
    pairs = [apart(content) for content in contents]
    return tuple(query for query, _ in pairs), tuple(item or "" for _, item in pairs)


def pair_features(queries: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Return the features (n, 4 d) of the embeddings of n queries and of their items, both (n, d)."""
    return np.concatenate(pair_parts(queries, items), axis=1)


def pair_parts(queries: Vectors, items: Vectors) -> tuple[Vectors, ...]:
    """Return the four parts (n, d) of the features of n queries and of their items, arrays or tensors (n, d)."""
    return queries, items, DIFFERENCE_SCALE * abs(queries - items), PRODUCT_SCALE * (queries * items)


def text_encoder(encoder: Encoder) -> Encoder:
    """Return what `encoder`, of texts or of pairs, embeds single texts with."""
    return Encoder(ref=encoder.ref, model=encoder.model)


def encoder_for(kind: TaskKind, encoder: Encoder) -> Encoder:
    """Return `encoder` as it embeds the rows of a task of `kind`."""
    return PairEncoder(ref=encoder.ref, model=encoder.model) if kind == "pair" else encoder
