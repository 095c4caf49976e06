"""Training of one network: passes over rows of which some are overwritten, in turn with the generator where asked."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from classwright_tools.learning.matching.linear import Scaling
from classwright_tools.learning.matching.negatives.drawn import PlacedRows
from classwright_tools.learning.matching.negatives.generator import (
    KL_WEIGHT,
    LATENT,
    Generated,
    Generator,
    divergence,
)
from classwright_tools.learning.matching.negatives.overwriting import Overwriting, Overwritten
from classwright_tools.learning.matching.negatives.switch import overwrite
from classwright_tools.learning.matching.network import MatchNetwork
from classwright_tools.learning.matching.settings import MatcherSettings
from classwright_tools.learning.setup import Progress
from classwright_tools.learning.torch_state import seeded

BATCH = 128
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1e-2
GENERATOR_RATE = 1e-4
GENERATOR_STEPS = 20  # after each pass of the classifier
NEARNESS_WEIGHT = 1.0  # of staying near the own query, which keeps an adversarial generator hard and not absurd
REPORT_EVERY = 20  # steps


@dataclass(frozen=True)
class Training:
    """What a network is trained on: rows, their scaled lexical features (n, 10), settings, and k labels."""

    rows: PlacedRows
    scaling: Scaling
    lexical: np.ndarray
    settings: MatcherSettings
    k: int
    progress: Progress


def descend(network: MatchNetwork, training: Training, overwriting: Overwriting, seed: int) -> None:
    """Train `network` in place: AdamW over passes, each with freshly overwritten rows.

    The order of the rows and the dropout come from `seed` alone: with no row overwritten the training is that of the
    plain classifier to the bit.
    """
    order, steps, done = np.random.default_rng(seed), training.settings.steps, 0
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)
    generator = overwriting.generator
    alternation = _Alternation(generator, training.settings, seed) if generator else None
    with seeded(seed):
        network.train()
        while done < steps:
            rows = Pass(training, overwriting.draw(), generator, seed + done)
            for batch in np.array_split(order.permutation(len(rows)), max(1, round(len(rows) / BATCH))):
                if done % REPORT_EVERY == 0:
                    training.progress(done / steps, f"training the matcher, step {done} of {steps}")
                loss = rows.loss(network, batch)
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]  # torch
                optimiser.step()
                done += 1
                if done == steps:
                    break
            if alternation:
                alternation.take_turn(network, rows)
        network.eval()


def mismatch_loss(logits: torch.Tensor, targets: torch.Tensor, mismatch: int, weight: float) -> torch.Tensor:
    """Return the mean cross-entropy of soft `targets` (n, k), with `weight` (beta) on what is due to the mismatch.

    For two labels it is the article's -(beta y log f + (1 - y) log(1 - f)) (Nguyen et al. 2020, section 3.1).
    """
    weights = torch.ones(logits.shape[1])
    weights[mismatch] = weight
    return -(targets * weights * logits.log_softmax(dim=1)).sum(dim=1).mean()


class Pass:
    """The rows of one pass, what a network sees of them, and what they cost it."""

    def __init__(self, training: Training, drawn: Overwritten, generator: Generator | None, seed: int) -> None:
        self._training, self._drawn, self._generator = training, drawn, generator
        self._noise = torch.Generator().manual_seed(seed)
        rows, changed = training.rows, np.flatnonzero(drawn.switch)
        self._lexical = training.lexical.copy()
        if "lexical" in training.settings.parts and len(changed):
            fresh = rows.table.lexical(drawn.queries[changed], rows.items[changed])
            self._lexical[changed] = training.scaling.of(fresh)
        self._targets = _targets(rows.labels, drawn, training.settings.mismatch, training.k)

    def __len__(self) -> int:
        return len(self._drawn.queries)

    @property
    def free(self) -> np.ndarray:
        """The places of the rows that are overwritten by the generator's own vectors."""
        return np.flatnonzero(self._drawn.free)

    def loss(self, network: MatchNetwork, batch: np.ndarray) -> torch.Tensor:
        """Return the classifier's loss on the rows at `batch`; no gradient reaches the generator."""
        with torch.no_grad():
            generated = self.generate(batch).queries if len(self.free) else None
        return self.loss_of(network, batch, generated)

    def loss_of(self, network: MatchNetwork, batch: np.ndarray, generated: torch.Tensor | None) -> torch.Tensor:
        """Return eq. 1 of the article on the rows at `batch`: (1 - s) L(x, y) + s L(g(x), z).

        `generated` (b, d) overwrites the queries where the switch of the generator's own vectors is on.
        """
        settings, rows = self._training.settings, self._training.rows
        pairs = rows.table.features(self._drawn.queries[batch], rows.items[batch], self._lexical[batch])
        if generated is not None:
            switch = torch.from_numpy(self._drawn.free[batch])
            pairs = replace(pairs, query=overwrite(switch, generated, pairs.query))
        return mismatch_loss(network(pairs), self._targets[batch], settings.mismatch, settings.mismatch_weight)

    def generate(self, batch: np.ndarray) -> Generated:
        """Return what the generator makes of the rows at `batch`, with fresh noise."""
        assert self._generator is not None
        rows = self._training.rows
        noise = torch.randn(len(batch), LATENT, generator=self._noise)
        items = rows.table.item_embeddings[rows.items[batch]]
        made: Generated = self._generator(self.own(batch), items, noise)
        return made

    def own(self, batch: np.ndarray) -> torch.Tensor:
        """Return the embeddings (b, d) of the rows' own queries."""
        return self._training.rows.table.query_embeddings[self._training.rows.queries[batch]]


class _Alternation:
    """The generator's turn: some steps with the classifier as it is.

    Cooperative is eq. 1 of the article: it makes what the classifier calls a mismatch. Adversarial: it makes what the
    classifier calls a match, near the own query.
    """

    def __init__(self, generator: Generator, settings: MatcherSettings, seed: int) -> None:
        self._objective = settings.negatives.objective
        self._random = np.random.default_rng([seed, 2])
        self._optimiser = torch.optim.Adam(generator.parameters(), lr=GENERATOR_RATE)

    def take_turn(self, network: MatchNetwork, rows: Pass) -> None:
        """Train the generator; nothing is done if it is frozen or none of its vectors is used."""
        if self._objective == "frozen" or not len(rows.free):
            return
        network.eval()
        network.requires_grad_(False)
        for _ in range(GENERATOR_STEPS):
            batch = rows.free[self._random.integers(0, len(rows.free), BATCH)]
            self._step(network, rows, batch)
        network.requires_grad_(True)
        network.train()

    def _step(self, network: MatchNetwork, rows: Pass, batch: np.ndarray) -> None:
        generated = rows.generate(batch)
        loss = rows.loss_of(network, batch, generated.queries)
        if self._objective == "adversarial":
            nearness = (generated.queries * rows.own(batch)).sum(dim=1).mean()
            loss = -loss - NEARNESS_WEIGHT * nearness
        self._optimiser.zero_grad()
        (loss + KL_WEIGHT * divergence(generated)).backward()  # type: ignore[no-untyped-call]  # torch
        self._optimiser.step()


def _targets(labels: np.ndarray, drawn: Overwritten, mismatch: int, k: int) -> torch.Tensor:
    """Return the targets (n, k): the label, or where it was overwritten the mismatch as far as the target says so."""
    share = (drawn.targets * drawn.switch)[:, None]
    targets = share * np.eye(k)[mismatch] + (1 - share) * np.eye(k)[labels]
    return torch.from_numpy(targets).float()
