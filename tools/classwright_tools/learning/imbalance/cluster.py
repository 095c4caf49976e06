"""Embeddings trained against running cluster centroids, then a classifier tuned with them.

First the embedding network learns to lay each row near the centroid of its own cluster and away from those of other
classes, where classes larger than the smallest are split into clusters about its size. Then a linear classifier on
top is trained and the network along with it, which the clusters go on to hold: the loss is the sum of both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from math import ceil

import numpy as np
import torch

from classwright_tools.errors import NotEnoughData
from classwright_tools.learning.batches import balanced_batches, square_root_batches
from classwright_tools.learning.classifier import EmbeddingClassifier
from classwright_tools.learning.head import ABSENT, Head
from classwright_tools.learning.imbalance.centroids import RunningCentroids
from classwright_tools.learning.imbalance.cluster_loss import cluster_loss
from classwright_tools.learning.imbalance.clusters import Clusters, assigned_anew, split_classes
from classwright_tools.learning.imbalance.networks import AdapterNetwork, embed_all
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.setup import Setup
from classwright_tools.learning.torch_state import one_thread

BATCH = 128
EMBEDDING_STEPS = 150  # of the first stage, at least
HEAD_STEPS = 350  # of the second, at least
PASSES = 3  # over the rows in each stage, where that is more
ASSIGN_EVERY = 60  # steps, and not more than once a pass: rows are put into their class's clusters anew
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 0.01
SCALE = 16.0  # of the logits of unit-length embeddings

Tell = Callable[[int], None]
"""Is told of each step, and may stop the training by raising."""


class LinearHead(torch.nn.Module):
    """Logits (b, k) of unit-length embeddings (b, d); the weights start as the classes' mean embeddings."""

    def __init__(self, embeddings: torch.Tensor, labels: torch.Tensor) -> None:
        super().__init__()
        k = int(labels.max()) + 1
        sums = torch.zeros(k, embeddings.shape[1]).index_add_(0, labels, embeddings)
        self.weights = torch.nn.Parameter(torch.nn.functional.normalize(sums, dim=1))
        self.biases = torch.nn.Parameter(torch.zeros(k))

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        return SCALE * (embeddings @ self.weights.T + self.biases)

    def numbers(self, present: np.ndarray, k: int) -> Head:
        """Return it as the head of `k` labels, of which those in `present` were trained."""
        weights, biases = np.zeros((k, self.weights.shape[1]), np.float32), np.full(k, ABSENT, np.float32)
        weights[present] = SCALE * self.weights.detach().numpy()
        biases[present] = SCALE * self.biases.detach().numpy()
        return Head(weights=weights, biases=biases)


class Descent:
    """AdamW over modules at one learning rate, which falls along a cosine to 0 over `falling` steps if that is set."""

    def __init__(self, *modules: torch.nn.Module, rate: float = LEARNING_RATE, falling: int | None = None) -> None:
        parameters = [parameter for module in modules for parameter in module.parameters()]
        self.optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=WEIGHT_DECAY, fused=True)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimiser, falling) if falling else None

    def step(self, loss: torch.Tensor) -> None:
        """Take a step down the gradient of `loss`."""
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch
        self.optimiser.step()
        if self.schedule:
            self.schedule.step()


@dataclass(frozen=True)
class Steps:
    """How many steps of each stage."""

    embedding: int
    head: int

    @staticmethod
    def of(rows: int, passes: int | None) -> Steps:
        """Return the steps of `passes` over `rows` in each stage; without `passes`, those that suit so many rows."""
        a_pass = ceil(rows / BATCH)
        if passes:
            return Steps(passes * a_pass, passes * a_pass)
        return Steps(max(EMBEDDING_STEPS, PASSES * a_pass), max(HEAD_STEPS, PASSES * a_pass))


