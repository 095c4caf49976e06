"""Clusters of the smallest class's size, their running centroids, and a loss whose cost is linear in the rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from classwright_tools.learning.imbalance.centroids import RunningCentroids
from classwright_tools.learning.imbalance.cluster import ClusterTraining
from classwright_tools.learning.imbalance.cluster_loss import CLASS_MARGIN, SIBLING_MARGIN, cluster_loss
from classwright_tools.learning.imbalance.clusters import (
    MOST_CLUSTERS,
    Clusters,
    assigned_anew,
    bounded_assignment,
    cluster_counts,
    split_classes,
)
from classwright_tools.learning.imbalance.networks import AdapterNetwork, embed_all


def points(sizes: list[int], dimension: int = 16, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Return unit-length points in clumps of uneven size, and their classes, in a random order."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    labels = labels[torch.randperm(len(labels), generator=generator)]
    clumps = torch.randn(30, dimension, generator=generator)
    clump_of = (30 * torch.rand(len(labels), generator=generator) ** 2).long()
    noise = 0.3 * torch.randn(len(labels), dimension, generator=generator)
    return torch.nn.functional.normalize(clumps[clump_of] + noise, dim=1), labels


@pytest.mark.parametrize("ratio", [(6, 1, 2, 16), (2, 2, 1, 26), (1, 1), (1, 40)])
def test_clusters_have_the_smallest_classs_size_within_a_quarter(ratio: tuple[int, ...]) -> None:
    embeddings, labels = points([20 * part for part in ratio])
    clusters = split_classes(embeddings, labels)
    assert torch.bincount(clusters.label).tolist() == list(ratio)
    again = assigned_anew(clusters, embeddings, torch.randn(len(clusters.label), 16))
    for found in (clusters, again):
        sizes = torch.bincount(found.of_row)
        assert sizes.min() >= 15
        assert sizes.max() <= 25


def test_a_class_is_split_into_sixty_four_clusters_at_most() -> None:
    assert cluster_counts(torch.tensor([3, 7, 8, 10_000])).tolist() == [1, 2, 3, MOST_CLUSTERS]


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 60), min_size=2, max_size=5),
    seed=st.integers(0, 1000),
)
def test_no_assignment_ever_moves_a_row_into_another_class(sizes: list[int], seed: int) -> None:
    embeddings, labels = points(sizes, seed=seed)
    clusters = split_classes(embeddings, labels)
    assert torch.equal(clusters.label[clusters.of_row], labels)
    again = assigned_anew(clusters, embeddings, torch.randn(len(clusters.label), 16))
    assert torch.equal(again.label[again.of_row], labels)
    assert (torch.bincount(again.of_row, minlength=len(again.label)) > 0).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 8), st.integers(0, 1000))
def test_columns_keep_their_bounds_and_ties_of_all_rows_do_no_harm(rows: int, columns: int, seed: int) -> None:
    columns = min(rows, columns)
    low, high = rows // columns, -(-rows // columns)
    similarities = torch.rand(rows, columns, generator=torch.Generator().manual_seed(seed)).round(decimals=1)
    counts = torch.bincount(bounded_assignment(similarities, low, high), minlength=columns)
    assert low <= counts.min()
    assert counts.max() <= high


def test_rows_go_to_their_most_similar_column_where_there_is_room() -> None:
    similarities = torch.rand(40, 3)
    assert torch.equal(bounded_assignment(similarities, 0, 40), similarities.argmax(dim=1))


def test_running_centroids_follow_their_formula_and_carry_no_gradient() -> None:
    embeddings, labels = points([6, 6])
    clusters = split_classes(embeddings, labels)
    centroids = RunningCentroids(embeddings, clusters)
    first = torch.nn.functional.normalize(embeddings[labels == 0].mean(dim=0), dim=0)
    torch.testing.assert_close(centroids.values[0], first)

    batch = torch.nn.functional.normalize(torch.randn(3, 16), dim=1).requires_grad_()
    before = centroids.values.clone()
    centroids.update(batch, torch.tensor([0, 0, 0]))
    moved = 0.9 * before[0] + 0.1 * batch.detach().mean(dim=0)
    torch.testing.assert_close(centroids.values[0], moved / moved.norm())
    assert torch.equal(centroids.values[1], before[1])
    assert not centroids.values.requires_grad


def test_the_loss_is_the_sum_of_its_three_hinges() -> None:
    embeddings, _ = points([3, 4])
    centroids = torch.nn.functional.normalize(torch.randn(4, 16), dim=1)
    label = torch.tensor([0, 1, 1, 1])
    of_row = torch.tensor([0, 0, 1, 2, 3, 3, 2])
    expected = []
    for row, cluster in zip(embeddings.tolist(), of_row.tolist(), strict=True):
        far = [sum((a - b) ** 2 for a, b in zip(row, centre, strict=True)) for centre in centroids.tolist()]
        negative = min(d for d, other in zip(far, label.tolist(), strict=True) if other != label[cluster])
        loss = max(0.0, far[cluster] - negative + CLASS_MARGIN)
        if label[cluster] == 1:
            sibling = min(far[other] for other in (1, 2, 3) if other != cluster)
            loss += max(0.0, sibling - negative + CLASS_MARGIN / 2) + max(0.0, far[cluster] - sibling + SIBLING_MARGIN)
        expected.append(loss)
    found = cluster_loss(embeddings, of_row, centroids, label)
    assert float(found) == pytest.approx(np.mean(expected), abs=1e-5)


def test_clusters_follow_the_embeddings() -> None:
    inputs, labels = points([40, 200])
    torch.manual_seed(0)
    training = ClusterTraining(AdapterNetwork(16), inputs, labels, 0)
    first = training.learn_embedding(1, lambda _: None)
    assert not torch.equal(training.learn_embedding(130, lambda _: None).of_row, first.of_row)


def test_the_clusters_hold_while_the_classifier_is_trained() -> None:
    generator = torch.Generator().manual_seed(0)
    clumps, of_row = torch.randn(6, 16, generator=generator), torch.arange(6).repeat_interleave(40)
    noise = 1.2 * torch.randn(240, 16, generator=generator)
    inputs = torch.nn.functional.normalize(clumps[of_row] + noise, dim=1)
    clusters = Clusters(of_row=of_row, label=torch.tensor([0, 1, 1, 1, 1, 1]))
    torch.manual_seed(0)
    network = AdapterNetwork(16)
    head = ClusterTraining(network, inputs, clusters.label[of_row], 0).train_classifier(clusters, 60, lambda _: None)
    embeddings = embed_all(network, inputs)
    assert (head(embeddings).argmax(dim=1) == clusters.label[of_row]).float().mean() > 0.9
    centroids = RunningCentroids(embeddings, clusters).values
    assert cluster_loss(embeddings, of_row, centroids, clusters.label) < 0.05


class CountedElements(TorchDispatchMode):
    """Counts the elements that torch's operations make: the size of the work, whatever the machine."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0
        self.largest = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204  # torch's signature
        made = func(*args, **(kwargs or {}))
        if isinstance(made, torch.Tensor):
            self.total += made.numel()
            self.largest = max(self.largest, made.numel())
        return made


def cost(rows: int) -> CountedElements:
    """Return what a pass over `rows` rows at 1:1:8 costs."""
    inputs, labels = points([rows // 10, rows // 10, rows * 8 // 10], dimension=32)
    torch.manual_seed(0)
    with CountedElements() as counted:
        ClusterTraining(AdapterNetwork(32), inputs, labels, 0).learn_embedding(rows // 128, lambda _: None)
    return counted


def test_a_pass_over_twice_the_rows_makes_twice_the_numbers_and_never_all_pairs() -> None:
    one, two = cost(4000), cost(8000)
    assert two.total < 2.3 * one.total
    assert two.largest < 8000 * 300  # rows x hidden units; all pairs would be 8000 x 8000
