"""Ways to train one and the same network on classes of very different sizes: the article's and its rivals'."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from variants.staying_clusters import StayingClusters, unsplit

from classwright_tools.learning.batches import balanced_batches, natural_batches, square_root_batches
from classwright_tools.learning.contrastive import supervised_contrastive_loss
from classwright_tools.learning.imbalance import cluster
from classwright_tools.learning.imbalance.clusters import Clusters, split_classes
from classwright_tools.learning.imbalance.networks import embed_all

STEPS = cluster.EMBEDDING_STEPS + cluster.HEAD_STEPS  # of both stages together, and of the rivals with one stage
LDAM_SCALE = 30.0
LARGEST_MARGIN = 0.5
REWEIGHTED_SHARE = 0.2  # of the steps, at the end (Cao et al. 2019: epochs 160 to 200 of 200)
FOCUS = 2.0
SUPCON_TEMPERATURE = 0.1


@dataclass(frozen=True)
class Material:
    """What a network is trained on: how to make it, the rows' inputs (n, ...) and classes (n,), all on the CPU.

    `encoded` (n, d) are the frozen encoder's embeddings of the rows. Every method takes as many `steps`, at one `rate`.
    """

    make: Callable[[], torch.nn.Module]
    inputs: torch.Tensor
    labels: torch.Tensor
    encoded: torch.Tensor
    seed: int
    steps: int = STEPS
    rate: float = cluster.LEARNING_RATE

    @property
    def first(self) -> int:
        """The steps of the article's first stage."""
        return round(self.steps * cluster.EMBEDDING_STEPS / STEPS)

    def network(self) -> torch.nn.Module:
        """Return a new network; the same one for the same seed."""
        torch.manual_seed(self.seed)
        return self.make()

    def shares(self) -> torch.Tensor:
        """Return the classes' shares of the rows (k,)."""
        return torch.bincount(self.labels) / len(self.labels)


Predict = Callable[[torch.Tensor], np.ndarray]
"""Returns the class (m,) of inputs (m, ...)."""
Loss = Callable[[torch.Tensor, torch.Tensor, int], torch.Tensor]
"""Of logits (b, k), labels (b,) and the number of the step."""


def _silent(_step: int) -> None:
    """Tell nobody."""


