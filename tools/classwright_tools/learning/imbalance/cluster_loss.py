"""The loss of embeddings against the clusters' centroids: near the own one, far from the nearest of another class."""

from __future__ import annotations

import torch

CLASS_MARGIN = 1.0  # between the own centroid and the nearest one of another class, in squared distance (0 to 4)
SIBLING_MARGIN = 0.2  # between the own centroid and the nearest other one of the same class


def cluster_loss(
    embeddings: torch.Tensor, of_row: torch.Tensor, centroids: torch.Tensor, label: torch.Tensor
) -> torch.Tensor:
    """Return the mean loss of unit-length `embeddings` (b, d) whose clusters are `of_row` (b,).

    `centroids` (c, d) are the clusters' and `label` (c,) their classes. With D the squared distance, own, sib and neg
    the own centroid, the nearest other one of the class and the nearest one of another class:

        [D(own) - D(neg) + m]+ + [D(sib) - D(neg) + m/2]+ + [D(own) - D(sib) + s]+

    the last two only where the class has another cluster. Each row is compared with the c centroids alone. The form is
    that of the quintuplet loss of Huang et al. 2016 ("Learning Deep Representation for Imbalanced Classification",
    section 3.2), with centroids in place of rows.
    """
    distances = 2 - 2 * embeddings @ centroids.T
    same_class = label[of_row][:, None] == label[None, :]
    own = distances.gather(1, of_row[:, None]).squeeze(1)
    itself = torch.nn.functional.one_hot(of_row, len(label)).bool()
    other_class = distances.masked_fill(same_class, float("inf")).min(dim=1).values
    sibling = distances.masked_fill(~same_class | itself, float("inf")).min(dim=1).values
    losses = torch.relu(own - other_class + CLASS_MARGIN)
    split = torch.isfinite(sibling)
    losses = losses.masked_scatter(
        split,
        losses[split]
        + torch.relu(sibling[split] - other_class[split] + CLASS_MARGIN / 2)
        + torch.relu(own[split] - sibling[split] + SIBLING_MARGIN),
    )
    return losses.mean()
