"""Rows by their meaning: the cosine similarity of their embeddings to a text's, or to another row's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from classwright_tools.domain.pair import parts
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder


def similarities(
    contents: Sequence[str], to: str, encoder: Encoder, cache: EmbeddingCache, progress: Callable[[float], None]
) -> NDArray[np.float32]:
    """Return the similarity (n,), -1 to 1, of each of `contents` to `to`; all may be texts or joined pairs.

    A pair is as near to a pair as their queries and their items are on average, and to a text as the nearer of its two
    texts is. The embeddings of `contents` are kept in `cache`, that of `to` is not: it is the caller's business.
    """
    wanted = encoder.embed(parts(to))
    columns = list(zip(*map(parts, contents), strict=True))
    alike = []
    for number, column in enumerate(columns):
        vectors = encoder.embed(column, cache, partial(_part, progress, number, len(columns)))
        alike.append(vectors @ wanted[number if len(wanted) > 1 else 0])
    found: NDArray[np.float32] = np.mean(alike, axis=0) if len(wanted) > 1 else np.max(alike, axis=0)
    return found


def _part(progress: Callable[[float], None], number: int, parts: int, done: float) -> None:
    """Tell `progress` that so much of part `number` is done."""
    progress((number + done) / parts)
