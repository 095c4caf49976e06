"""The setup of a training: the encoder, the labels, and what is said of it besides the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from classwright_tools.domain.shares import TaskShares
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder
from classwright_tools.learning.generated import RowSource
from classwright_tools.learning.matching.settings import MiningSettings, NegativeKind
from classwright_tools.learning.methods.method import Imbalance

if TYPE_CHECKING:
    from classwright_tools.learning.time_limit import TimeLimit

Progress = Callable[[float, str], None]
"""Reports the share done (0 to 1) and what is being done; raises `Cancelled` when the caller asked to stop."""


@dataclass(frozen=True)
class PairSetup:
    """What is said of a pair task besides the rows.

    `mismatch` is the number of the label of that name, None where the task has none. `negatives` are what a matcher
    makes of matches, a kind that is named twice twice as often, and `mining` says how mined ones are found.
    `unlabelled` are pairs that nobody has labelled, joined, which a matcher takes for rows of the label
    `unlabelled_as`.
    """

    mismatch: int | None = None
    negatives: tuple[NegativeKind, ...] = ()
    mining: MiningSettings = field(default_factory=MiningSettings)
    unlabelled: tuple[str, ...] = ()
    unlabelled_as: int = 0


@dataclass(frozen=True)
class Setup:
    """What training works with besides the rows.

    `labels` are the names of the k labels, `pairs` is None for single texts, `imbalance` is what the request says;
    `row_source` generates rows to train on beside the real ones, for the probe. `known` are the labels' shares where
    the model will be used, as a person stated them or as labels for random texts of there have them, or `unknown` says
    why such labels do not tell them; else the `unlabelled` texts of there may. `penalty` is the probe's C where several
    fits must have the same; else each chooses its own. The `limit` is of the methods that are compared.
    """

    encoder: Encoder
    cache: EmbeddingCache
    labels: tuple[str, ...]
    epochs: int | None
    seed: int
    progress: Progress
    pairs: PairSetup | None = None
    imbalance: Imbalance = "none"
    row_source: RowSource | None = None
    known: TaskShares | None = None
    unknown: str = ""
    unlabelled: tuple[str, ...] = ()
    penalty: float | None = None
    limit: TimeLimit | None = None

    @property
    def k(self) -> int:
        """The number of labels."""
        return len(self.labels)

    @property
    def balanced(self) -> bool:
        """Whether a head weighs each class by the inverse of its rows."""
        return self.imbalance == "class_weights"

    @property
    def mismatch(self) -> int | None:
        """The number of a pair task's mismatch label; None where there is none."""
        return self.pairs.mismatch if self.pairs else None

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return the frozen encoder's embeddings (n, d) of `texts`, from the cache where they are there."""
        return self.encoder.embed(texts, self.cache, self.embedding)

    def embedding(self, done: float) -> None:
        """Report the share `done` of texts that are embedded."""
        self.progress(done, "embedding texts")
