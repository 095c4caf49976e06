"""The partner of the networks, and the teacher of the negatives: what words and aligned embeddings say of a pair.

It is a logistic regression on the ten lexical features and, where there were matches enough to learn an alignment from,
the aligned cosine. It learns from the labelled pairs alone and needs few of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classwright_tools.learning.matching.alignment import Aligned, Alignment
from classwright_tools.learning.matching.linear import LinearModel
from classwright_tools.learning.matching.table import PairTable


@dataclass(frozen=True)
class Partner:
    """The linear model, and the alignment whose cosine is its last feature, if there is one."""

    alignment: Alignment | None
    model: LinearModel

    def over(self, table: PairTable) -> PartnerOver:
        """Return the partner at work on the pairs of `table`."""
        return PartnerOver(self.model, table, self.alignment.over(table) if self.alignment else None)


@dataclass(frozen=True)
class PartnerOver:
    """A partner with the table that it judges pairs of, and the table's aligned embeddings."""

    model: LinearModel
    table: PairTable
    aligned: Aligned | None

    def probabilities(self, queries: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the probabilities (n, k) of the pairs of places `queries` (n,) and `items` (n,)."""
        return self.model.probabilities(partner_features(self.table, queries, items, self.aligned))


def fit_partner(
    table: PairTable, queries: np.ndarray, items: np.ndarray, labels: np.ndarray, k: int, alignment: Alignment | None
) -> Partner:
    """Return the partner of the `labels` (n,), numbers under k, of the pairs of places `queries` (n,), `items` (n,)."""
    features = partner_features(table, queries, items, alignment.over(table) if alignment else None)
    return Partner(alignment=alignment, model=LinearModel.fit(features, labels, k))


def partner_features(table: PairTable, queries: np.ndarray, items: np.ndarray, aligned: Aligned | None) -> np.ndarray:
    """Return the lexical features and, if there is an alignment, its cosine: (n, 10) or (n, 11)."""
    lexical = table.lexical(queries, items)
    return lexical if aligned is None else np.column_stack([lexical, aligned.cosines(queries, items)])
