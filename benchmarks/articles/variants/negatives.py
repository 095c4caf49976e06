"""Negatives that were not kept: snapped ones without a teacher, and the generator's own vectors.

A vector overwrites the query's embedding itself, so the network must see embeddings alone. The generator then stays as
it was pre-trained (`VectorDescent`), or takes turns with the classifier: with it, eq. 1 of the article (Nguyen et al.
2020, "QUARTS"), or against it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from classwright_tools.learning.matching.descent import BATCH, Descent, Pass, Training
from classwright_tools.learning.matching.negatives.drawn import Drawn, NegativeSource, PlacedRows
from classwright_tools.learning.matching.negatives.generator import (
    KL_WEIGHT,
    LATENT,
    GeneratedQueries,
    QueryGenerator,
    divergence,
    pretrained_generator,
)
from classwright_tools.learning.matching.negatives.overwriting import Overwriting, Overwritten
from classwright_tools.learning.matching.negatives.snapped import SnappedQueries
from classwright_tools.learning.matching.network import MatchNetwork
from classwright_tools.learning.matching.settings import NegativeKind
from classwright_tools.learning.matching.table import PairFeatures

GENERATOR_RATE = 1e-4
GENERATOR_STEPS = 20  # after each pass of the classifier
NEARNESS_WEIGHT = 1.0  # of staying near the own query, which keeps an adversarial generator hard and not absurd


class UnfilteredQueries(SnappedQueries):
    """Snapped queries of which the nearest that is left is taken, and is a mismatch for sure."""

    def probabilities(self, candidates: np.ndarray, rows: np.ndarray) -> np.ndarray:  # noqa: ARG002
        """Return 1 for every candidate."""
        return np.ones(candidates.shape)


class UnfilteredOverwriting(Overwriting):
    """Overwrites without a teacher."""

    def source(self, kind: NegativeKind) -> NegativeSource:
        """Return where negatives of `kind` come from."""
        if kind != "generated":
            return super().source(kind)
        generator = pretrained_generator(self.rows, self.mismatch, self.seed)
        return UnfilteredQueries(self.rows, self.mismatch, generator, self.teacher)


class _OwnQueries:
    """Leaves the queries in their places: a vector overwrites them later."""

    def __init__(self, rows: PlacedRows) -> None:
        self._rows = rows

    def draw(self, rows: np.ndarray, _generator: np.random.Generator) -> Drawn:
        """Return the own query of each of the `rows` (m,), with the target 1."""
        return Drawn(self._rows.queries[rows], np.ones(len(rows)))


class VectorOverwriting(Overwriting):
    """Overwrites by vectors of its `generator`, which no query has."""

    generator: QueryGenerator

    def source(self, kind: NegativeKind) -> NegativeSource:
        """Return the own queries, and pre-train the generator."""
        assert kind == "generated"
        self.generator = pretrained_generator(self.rows, self.mismatch, self.seed)
        return _OwnQueries(self.rows)


class VectorPass(Pass):
    """A pass whose overwritten queries are what the generator makes of the row, with fresh noise."""

    def __init__(self, training: Training, drawn: Overwritten, generator: QueryGenerator, seed: int) -> None:
        super().__init__(training, drawn)
        self._generator = generator
        self._noise = torch.Generator().manual_seed(seed)

    @property
    def free(self) -> np.ndarray:
        """The places of the rows that are overwritten."""
        return np.flatnonzero(self.drawn.switch)

    def features(self, batch: np.ndarray) -> PairFeatures:
        """Return what a network sees of the rows at `batch`; no gradient reaches the generator."""
        if not len(self.free):
            return super().features(batch)
        with torch.no_grad():
            return self.overwritten(batch, self.generate(batch).queries)

    def overwritten(self, batch: np.ndarray, generated: torch.Tensor) -> PairFeatures:
        """Return what a network sees of the rows at `batch` with the queries `generated` (b, d) where s is 1."""
        pairs = super().features(batch)
        return replace(pairs, query=overwrite(torch.from_numpy(self.drawn.switch[batch]), generated, pairs.query))

    def generate(self, batch: np.ndarray) -> GeneratedQueries:
        """Return what the generator makes of the rows at `batch`."""
        rows = self.training.rows
        noise = torch.randn(len(batch), LATENT, generator=self._noise)
        made: GeneratedQueries = self._generator(self.own(batch), rows.table.item_embeddings[rows.items[batch]], noise)
        return made

    def own(self, batch: np.ndarray) -> torch.Tensor:
        """Return the embeddings (b, d) of the rows' own queries."""
        return self.training.rows.table.query_embeddings[self.training.rows.queries[batch]]


class VectorDescent(Descent):
    """Trains on vectors of the generator, which stays as it is."""

    def __init__(self, training: Training, overwriting: Overwriting, seed: int) -> None:
        super().__init__(training, overwriting, seed)
        assert isinstance(overwriting, VectorOverwriting)
        self.generator = overwriting.generator

    def next_pass(self, done: int) -> VectorPass:
        """Return the rows of the pass that starts after `done` steps."""
        return VectorPass(self.training, self.overwriting.draw(), self.generator, self.seed + done)


class CooperativeDescent(VectorDescent):
    """Takes turns with a generator that makes what the classifier calls a mismatch."""

    def __init__(self, training: Training, overwriting: Overwriting, seed: int) -> None:
        super().__init__(training, overwriting, seed)
        self._random = np.random.default_rng([seed, 2])
        self._optimiser = torch.optim.Adam(self.generator.parameters(), lr=GENERATOR_RATE)

    def after_pass(self, network: MatchNetwork, rows: Pass) -> None:
        """Train the generator some steps, with the classifier as it is."""
        assert isinstance(rows, VectorPass)
        if not len(rows.free):
            return
        network.eval()
        network.requires_grad_(False)
        for _ in range(GENERATOR_STEPS):
            batch = rows.free[self._random.integers(0, len(rows.free), BATCH)]
            generated = rows.generate(batch)
            loss = self.generators_loss(network, rows, batch, generated) + KL_WEIGHT * divergence(generated)
            self._optimiser.zero_grad()
            loss.backward()
            self._optimiser.step()
        network.requires_grad_(True)
        network.train()

    def generators_loss(
        self, network: MatchNetwork, rows: VectorPass, batch: np.ndarray, generated: GeneratedQueries
    ) -> torch.Tensor:
        """Return the classifier's own loss, which the generator shares."""
        return rows.loss_of(network(rows.overwritten(batch, generated.queries)), batch)


class AdversarialDescent(CooperativeDescent):
    """Takes turns with a generator that makes what the classifier calls a match, near the own query."""

    def generators_loss(
        self, network: MatchNetwork, rows: VectorPass, batch: np.ndarray, generated: GeneratedQueries
    ) -> torch.Tensor:
        """Return the classifier's loss turned round, and the nearness to the own query."""
        nearness = (generated.queries * rows.own(batch)).sum(dim=1).mean()
        return -super().generators_loss(network, rows, batch, generated) - NEARNESS_WEIGHT * nearness


def overwrite(switch: torch.Tensor, generated: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
    """Return the query representations (n, d): `generated` (n, d) where `switch` (n,) is 1, `own` where it is 0.

    It is differentiable: a gradient reaches the generator where s = 1 alone.
    """
    s = switch[:, None].to(own.dtype)
    return s * generated + (1 - s) * own
