"""Clusters that stay as they are given while a network is trained, at a rate of one's own."""

from __future__ import annotations

import torch

from classwright_tools.learning.imbalance.cluster import ClusterTraining
from classwright_tools.learning.imbalance.clusters import Clusters


class StayingClusters(ClusterTraining):
    """The two stages with the clusters `given`."""

    def __init__(
        self, network: torch.nn.Module, inputs: torch.Tensor, labels: torch.Tensor, seed: int, given: Clusters
    ) -> None:
        super().__init__(network, inputs, labels, seed)
        self._given = given

    def split(self, _embeddings: torch.Tensor) -> Clusters:
        """Return the given clusters."""
        return self._given

    def moved(self, clusters: Clusters, _centroids: torch.Tensor) -> Clusters:
        """Return the clusters as they are."""
        return clusters


def unsplit(labels: torch.Tensor) -> Clusters:
    """Return the classes (n,), 0 to k - 1, as one cluster each."""
    return Clusters(of_row=labels, label=torch.arange(int(labels.max()) + 1))
