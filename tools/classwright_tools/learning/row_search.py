"""Rows by their meaning: the cosine similarity of their embeddings to a text's, or to another row's."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from classwright_tools.domain.pair import parts
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder

MOST_HELD, MOST_HELD_BYTES = 2, 160 * 2**20
"""Columns of texts whose embeddings are held, and the size of one: 100,000 texts at 384 dimensions."""
_held: dict[bytes, NDArray[np.float32]] = {}


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
        vectors = _vectors(column, encoder, cache, partial(_part, progress, number, len(columns)))
        alike.append(vectors @ wanted[number if len(wanted) > 1 else 0])
    found: NDArray[np.float32] = np.mean(alike, axis=0) if len(wanted) > 1 else np.max(alike, axis=0)
    return found


def _vectors(
    texts: Sequence[str], encoder: Encoder, cache: EmbeddingCache, progress: Callable[[float], None]
) -> NDArray[np.float32]:
    """Return the embeddings (n, d) of `texts`; those of the last search in this process are held in memory."""
    key = hashlib.sha256("\x00".join((encoder.ref.digest, *texts)).encode("utf-8", "surrogatepass")).digest()
    if key not in _held:
        vectors = encoder.embed(texts, cache, progress)
        if vectors.nbytes > MOST_HELD_BYTES:
            return vectors
        if len(_held) == MOST_HELD:
            _held.pop(next(iter(_held)))
        _held[key] = vectors
    return _held[key]


def _part(progress: Callable[[float], None], number: int, parts: int, done: float) -> None:
    """Tell `progress` that so much of part `number` is done."""
    progress((number + done) / parts)