def fit_cluster(rows: Rows, setup: Setup) -> EmbeddingClassifier:
    """Return the frozen encoder with an adapter that was trained on clusters, and its classifier.

    Raises:
        NotEnoughData: all rows are of one label.
    """
    present, numbers = np.unique(rows.labels, return_inverse=True)
    if len(present) < 2:
        raise NotEnoughData(
            "the training rows", "are all of one label, so there is nothing to tell apart", "Add rows of other labels."
        )
    inputs = torch.from_numpy(setup.embed(rows.texts))
    labels = torch.from_numpy(numbers)
    torch.manual_seed(setup.seed)
    network = AdapterNetwork(inputs.shape[1])
    steps = Steps.of(len(rows), setup.epochs)
    whole = steps.embedding + steps.head

    def tell(step: int) -> None:
        setup.progress(step / whole, f"step {step + 1} of {whole}")

    training = ClusterTraining(network, inputs, labels, setup.seed)
    with one_thread():
        clusters = training.learn_embedding(steps.embedding, tell)
        head = training.train_classifier(clusters, steps.head, lambda step: tell(steps.embedding + step))
    return EmbeddingClassifier(
        encoder=setup.encoder, head=head.numbers(present, setup.k), adapter=network.adapter(), cache=setup.cache
    )


class ClusterTraining:
    """The two stages of training `network`, in place, on `inputs` (n, ...) whose classes are `labels` (n,), 0 to k - 1.

    The clusters are the network's own and follow its embeddings; `split` and `moved` say so, and are for variants to
    override, as `rate` is.
    """

    rate = LEARNING_RATE

    def __init__(self, network: torch.nn.Module, inputs: torch.Tensor, labels: torch.Tensor, seed: int) -> None:
        self.network = network
        self.inputs = inputs
        self.labels = labels
        self._seed = seed
        self._batch = min(BATCH, len(labels))

    def split(self, embeddings: torch.Tensor) -> Clusters:
        """Return the clusters to start from, of the network's `embeddings` (n, d)."""
        return split_classes(embeddings, self.labels)

    def moved(self, clusters: Clusters, centroids: torch.Tensor) -> Clusters:
        """Return the clusters with each row put into its class's nearest centroid (c, d) anew."""
        return assigned_anew(clusters, embed_all(self.network, self.inputs), centroids)

    def learn_embedding(self, steps: int, tell: Tell) -> Clusters:
        """Train the network on the cluster loss, the first stage, and return the clusters at the end.

        Rows are drawn evenly over the clusters, which are alike in size.
        """
        embeddings = embed_all(self.network, self.inputs)
        clusters = self.split(embeddings)
        centroids = RunningCentroids(embeddings, clusters)
        descent = Descent(self.network, rate=self.rate)
        self.network.train()
        for start, span in _spans(steps, len(self.labels)):
            if start:
                clusters = self.moved(clusters, centroids.values)
            generator = np.random.default_rng(self._seed + start)
            batches = balanced_batches(clusters.of_row.numpy(), self._batch, span, generator)
            for step, places in enumerate(batches, start):
                tell(step)
                of_row = clusters.of_row[places]
                batch = self.network(self.inputs[places])
                descent.step(cluster_loss(batch, of_row, centroids.values, clusters.label))
                centroids.update(batch, of_row)
        self.network.eval()
        return clusters

    def train_classifier(self, clusters: Clusters, steps: int, tell: Tell) -> LinearHead:
        """Return the classifier on the network, which is trained along: the second stage.

        The loss is the cross-entropy and, for the embeddings, still the cluster loss; the rate falls to 0.
        """
        embeddings, labels = embed_all(self.network, self.inputs), self.labels
        head = LinearHead(embeddings, labels)
        centroids = RunningCentroids(embeddings, clusters)
        descent = Descent(self.network, head, rate=self.rate, falling=steps)
        generator = np.random.default_rng(self._seed + 1)
        batches = square_root_batches(labels.numpy(), self._batch, steps, generator)
        self.network.train()
        for start, span in _spans(steps, len(labels)):
            if start:
                clusters = self.moved(clusters, centroids.values)
            for step, places in enumerate(islice(batches, span), start):
                tell(step)
                of_row = clusters.of_row[places]
                batch = self.network(self.inputs[places])
                loss = torch.nn.functional.cross_entropy(head(batch), labels[places])
                descent.step(loss + cluster_loss(batch, of_row, centroids.values, clusters.label))
                centroids.update(batch, of_row)
        self.network.eval()
        return head


def _spans(steps: int, rows: int) -> Iterator[tuple[int, int]]:
    """Yield where each span between two assignments starts and how many steps it has."""
    assign_every = max(ASSIGN_EVERY, ceil(rows / BATCH))
    for start in range(0, steps, assign_every):
        yield start, min(assign_every, steps - start)
