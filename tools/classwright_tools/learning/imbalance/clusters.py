"""Classes larger than the smallest, split into clusters of about its size: k-means with bounded sizes, class by class.

A row is compared with the centroids of its own class, at most `MOST_CLUSTERS` of them, never with other rows: the cost
is linear in the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

import torch

MOST_CLUSTERS = 64  # a class's
ROUNDS = 8  # of k-means; the clusters are assigned anew while training, so they need not settle here
SIZE_TOLERANCE = 0.25  # of the smallest class's size


@dataclass(frozen=True)
class Clusters:
    """The cluster (n,) of each row, and the class (c,) of each cluster; a class's clusters lie side by side."""

    of_row: torch.Tensor
    label: torch.Tensor


def cluster_counts(sizes: torch.Tensor) -> torch.Tensor:
    """Return into how many clusters each class is split, from the classes' rows (k,), none of them 0.

    It is the class's size over the smallest class's, rounded, from 1 to `MOST_CLUSTERS`.
    """
    return torch.floor(sizes / sizes.min() + 0.5).long().clamp(1, MOST_CLUSTERS)


def split_classes(embeddings: torch.Tensor, labels: torch.Tensor) -> Clusters:
    """Return the clusters of unit-length `embeddings` (n, d) whose classes (n,) are 0 to k - 1, each with a row."""
    sizes = torch.bincount(labels)
    counts = cluster_counts(sizes)
    of_row = torch.zeros_like(labels)
    for number, (count, first) in enumerate(zip(counts.tolist(), _firsts(counts), strict=True)):
        own = torch.nonzero(labels == number).squeeze(1)
        of_row[own] = first + _k_means(embeddings[own], count, int(sizes.min()))
    return Clusters(of_row=of_row, label=torch.repeat_interleave(torch.arange(len(counts)), counts))


def assigned_anew(clusters: Clusters, embeddings: torch.Tensor, centroids: torch.Tensor) -> Clusters:
    """Return the clusters with each row in the nearest of its own class's `centroids` (c, d) that has room."""
    labels = clusters.label[clusters.of_row]
    smallest = int(torch.bincount(labels).min())
    counts = torch.bincount(clusters.label)
    of_row = clusters.of_row.clone()
    for number, (count, first) in enumerate(zip(counts.tolist(), _firsts(counts), strict=True)):
        if count > 1:
            own = torch.nonzero(labels == number).squeeze(1)
            similarities = embeddings[own] @ centroids[first : first + count].T
            of_row[own] = first + bounded_assignment(similarities, *size_bounds(len(own), count, smallest))
    return Clusters(of_row=of_row, label=clusters.label)


def size_bounds(rows: int, count: int, smallest: int) -> tuple[int, int]:
    """Return the least and the most rows of each of `count` clusters of `rows` rows.

    They are within `SIZE_TOLERANCE` of the `smallest` class's size, or as near to it as equal clusters are.
    """
    low, high = ceil((1 - SIZE_TOLERANCE) * smallest), floor((1 + SIZE_TOLERANCE) * smallest)
    return min(low, rows // count), max(high, ceil(rows / count))


def bounded_assignment(similarities: torch.Tensor, low: int, high: int) -> torch.Tensor:
    """Return for each row the column (n,) of `similarities` (n, c) that it goes to, with `low` to `high` rows a column.

    The rows that are most alike to their column come first; one that finds it full goes to the next best with room.
    Then columns with too few rows take those that lose least. It wants c * low <= n <= c * high.
    """
    column_of = torch.full((len(similarities),), -1, dtype=torch.long)
    left = torch.arange(len(similarities))
    room = torch.full((similarities.shape[1],), high)
    open_columns = similarities.clone()
    while len(left):  # each round fills a column or ends
        best, wanted = open_columns[left].max(dim=1)
        order = torch.argsort(best, descending=True, stable=True)
        left, wanted = left[order], wanted[order]
        fits = _rank_in_group(wanted, len(room)) < room[wanted]
        column_of[left[fits]] = wanted[fits]
        room -= torch.bincount(wanted[fits], minlength=len(room))
        open_columns[:, room == 0] = float("-inf")
        left = left[~fits]
    _fill(column_of, similarities, low)
    return column_of


def _fill(column_of: torch.Tensor, similarities: torch.Tensor, low: int) -> None:
    """Move rows in place to the columns that have fewer than `low`, from those that have more."""
    counts = torch.bincount(column_of, minlength=similarities.shape[1]).tolist()
    for column in [column for column, count in enumerate(counts) if count < low]:
        own = similarities.gather(1, column_of[:, None]).squeeze(1)
        for row in torch.argsort(own - similarities[:, column], stable=True).tolist():
            if counts[column] == low:
                break
            giver = int(column_of[row])
            if counts[giver] > low:
                column_of[row] = column
                counts[giver] -= 1
                counts[column] += 1


def _rank_in_group(groups: torch.Tensor, count: int) -> torch.Tensor:
    """Return how many earlier entries of `groups` (n,), numbers under `count`, are equal to each."""
    by_group = torch.argsort(groups, stable=True)
    starts = torch.tensor(_firsts(torch.bincount(groups, minlength=count)))
    ranks = torch.empty_like(groups)
    ranks[by_group] = torch.arange(len(groups)) - starts[groups[by_group]]
    return ranks


def _k_means(embeddings: torch.Tensor, count: int, smallest: int) -> torch.Tensor:
    """Return the cluster (n,) under `count` of each row, by spherical k-means from a k-means++ start."""
    if count == 1:
        return torch.zeros(len(embeddings), dtype=torch.long)
    centroids = _far_apart(embeddings, count)
    bounds = size_bounds(len(embeddings), count, smallest)
    of_row = bounded_assignment(embeddings @ centroids.T, *bounds)
    for _ in range(ROUNDS):
        centroids = unit_means(embeddings, of_row, count)
        of_row = bounded_assignment(embeddings @ centroids.T, *bounds)
    return of_row


def _far_apart(embeddings: torch.Tensor, count: int) -> torch.Tensor:
    """Return `count` rows, each drawn with its squared distance to those before (Arthur and Vassilvitskii 2007)."""
    chosen = [int(torch.randint(len(embeddings), ()))]
    distances = 1 - embeddings @ embeddings[chosen[0]]
    for _ in range(count - 1):
        chosen.append(int(torch.multinomial(distances.clamp(min=1e-12), 1)))
        distances = torch.minimum(distances, 1 - embeddings @ embeddings[chosen[-1]])
    return embeddings[chosen]


def unit_means(embeddings: torch.Tensor, of_row: torch.Tensor, count: int) -> torch.Tensor:
    """Return the means (count, d) of the rows of each group, at unit length; of a group without rows, zeros."""
    sums = torch.zeros(count, embeddings.shape[1], dtype=embeddings.dtype).index_add_(0, of_row, embeddings)
    return torch.nn.functional.normalize(sums, dim=1)


def _firsts(counts: torch.Tensor) -> list[int]:
    """Return where each group starts when groups of `counts` (k,) lie side by side."""
    return (torch.cumsum(counts, 0) - counts).tolist()
