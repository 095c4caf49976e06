"""Embedding networks that the cluster loss trains: each turns a batch of inputs into unit-length embeddings.

The inputs of all rows are one tensor, (n, d) embeddings or (n, t) token ids, so that a batch is taken by places.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from classwright_tools.learning.adapter import Adapter
from classwright_tools.learning.contrastive import word_vectors

HIDDEN = 256  # units of the adapter's hidden layer
DROPOUT = 0.3
NOISE = 0.03  # standard deviation, a dimension, of what is added to the encoder's embeddings while training
INPUT_SCALE = 10.0  # unit-length inputs of hundreds of dimensions are tiny for layers initialised as torch does

WORD_DIMENSIONS = 64  # of the LSTM's subword embeddings
LSTM_UNITS = 96
LSTM_DIMENSIONS = 64
LSTM_DROPOUT = 0.3
PARTS_BY_LENGTH = 4  # of a batch: what is padded is computed for nothing, and half as much is padded in parts
PADDING = 0


class AdapterNetwork(torch.nn.Module):
    """Two layers on a frozen encoder's embeddings (b, d); the result has the same dimension."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.hidden = torch.nn.Linear(dimension, HIDDEN)
        self.outer = torch.nn.Linear(HIDDEN, dimension)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the unit-length embeddings (b, d); in training with noise on the inputs and dropout."""
        if self.training:
            inputs = torch.nn.functional.normalize(inputs + NOISE * torch.randn_like(inputs), dim=1)
        hidden = torch.relu(self.hidden(INPUT_SCALE * inputs))
        hidden = torch.nn.functional.dropout(hidden, DROPOUT, self.training)
        return torch.nn.functional.normalize(self.outer(hidden), dim=1)

    def adapter(self) -> Adapter:
        """Return the network as numbers."""
        return Adapter(
            hidden_weights=_numbers(INPUT_SCALE * self.hidden.weight),
            hidden_biases=_numbers(self.hidden.bias),
            weights=_numbers(self.outer.weight),
            biases=_numbers(self.outer.bias),
        )


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


def embed_all(network: torch.nn.Module, inputs: torch.Tensor, batch: int = 1024) -> torch.Tensor:
    """Return the network's embeddings (n, d) of all `inputs`, without dropout, noise or gradient."""
    was_training = network.training
    network.eval()
    with torch.no_grad():
        parts = [network(inputs[start : start + batch]) for start in range(0, len(inputs), batch)]
    network.train(was_training)
    return torch.cat(parts)


def _lengths(tokens: torch.Tensor) -> torch.Tensor:
    """Return up to which token (b,) each text goes, at least 1; a 0 before its last token is a blank in the text."""
    places = torch.arange(1, tokens.shape[1] + 1)
    return (places * (tokens != PADDING)).max(dim=1).values.clamp(min=1)


def _without_common_padding(tokens: torch.Tensor) -> torch.Tensor:
    """Return the tokens without the columns at the end that are padding in every row."""
    return tokens[:, : int(_lengths(tokens).max())]


def _numbers(values: torch.Tensor) -> np.ndarray:
    return values.detach().cpu().numpy().astype(np.float32, copy=True)
