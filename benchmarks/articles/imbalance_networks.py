"""Ways to train one and the same network on classes of very different sizes: the article's and its rivals'."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from classwright_tools.learning.contrastive import supervised_contrastive_loss
from classwright_tools.learning.imbalance import cluster
from classwright_tools.learning.imbalance.clusters import split_classes, unsplit
from classwright_tools.learning.imbalance.networks import embed_all

STEPS = cluster.EMBEDDING_STEPS + cluster.HEAD_STEPS  # of the rivals with one stage: as many as the two stages together
LDAM_SCALE = 30.0
LARGEST_MARGIN = 0.5
REWEIGHTED_SHARE = 0.2  # of the steps, at the end (Cao et al. 2019: epochs 160 to 200 of 200)
FOCUS = 2.0
SUPCON_TEMPERATURE = 0.1


@dataclass(frozen=True)
class Material:
    """What a network is trained on: how to make it, the rows' inputs (n, ...) and classes (n,), all on the CPU."""

    make: Callable[[], torch.nn.Module]
    inputs: torch.Tensor
    labels: torch.Tensor
    seed: int

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


def _natural_batches(rows: int, seed: int, steps: int) -> Iterator[np.ndarray]:
    generator = np.random.default_rng(seed)
    queue: list[int] = []
    for _ in range(steps):
        if len(queue) < cluster.BATCH:
            queue += generator.permutation(rows).tolist()
        batch, queue = queue[: cluster.BATCH], queue[cluster.BATCH :]
        yield np.array(batch)


def _trained(material: Material, loss: Loss, steps: int = STEPS) -> tuple[torch.nn.Module, cluster.LinearHead]:
    """Train network and head together on batches drawn from all rows alike, at a rate that falls: it does them good."""
    network = material.network()
    head = cluster.LinearHead(embed_all(network, material.inputs), material.labels)
    descent = cluster.Descent((network, cluster.LEARNING_RATE), (head, cluster.LEARNING_RATE))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(descent.optimiser, steps)
    network.train()
    for step, places in enumerate(_natural_batches(len(material.labels), material.seed, steps)):
        descent.step(loss(head(network(material.inputs[places])), material.labels[places], step))
        schedule.step()
    return network, head


def _by_loss(material: Material, loss: Loss, steps: int = STEPS) -> Predict:
    return partial(_predict, *_trained(material, loss, steps))


def _plain_loss(logits: torch.Tensor, labels: torch.Tensor, _step: int) -> torch.Tensor:
    return cross_entropy(logits, labels)


def plain(material: Material) -> Predict:
    """Cross-entropy, nothing against the imbalance."""
    return _by_loss(material, _plain_loss)


def class_weights(material: Material, steps: int = STEPS) -> Predict:
    """The article's baseline: cross-entropy weighted by the inverse of the classes' rows."""
    weights = 1 / (len(material.shares()) * material.shares())
    return _by_loss(material, lambda logits, labels, _: cross_entropy(logits, labels, weights), steps)


def even_draws(material: Material, steps: int = STEPS) -> Predict:
    """Cross-entropy, rows drawn evenly over the classes: class weighting by repetition."""
    network = material.network()
    head = cluster.tune_classifier(
        network, material.inputs, material.labels, steps, material.seed, _silent, cluster.LEARNING_RATE
    )
    return partial(_predict, network, head)


def balanced_softmax(material: Material) -> Predict:
    """Logit adjustment in training with tau 1 (Menon et al. 2021, eq. 10), which is the balanced softmax (Ren 2020)."""
    prior = material.shares().log()
    return _by_loss(material, lambda logits, labels, _: cross_entropy(logits + prior, labels))


def adjusted_afterwards(material: Material) -> Predict:
    """Logit adjustment of the plainly trained network with tau 1 (Menon et al. 2021, eq. 9)."""
    network, head = _trained(material, _plain_loss)
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
    late = round((1 - REWEIGHTED_SHARE) * STEPS)

    def loss(logits: torch.Tensor, labels: torch.Tensor, step: int) -> torch.Tensor:
        moved = logits / cluster.SCALE - margins * torch.nn.functional.one_hot(labels, len(sizes))
        return cross_entropy(LDAM_SCALE * moved, labels, weights if step >= late else None)

    return _by_loss(material, loss)


def supervised_contrastive(material: Material) -> Predict:
    """The article's two stages with the supervised contrastive loss in the first (Khosla et al. 2020)."""
    network = material.network()
    descent = cluster.Descent((network, cluster.LEARNING_RATE))
    network.train()
    generator = np.random.default_rng(material.seed)
    for places in cluster.balanced_batches(material.labels.numpy(), cluster.BATCH, cluster.EMBEDDING_STEPS, generator):
        batch = network(material.inputs[places])
        descent.step(supervised_contrastive_loss(batch, material.labels[places], SUPCON_TEMPERATURE))
    return _second_stage(material, network, cluster.TUNING_RATE)


def clustered(material: Material, *, split: bool = True, tuned: bool = True) -> Predict:
    """The article's: `split` large classes or not, tune the embedding with the classifier or not."""
    network = material.network()
    cluster.learn_embedding(
        network,
        material.inputs,
        material.labels,
        cluster.EMBEDDING_STEPS,
        material.seed,
        _silent,
        split_classes if split else lambda _, labels: unsplit(labels),
    )
    return _second_stage(material, network, cluster.TUNING_RATE if tuned else 0.0)


def _second_stage(material: Material, network: torch.nn.Module, tuning_rate: float) -> Predict:
    head = cluster.tune_classifier(
        network, material.inputs, material.labels, cluster.HEAD_STEPS, material.seed, _silent, tuning_rate
    )
    return partial(_predict, network, head)
