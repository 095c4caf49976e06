"""Generated rows (embeddings), and the interface that gives them to a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from classwright_tools.learning.rows import Rows


@dataclass(frozen=True)
class Generated:
    """Embeddings (m, d), label numbers (m,), and how many real rows each counts for (m,)."""

    embeddings: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.labels)


class RowSource(Protocol):
    """Generates rows beside the real ones."""

    @property
    def penalty(self) -> float:
        """The classifier's C that goes with them."""
        ...

    def beside(self, rows: Rows, embeddings: npt.NDArray[np.float32]) -> Generated:
        """Return rows generated from `rows` and their `embeddings` (n, d) alone, and from no row held out of them."""
        ...
