"""Running centroids: where each cluster lies while the embeddings move, without embedding all of its rows again."""

from __future__ import annotations

import torch

from classwright_tools.learning.imbalance.clusters import Clusters, unit_means

KEPT = 0.9  # of a centroid at each step that has rows of its cluster


class RunningCentroids:
    """The centroids `values` (c, d) of clusters, of unit length; no gradient flows through them."""

    def __init__(self, embeddings: torch.Tensor, clusters: Clusters) -> None:
        """Start from the mean of each cluster's rows in `embeddings` (n, d)."""
        self.values = unit_means(embeddings.detach(), clusters.of_row, len(clusters.label))

    def update(self, embeddings: torch.Tensor, of_row: torch.Tensor) -> None:
        """Move the centroids of the clusters in a batch: mu <- normalise(0.9 mu + 0.1 mean of the batch's rows).

        `embeddings` (b, d) are the batch's, `of_row` (b,) their clusters. The other centroids stay.
        """
        rows = torch.bincount(of_row, minlength=len(self.values))
        sums = torch.zeros_like(self.values).index_add_(0, of_row, embeddings.detach())
        seen = rows > 0
        means = sums[seen] / rows[seen, None]
        self.values[seen] = torch.nn.functional.normalize(KEPT * self.values[seen] + (1 - KEPT) * means, dim=1)