def _predict(network: torch.nn.Module, head: cluster.LinearHead, inputs: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        logits: torch.Tensor = head(embed_all(network, inputs))
    return logits.argmax(dim=1).numpy()


def _natural(material: Material, steps: int) -> Iterator[np.ndarray]:
    return natural_batches(len(material.labels), cluster.BATCH, steps, np.random.default_rng(material.seed))


def _square_root(material: Material, steps: int) -> Iterator[np.ndarray]:
    """The draws of the cluster method's second stage."""
    generator = np.random.default_rng(material.seed + 1)
    return square_root_batches(material.labels.numpy(), cluster.BATCH, steps, generator)


def _trained(
    material: Material,
    loss: Loss,
    steps: int,
    draws: Callable[[Material, int], Iterator[np.ndarray]] = _natural,
) -> tuple[torch.nn.Module, cluster.LinearHead]:
    """Train network and head together at a rate that falls; the `draws` are of all rows alike."""
    network = material.network()
    head = cluster.LinearHead(embed_all(network, material.inputs), material.labels)
    descent = cluster.Descent(network, head, rate=material.rate, falling=steps)
    network.train()
    for step, places in enumerate(draws(material, steps)):
        descent.step(loss(head(network(material.inputs[places])), material.labels[places], step))
    return network, head


def _by_loss(material: Material, loss: Loss, times: int = 1) -> Predict:
    return partial(_predict, *_trained(material, loss, times * material.steps))


def _plain_loss(logits: torch.Tensor, labels: torch.Tensor, _step: int) -> torch.Tensor:
    return cross_entropy(logits, labels)


def plain(material: Material) -> Predict:
    """Cross-entropy, nothing against the imbalance."""
    return _by_loss(material, _plain_loss)


def class_weights(material: Material, times: int = 1) -> Predict:
    """The article's baseline: cross-entropy weighted by the inverse of the classes' rows; `times` the steps."""
    weights = 1 / (len(material.shares()) * material.shares())
    return _by_loss(material, lambda logits, labels, _: cross_entropy(logits, labels, weights), times)


def half_weights(material: Material) -> Predict:
    """Cross-entropy on the draws of the cluster method's second stage: what they do without the clusters."""
    return partial(_predict, *_trained(material, _plain_loss, material.steps, _square_root))


def balanced_softmax(material: Material) -> Predict:
    """Logit adjustment in training with tau 1 (Menon et al. 2021, eq. 10), which is the balanced softmax (Ren 2020)."""
    prior = material.shares().log()
    return _by_loss(material, lambda logits, labels, _: cross_entropy(logits + prior, labels))


def adjusted_afterwards(material: Material) -> Predict:
    """Logit adjustment of the plainly trained network with tau 1 (Menon et al. 2021, eq. 9)."""
    network, head = _trained(material, _plain_loss, material.steps)
    with torch.no_grad():
        head.biases -= material.shares().log() / cluster.SCALE
    return partial(_predict, network, head)


def focal(material: Material) -> Predict:
    """Focal loss with gamma 2 and class weights (Lin et al. 2017, eq. 5)."""
    weights = 1 / (len(material.shares()) * material.shares())

    def loss(logits: torch.Tensor, labels: torch.Tensor, _step: int) -> torch.Tensor:
        each = cross_entropy(logits, labels, reduction="none")
        return (weights[labels] * (1 - torch.exp(-each)) ** FOCUS * each).sum() / weights[labels].sum()

    return _by_loss(material, loss)


def ldam_drw(material: Material) -> Predict:
    """Label-distribution-aware margins, class weights in the last fifth (Cao et al. 2019, eq. 13 and algorithm 1)."""
    sizes = torch.bincount(material.labels)
    margins = LARGEST_MARGIN * (sizes / sizes.min()) ** -0.25
    weights = 1 / (len(sizes) * material.shares())
    late = round((1 - REWEIGHTED_SHARE) * material.steps)

    def loss(logits: torch.Tensor, labels: torch.Tensor, step: int) -> torch.Tensor:
        moved = logits / cluster.SCALE - margins * torch.nn.functional.one_hot(labels, len(sizes))
        return cross_entropy(LDAM_SCALE * moved, labels, weights if step >= late else None)

    return _by_loss(material, loss)


def supervised_contrastive(material: Material) -> Predict:
    """The two stages with the supervised contrastive loss in place of the clusters' (Khosla et al. 2020)."""
    network, labels = material.network(), material.labels
    descent = cluster.Descent(network, rate=material.rate)
    network.train()
    generator = np.random.default_rng(material.seed)
    for places in balanced_batches(labels.numpy(), cluster.BATCH, material.first, generator):
        descent.step(_contrast(network(material.inputs[places]), labels[places]))
    head = cluster.LinearHead(embed_all(network, material.inputs), labels)
    second = material.steps - material.first
    descent = cluster.Descent(network, head, rate=material.rate, falling=second)
    for places in _square_root(material, second):
        batch = network(material.inputs[places])
        descent.step(cross_entropy(head(batch), labels[places]) + _contrast(batch, labels[places]))
    return partial(_predict, network, head)


def _contrast(embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return supervised_contrastive_loss(embeddings, labels, SUPCON_TEMPERATURE)


def clustered(material: Material, *, by_encoder: bool = False, one_stage: bool = False) -> Predict:
    """The article's; in `one_stage` all steps are with the classifier.

    The clusters are the network's own and follow it or, `by_encoder`, those of the encoder's embeddings, which stay.
    """
    torch.manual_seed(material.seed)
    given = split_classes(material.encoded, material.labels) if by_encoder else None
    return _clustered(material, given, 0 if one_stage else material.first)


def not_split(material: Material) -> Predict:
    """The article's with one cluster a class."""
    return _clustered(material, unsplit(material.labels), material.first)


def _clustered(material: Material, given: Clusters | None, first: int) -> Predict:
    network = material.network()
    about = network, material.inputs, material.labels, material.seed
    training = StayingClusters(*about, given) if given else cluster.ClusterTraining(*about)
    training.rate = material.rate
    clusters = training.learn_embedding(first, _silent)
    return partial(_predict, network, training.train_classifier(clusters, material.steps - first, _silent))
