"""Networks over token ids that the cluster loss was tried on: an LSTM from scratch, and the sentence encoder itself.

The inputs of all rows are one tensor (n, t) of token ids, padded with 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from classwright_tools.learning.tuning import word_vectors

WORD_DIMENSIONS = 64  # of the LSTM's subword embeddings
LSTM_UNITS = 96
LSTM_DIMENSIONS = 64
LSTM_DROPOUT = 0.3
PARTS_BY_LENGTH = 4  # of a batch: what is padded is computed for nothing, and half as much is padded in parts
PADDING = 0


class SubwordLSTM(torch.nn.Module):
    """An LSTM in both directions over token ids (b, t) padded with 0: a small network that has read nothing before."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.words = torch.nn.Embedding(vocabulary, WORD_DIMENSIONS, padding_idx=PADDING)
        self.onwards = torch.nn.LSTM(WORD_DIMENSIONS, LSTM_UNITS, batch_first=True)
        self.backwards = torch.nn.LSTM(WORD_DIMENSIONS, LSTM_UNITS, batch_first=True)
        self.outer = torch.nn.Linear(2 * LSTM_UNITS, LSTM_DIMENSIONS)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the unit-length embeddings (b, e): the largest of a text's states in each unit, projected."""
        by_length = torch.argsort(_lengths(tokens), stable=True)
        parts = [self._largest(part) for part in tokens[by_length].chunk(PARTS_BY_LENGTH)]
        largest = torch.cat(parts)[torch.argsort(by_length)]
        largest = torch.nn.functional.dropout(largest, LSTM_DROPOUT, self.training)
        return torch.nn.functional.normalize(self.outer(largest), dim=1)

    def _largest(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the largest state (b, 2 units) of each unit over a text's tokens; both ways read the padding last."""
        tokens = _without_common_padding(tokens)
        places, lengths = torch.arange(tokens.shape[1]), _lengths(tokens)[:, None]
        words = torch.nn.functional.dropout(self.words(tokens), LSTM_DROPOUT, self.training)
        turned = (lengths - 1 - places).clamp(min=0)[:, :, None].expand_as(words)
        states = torch.cat([self.onwards(words)[0], self.backwards(words.gather(1, turned))[0]], dim=2)
        return states.masked_fill((places >= lengths)[:, :, None], float("-inf")).max(dim=1).values


class EncoderNetwork(torch.nn.Module):
    """A sentence-transformers model itself, over token ids (b, t) padded with 0; its word vectors stay as they are."""

    def __init__(self, model: SentenceTransformer) -> None:
        super().__init__()
        self.model = model
        for parameter in word_vectors(model):
            parameter.requires_grad_(False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the unit-length embeddings (b, d)."""
        tokens = _without_common_padding(tokens)
        features = {"input_ids": tokens, "attention_mask": (tokens != PADDING).long()}
        return torch.nn.functional.normalize(self.model(features)["sentence_embedding"], dim=1)


def token_ids(model: SentenceTransformer, texts: Sequence[str], longest: int) -> torch.Tensor:
    """Return the ids (n, t) of the texts' subwords by the tokenizer of `model`, cut at `longest`, padded with 0.

    0 is the padding of BERT's vocabularies and of those made like them.
    """
    rows = model.tokenizer(list(texts), truncation=True, max_length=longest)["input_ids"]
    tokens = np.full((len(rows), max(map(len, rows))), PADDING, np.int64)
    for place, row in enumerate(rows):
        tokens[place, : len(row)] = row
    return torch.from_numpy(tokens)


def _lengths(tokens: torch.Tensor) -> torch.Tensor:
    """Return up to which token (b,) each text goes, at least 1; a 0 before its last token is a blank in the text."""
    places = torch.arange(1, tokens.shape[1] + 1)
    return (places * (tokens != PADDING)).max(dim=1).values.clamp(min=1)


def _without_common_padding(tokens: torch.Tensor) -> torch.Tensor:
    """Return the tokens without the columns at the end that are padding in every row."""
    return tokens[:, : int(_lengths(tokens).max())]
