"""Training of one network: passes over rows of which some are overwritten."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from classwright_tools.learning.matching.linear import FeatureScaling
from classwright_tools.learning.matching.negatives.drawn import PlacedRows
from classwright_tools.learning.matching.negatives.overwriting import Overwriting, Overwritten
from classwright_tools.learning.matching.network import MatchNetwork
from classwright_tools.learning.matching.settings import MatcherSettings
from classwright_tools.learning.matching.table import PairFeatures
from classwright_tools.learning.setup import Progress
from classwright_tools.learning.torch_state import seeded

BATCH = 128
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1e-2
MISMATCH_WEIGHT = 5.0  # beta: of the mismatch in the loss
REPORT_EVERY = 20  # steps


@dataclass(frozen=True)
class Training:
    """What a network is trained on: rows, their scaled lexical features (n, 10), settings, and k labels."""

    rows: PlacedRows
    scaling: FeatureScaling
    lexical: np.ndarray
    settings: MatcherSettings
    k: int
    progress: Progress


class Descent:
    """Trains a network: AdamW over passes, each with freshly overwritten rows.

    The order of the rows and the dropout come from `seed` alone: with no row overwritten the training is that of the
    plain classifier to the bit. A variant may see other rows in a pass, or do something after it.
    """

    def __init__(self, training: Training, overwriting: Overwriting, seed: int) -> None:
        self.training = training
        self.overwriting = overwriting
        self.seed = seed

    def run(self, network: MatchNetwork) -> None:
        """Train `network` in place."""
        order, steps, done = np.random.default_rng(self.seed), self.training.settings.steps, 0
        optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)
        with seeded(self.seed):
            network.train()
            while done < steps:
                rows = self.next_pass(done)
                for batch in np.array_split(order.permutation(len(rows)), max(1, round(len(rows) / BATCH))):
                    if done % REPORT_EVERY == 0:
                        self.training.progress(done / steps, f"training the matcher, step {done} of {steps}")
                    loss = rows.loss(network, batch)
                    optimiser.zero_grad()
                    loss.backward()  # type: ignore[no-untyped-call]  # torch
                    optimiser.step()
                    done += 1
                    if done == steps:
                        break
                self.after_pass(network, rows)
            network.eval()

    def next_pass(self, done: int) -> Pass:  # noqa: ARG002  # for variants
        """Return the rows of the pass that starts after `done` steps."""
        return Pass(self.training, self.overwriting.draw())

    def after_pass(self, network: MatchNetwork, rows: Pass) -> None:
        """Do nothing more."""


class Pass:
    """The rows of one pass, what a network sees of them, and what they cost it."""

    def __init__(self, training: Training, drawn: Overwritten) -> None:
        self.training = training
        self.drawn = drawn
        rows, changed = training.rows, np.flatnonzero(drawn.switch)
        self._lexical = training.lexical.copy()
        if "lexical" in training.settings.parts and len(changed):
            fresh = rows.table.lexical(drawn.queries[changed], rows.items[changed])
            self._lexical[changed] = training.scaling.of(fresh)
        self._targets = _targets(rows.labels, drawn, training.settings.mismatch, training.k)

    def __len__(self) -> int:
        return len(self.drawn.queries)

    def loss(self, network: MatchNetwork, batch: np.ndarray) -> torch.Tensor:
        """Return the loss of the network on the rows at `batch`."""
        return self.loss_of(network(self.features(batch)), batch)

    def features(self, batch: np.ndarray) -> PairFeatures:
        """Return what a network sees of the rows at `batch`."""
        rows = self.training.rows
        return rows.table.features(self.drawn.queries[batch], rows.items[batch], self._lexical[batch])

    def loss_of(self, logits: torch.Tensor, batch: np.ndarray) -> torch.Tensor:
        """Return eq. 1 of the article, (1 - s) L(x, y) + s L(g(x), z), of the `logits` (b, k) at `batch`."""
        return mismatch_loss(logits, self._targets[batch], self.training.settings.mismatch, MISMATCH_WEIGHT)


def mismatch_loss(logits: torch.Tensor, targets: torch.Tensor, mismatch: int, weight: float) -> torch.Tensor:
    """Return the mean cross-entropy of soft `targets` (n, k), with `weight` (beta) on what is due to the mismatch.

    For two labels it is the article's -(beta y log f + (1 - y) log(1 - f)) (Nguyen et al. 2020, section 3.1).
    """
    weights = torch.ones(logits.shape[1])
    weights[mismatch] = weight
    return -(targets * weights * logits.log_softmax(dim=1)).sum(dim=1).mean()


def _targets(labels: np.ndarray, drawn: Overwritten, mismatch: int, k: int) -> torch.Tensor:
    """Return the targets (n, k): the label, or where it was overwritten the mismatch as far as the target says so."""
    share = (drawn.targets * drawn.switch)[:, None]
    targets = share * np.eye(k)[mismatch] + (1 - share) * np.eye(k)[labels]
    return torch.from_numpy(targets).float()
