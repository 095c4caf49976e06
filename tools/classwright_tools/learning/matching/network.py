"""The matching network: embeddings, lexical features and attended tokens of a pair, to the logits of its label."""

from __future__ import annotations

import torch
from torch import nn

from classwright_tools.learning.matching.attention import Attended, TokenAttention
from classwright_tools.learning.matching.lexical import NAMES
from classwright_tools.learning.matching.settings import Part
from classwright_tools.learning.matching.table import PairFeatures
from classwright_tools.learning.pair_encoder import pair_parts

HIDDEN = 128
DROPOUT = 0.3


class MatchNetwork(nn.Module):
    """One hidden vector that all parts add to, then two layers; `parts` that are left out add nothing."""

    def __init__(self, parts: tuple[Part, ...], dimension: int, token_dimension: int, k: int) -> None:
        """Build the network for embeddings of `dimension` d, tokens of `token_dimension` p, and k labels."""
        super().__init__()
        self.pooled = nn.Linear(4 * dimension, HIDDEN) if "pooled" in parts else None
        self.lexical = nn.Linear(len(NAMES), HIDDEN) if "lexical" in parts else None
        self.attention = TokenAttention(token_dimension) if "tokens" in parts else None
        self.attended = nn.Linear(self.attention.features, HIDDEN) if self.attention else None
        self.classify = nn.Sequential(
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(HIDDEN, k),
        )

    def forward(self, pairs: PairFeatures) -> torch.Tensor:
        """Return the logits (b, k) of a batch."""
        hidden = torch.zeros(len(pairs.query), HIDDEN)
        if self.pooled is not None:
            hidden = hidden + self.pooled(pooled_features(pairs.query, pairs.item))
        if self.lexical is not None:
            hidden = hidden + self.lexical(pairs.lexical)
        if self.attended is not None:
            hidden = hidden + self.attended(self.attend(pairs).features)
        logits: torch.Tensor = self.classify(hidden)
        return logits

    def attend(self, pairs: PairFeatures) -> Attended:
        """Return the attention of a batch that has tokens."""
        assert self.attention is not None
        assert pairs.query_tokens is not None
        assert pairs.item_tokens is not None
        attended: Attended = self.attention(pairs.query_tokens, pairs.item_tokens)
        return attended


def pooled_features(query: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
    """Return both embeddings (b, d), how they differ and where they agree: (b, 4d)."""
    return torch.cat(pair_parts(query, item), dim=1)
