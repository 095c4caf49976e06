"""Attention of the query's words over the item's, and what it says of the match.

Each query token looks for its like among the item's tokens and is compared with what it finds; the tokens are then
weighed: a missing "not" or model number decides, a missing "the" does not. It follows the article's word-by-word
attention (Nguyen et al. 2020, section 3.1, after Rocktaeschel et al. 2016) in what it does. Its weights start at the
similarity of the frozen token embeddings, and not at random, so that it is of use with few labels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

COMPARED = 16  # dimensions of the comparison of a token with what it found
SHARPNESS = 10.0  # of the softmax over cosines, at the start
SMALL = 1e-6


class Attended(NamedTuple):
    """Weights (b, s, t) of item tokens for each query token; importance (b, s) of the query's tokens; both sum to 1."""

    weights: torch.Tensor
    importance: torch.Tensor
    features: torch.Tensor


class TokenAttention(nn.Module):
    """Token embeddings (b, s, p) and (b, t, p) with their masks to attention and `FEATURES` numbers a pair."""

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        self.shift = nn.Linear(dimensions, dimensions, bias=False)
        nn.init.zeros_(self.shift.weight)
        self.sharpness = nn.Parameter(torch.tensor(SHARPNESS).log())
        self.importance = nn.Linear(dimensions + 1, 1)
        nn.init.zeros_(self.importance.weight)
        self.compare = nn.Linear(2 * dimensions, COMPARED)
        self.features = COMPARED + 4

    def forward(self, query: tuple[torch.Tensor, torch.Tensor], item: tuple[torch.Tensor, torch.Tensor]) -> Attended:
        """Return the attention of a batch of pairs and the features that it gives the classifier."""
        (query_tokens, query_mask), (item_tokens, item_mask) = query, item
        own = nn.functional.normalize(query_tokens + self.shift(query_tokens), dim=2, eps=SMALL)
        other = nn.functional.normalize(item_tokens + self.shift(item_tokens), dim=2, eps=SMALL)
        similarity = own @ other.transpose(1, 2)
        scores = (similarity * self.sharpness.exp()).masked_fill(~item_mask[:, None, :], float("-inf"))
        weights = scores.softmax(dim=2)
        found = weights @ other
        agreement = (weights * similarity).sum(dim=2)
        says = self.importance(torch.cat([query_tokens, agreement[:, :, None]], dim=2)).squeeze(2)
        importance = says.masked_fill(~query_mask, float("-inf")).softmax(dim=1)
        compared = torch.tanh(self.compare(torch.cat([(own - found).abs(), own * found], dim=2)))
        share = query_mask / query_mask.sum(dim=1, keepdim=True)
        best = similarity.masked_fill(~item_mask[:, None, :], -1.0).amax(dim=2)
        summary = torch.stack(
            [
                (importance * agreement).sum(dim=1),
                (share * agreement).sum(dim=1),
                agreement.masked_fill(~query_mask, 1.0).amin(dim=1),
                (share * best).sum(dim=1),
            ],
            dim=1,
        )
        pooled = (importance[:, :, None] * compared).sum(dim=1)
        return Attended(weights, importance, torch.cat([summary * 4, pooled], dim=1))
