"""What the tests of `imbalance="auto"` share: a setup, and rows of which the embeddings alone matter."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.setup import Progress, Setup


def silent(_done: float, _message: str) -> None:
    """Report progress to nobody."""
    return


def setup_of(k: int, folder: Path, progress: Progress = silent) -> Setup:
    """Return a setup for `k` labels with `imbalance="auto"`, its cache in `folder`."""
    return Setup(
        encoder=open_encoder(DEFAULT_ENCODER),
        cache=EmbeddingCache(folder),
        labels=tuple(map(str, range(k))),
        epochs=None,
        seed=0,
        progress=progress,
        imbalance="auto",
    )


def rows_of(labels: np.ndarray) -> Rows:
    """Return rows with these labels, each a group of its own; their texts do not matter."""
    return Rows(tuple(map(str, range(len(labels)))), labels, np.arange(len(labels)), "real")
