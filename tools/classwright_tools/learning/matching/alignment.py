"""The space where queries lie by their own items: two linear maps of the frozen embeddings, learnt from matches alone.

A general encoder does not know that this shop calls a tap a faucet; thousands of matches that nobody has labelled do.
The loss is the contrastive one over a batch (van den Oord et al. 2018, "Contrastive Predictive Coding", eq. 4): among
the batch's items the own one is to be the nearest. The maps start at the identity and are held near it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from classwright_tools.learning.matching.table import PairTable

STEPS = 600
BATCH = 256
LEARNING_RATE = 1e-3
TEMPERATURE = 0.2
IDENTITY_WEIGHT = 0.002  # of the squared distance to the identity
LEAST_MATCHES = 500  # with fewer, two maps of d * d numbers learn the pairs by heart
ANOTHER_ROWS_ITEM = -1e4  # the score of an item that is a match as well: no negative of this row


@dataclass(frozen=True)
class Alignment:
    """The maps (d, d) of queries and of items, float32."""

    query_map: np.ndarray
    item_map: np.ndarray

    def over(self, table: PairTable) -> Aligned:
        """Return the mapped embeddings of all queries and items of `table`."""
        return Aligned(
            queries=_mapped(table.query_embeddings, torch.from_numpy(self.query_map)),
            items=_mapped(table.item_embeddings, torch.from_numpy(self.item_map)),
        )


@dataclass(frozen=True)
class Aligned:
    """The mapped, unit-length embeddings of a table's queries (n, d) and items (m, d)."""

    queries: torch.Tensor
    items: torch.Tensor

    def cosines(self, queries: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the cosine (n,), float64, of pairs of places."""
        return (self.queries[queries] * self.items[items]).sum(dim=1).double().numpy()


def fit_alignment(table: PairTable, queries: np.ndarray, items: np.ndarray, seed: int) -> Alignment | None:
    """Return the maps learnt from the matches at the places `queries` and `items`; None of fewer than 500 matches.

    Cosines of these very pairs come out too high: what is fitted on the cosines needs other pairs.
    """
    if len(queries) < LEAST_MATCHES:
        return None
    d, random = table.query_embeddings.shape[1], np.random.default_rng([seed, 3])
    identity = torch.eye(d)
    maps = [torch.eye(d, requires_grad=True) for _ in range(2)]
    optimiser = torch.optim.Adam(maps, lr=LEARNING_RATE, fused=True)
    for _ in range(STEPS):
        batch = random.choice(len(queries), min(BATCH, len(queries)), replace=False)
        own = _mapped(table.query_embeddings[queries[batch]], maps[0])
        other = _mapped(table.item_embeddings[items[batch]], maps[1])
        also = (queries[batch][:, None] == queries[batch]) | (items[batch][:, None] == items[batch])
        np.fill_diagonal(also, val=False)
        scores = (own @ other.T / TEMPERATURE).masked_fill(torch.from_numpy(also), ANOTHER_ROWS_ITEM)
        loss = torch.nn.functional.cross_entropy(scores, torch.arange(len(batch)))
        loss = loss + IDENTITY_WEIGHT * sum((one - identity).square().sum() for one in maps)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch
        optimiser.step()
    query_map, item_map = (one.detach().numpy() for one in maps)
    return Alignment(query_map=query_map, item_map=item_map)


def _mapped(embeddings: torch.Tensor, linear: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(embeddings @ linear, dim=1)
