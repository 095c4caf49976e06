"""The labelled sets that the benchmarks read: a folder a set, `train.jsonl.gz` and `test.jsonl.gz`."""

from __future__ import annotations

import gzip
import json
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import open_encoder

# Embeddings outlive a run: the same texts are asked for by every table.
CACHE = Path(tempfile.gettempdir()) / "classwright-benchmarks"


@dataclass(frozen=True)
class LabelledTexts:
    """Texts and their labels, in one order."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]

    def embeddings(self) -> np.ndarray:
        """Return the default encoder's unit-length embeddings (n, 384), float32."""
        return open_encoder(DEFAULT_ENCODER).embed(self.texts, EmbeddingCache(CACHE))


@cache
def read_split(folder: Path, name: str, split: str) -> LabelledTexts:
    """Return the rows of `split` ("train" or "test") of the set `name`, in the file's order."""
    with gzip.open(folder / name / f"{split}.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return LabelledTexts(tuple(row["text"] for row in rows), tuple(row["label"] for row in rows))
