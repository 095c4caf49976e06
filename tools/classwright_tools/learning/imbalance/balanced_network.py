"""A small network whose loss counts each class alike, and its average with a linear head as one adapter and head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from classwright_tools.learning.adapter import Adapter
from classwright_tools.learning.batches import natural_batches
from classwright_tools.learning.classifier import EmbeddingClassifier
from classwright_tools.learning.head import Head
from classwright_tools.learning.imbalance.balanced_heads import at_unit_spread, fit_adjusted
from classwright_tools.learning.imbalance.cluster import BATCH, Descent, LinearHead, Steps
from classwright_tools.learning.imbalance.networks import AdapterNetwork, embed_all
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.setup import Progress, Setup
from classwright_tools.learning.torch_state import one_thread, seeded

NETWORK_SHARE = 1 / 3  # of the average; the rest is the linear head's


@dataclass(frozen=True)
class BalancedNetwork:
    """An adapter, the mean length of what it gives for its training rows before it is cut to 1, and its head."""

    adapter: Adapter
    length: float
    head: Head


def fit_balanced(embeddings: np.ndarray, rows: Rows, setup: Setup) -> EmbeddingClassifier:
    """Return the average of a logistic regression and a network, both of which count labels alike.

    Where the large class mixes many subjects the network is better, where it is one subject the regression is. Chosen
    between by cross-validation the worse is taken too often, for the rare labels have few rows to choose by; the
    average is as good as the better, or nearly so. Pairs, whose features no adapter takes, have the regression alone.
    """

    def tell(start: float, done: float, message: str) -> None:
        setup.progress(start + done / 2, message)

    linear = fit_adjusted(embeddings, rows, setup, lambda done, message: tell(0.0, done, message))
    if setup.pairs is not None:
        return EmbeddingClassifier(encoder=setup.encoder, head=linear, cache=setup.cache)
    network = fit_network(embeddings, rows.labels, setup, lambda done, message: tell(0.5, done, message))
    adapter, head = averaged(linear, network, embeddings, rows.labels)
    return EmbeddingClassifier(encoder=setup.encoder, head=head, adapter=adapter, cache=setup.cache)


def fit_network(embeddings: np.ndarray, labels: np.ndarray, setup: Setup, progress: Progress) -> BalancedNetwork:
    """Return the adapter with a classifier, trained on the balanced softmax, in as many steps as `cluster` takes.

    The logarithms of the labels' shares of the rows are added to the logits in the loss and left out afterwards (Ren
    et al. 2020, "Balanced Meta-Softmax", eq. 4; Menon et al. 2021, eq. 10 with tau = 1).
    """
    present, numbers = np.unique(labels, return_inverse=True)
    inputs, targets = torch.from_numpy(embeddings), torch.from_numpy(numbers)
    shares = (torch.bincount(targets) / len(targets)).log()
    steps = Steps.of(len(labels), setup.epochs)
    whole = steps.embedding + steps.head
    with one_thread(), seeded(setup.seed):
        network = AdapterNetwork(inputs.shape[1])
        head = LinearHead(embed_all(network, inputs), targets)
        descent = Descent(network, head, falling=whole)
        network.train()
        batches = natural_batches(len(labels), min(BATCH, len(labels)), whole, np.random.default_rng(setup.seed))
        for step, places in enumerate(batches):
            progress(step / whole, f"step {step + 1} of {whole} of the network")
            logits = head(network(inputs[places])) + shares
            descent.step(torch.nn.functional.cross_entropy(logits, targets[places]))
    adapter = network.adapter()
    length = float(np.linalg.norm(adapter.outer(embeddings), axis=1).mean())
    return BalancedNetwork(adapter=adapter, length=length, head=head.numbers(present, setup.k))


def averaged(
    linear: Head, network: BalancedNetwork, embeddings: np.ndarray, labels: np.ndarray
) -> tuple[Adapter, Head]:
    """Return an adapter and a head that give the average of `linear` and `network`, each scaled to the same spread.

    The adapter lays three parts side by side and cuts the whole to unit length: what the network's adapter gives over
    its mean length, the encoder's embedding, and a 1, which carries the biases. So a row's logits are those of the
    average over the length of the whole, which changes no order among them. The network counts a little more in a row
    that its adapter makes longer than others.
    """
    own = network.adapter
    adapter = _beside(own, network.length)
    linear = at_unit_spread(linear, embeddings, labels)
    learned = at_unit_spread(network.head, own.outer(embeddings) / network.length, labels)
    parts = (
        NETWORK_SHARE * learned.weights,
        (1 - NETWORK_SHARE) * linear.weights,
        (NETWORK_SHARE * learned.biases + (1 - NETWORK_SHARE) * linear.biases)[:, None],
    )
    weights = np.concatenate(parts, axis=1).astype(np.float32)
    return adapter, Head(weights=weights, biases=np.zeros(len(weights), np.float32))


def _beside(adapter: Adapter, length: float) -> Adapter:
    """Return the adapter that gives (what `adapter` gives over `length`, the embedding, 1), at unit length.

    An embedding passes the hidden layer, which keeps no number below 0, as its positive and its negative part.
    """
    units, d = adapter.hidden_weights.shape
    e = len(adapter.weights)
    same = np.eye(d, dtype=np.float32)
    weights = np.zeros((e + d + 1, units + 2 * d), np.float32)
    weights[:e, :units] = adapter.weights / length
    weights[e : e + d, units:] = np.concatenate([same, -same], axis=1)
    return Adapter(
        hidden_weights=np.concatenate([adapter.hidden_weights, same, -same]),
        hidden_biases=np.concatenate([adapter.hidden_biases, np.zeros(2 * d, np.float32)]),
        weights=weights,
        biases=np.concatenate([adapter.biases / length, np.zeros(d), [1]]).astype(np.float32),
    )
