"""The method `cluster`: an adapter trained against the centroids of clusters as large as the smallest class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classwright_tools.learning.methods.method import EmbeddingMethod

if TYPE_CHECKING:
    from classwright_tools.learning.classifier import Classifier
    from classwright_tools.learning.rows import Rows
    from classwright_tools.learning.setup import Setup


class Cluster(EmbeddingMethod):
    """For classes of very different sizes: it makes up for rare labels by itself."""

    name = "cluster"
    summary = "for a class many times larger than others that mixes many subjects, seconds"
    cost = "quick"

    def fit(self, rows: Rows, setup: Setup) -> Classifier:
        """Return the frozen encoder with an adapter that was trained on clusters of `rows`, and its head."""
        from classwright_tools.learning.imbalance.cluster import fit_cluster

        return fit_cluster(rows, setup)
