"""The generator: a variational encoder-decoder from a matching pair to the query of a mismatch, in embedding space.

After Nguyen et al. 2020, section 3.2 (there an LSTM that writes words; here a perceptron that writes the query's
embedding, which is what overwrites the classifier's input).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from classwright_tools.learning.matching.negatives.drawn import PlacedRows
from classwright_tools.learning.torch_state import seeded

LATENT = 32
HIDDEN = 256
INPUT_SCALE = 8.0  # unit-length embeddings have numbers of about 1/20
MOST_STEPS = 600
STEPS_A_TUPLE = 5
BATCH = 128
LEARNING_RATE = 1e-3
KL_WEIGHT = 0.01  # more, and the latent vector says nothing (posterior collapse)
KL_STEPS = 300  # over which the weight of the divergence rises from 0
NEAR_ITEM = 0.6  # cosine from which an item may borrow the mismatched query of another
CHUNK = 2048
LEAST_TUPLES = 8


class GeneratedQueries(NamedTuple):
    """Queries (b, d) of unit length, and the mean and log-variance (b, 32) of their latent vectors."""

    queries: torch.Tensor
    mean: torch.Tensor
    log_variance: torch.Tensor


class QueryGenerator(nn.Module):
    """Embeddings of a query and its item, and noise, to the embedding of a query that does not match the item."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(2 * dimension, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2 * LATENT))
        self.decode = nn.Sequential(nn.Linear(2 * dimension + LATENT, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, dimension))

    def forward(self, queries: torch.Tensor, items: torch.Tensor, noise: torch.Tensor) -> GeneratedQueries:
        """Return queries made from embeddings (b, d) of `queries` and `items` and standard normal `noise` (b, 32)."""
        given = INPUT_SCALE * torch.cat([queries, items], dim=1)
        mean, log_variance = self.encode(given).chunk(2, dim=1)
        latent = mean + (log_variance / 2).exp() * noise
        moved = queries + self.decode(torch.cat([given, latent], dim=1))
        return GeneratedQueries(nn.functional.normalize(moved, dim=1), mean, log_variance)


def divergence(generated: GeneratedQueries) -> torch.Tensor:
    """Return the mean Kullback-Leibler divergence of the latent vectors from the standard normal."""
    mean, log_variance = generated.mean, generated.log_variance
    return (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1).mean() / 2


def mismatch_tuples(rows: PlacedRows, mismatch: int) -> np.ndarray:
    """Return places (m, 3) of a query, its item, and a query that does not match: what the generator learns from.

    The mismatched query is one of the item itself, or of the nearest item that has one, if that is near enough.
    """
    bad = np.flatnonzero(rows.labels == mismatch)
    good = np.flatnonzero(rows.labels != mismatch)
    items = rows.table.item_embeddings
    found = []
    for start in range(0, len(good), CHUNK):
        part = good[start : start + CHUNK]
        similarity = items[rows.items[part]] @ items[rows.items[bad]].T
        same_query = torch.from_numpy(rows.queries[part][:, None] == rows.queries[bad][None, :])
        nearest = similarity.masked_fill(same_query, -1.0).max(dim=1)
        near = (nearest.values > NEAR_ITEM).numpy()
        chosen = rows.queries[bad][nearest.indices.numpy()]
        found.append(np.column_stack([rows.queries[part], rows.items[part], chosen])[near])
    return np.concatenate(found)


def pretrained_generator(rows: PlacedRows, mismatch: int, seed: int) -> QueryGenerator:
    """Return a generator trained to give the mismatched query of the tuples: 1 - cosine, and the divergence.

    With fewer than eight tuples it is left as it was initialised: it then gives queries near to the given ones.
    """
    with seeded(seed):
        generator = QueryGenerator(rows.table.query_embeddings.shape[1])
        tuples = torch.from_numpy(mismatch_tuples(rows, mismatch))
        if len(tuples) >= LEAST_TUPLES:
            _descend(generator, rows, tuples)
    return generator


def _descend(generator: QueryGenerator, rows: PlacedRows, tuples: torch.Tensor) -> None:
    queries, items = rows.table.query_embeddings, rows.table.item_embeddings
    optimiser = torch.optim.Adam(generator.parameters(), lr=LEARNING_RATE, fused=True)
    for step in range(min(MOST_STEPS, STEPS_A_TUPLE * len(tuples))):
        own, item, wanted = tuples[torch.randint(len(tuples), (BATCH,))].T
        generated = generator(queries[own], items[item], torch.randn(BATCH, LATENT))
        loss = 1 - (generated.queries * queries[wanted]).sum(dim=1).mean()
        loss = loss + KL_WEIGHT * min(1.0, step / KL_STEPS) * divergence(generated)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
