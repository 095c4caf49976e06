"""The network that the cluster loss trains: it turns a batch of inputs into unit-length embeddings.

The inputs of all rows are one tensor, so that a batch is taken by places.
"""

from __future__ import annotations

import numpy as np
import torch

from classwright_tools.learning.adapter import Adapter

HIDDEN = 256  # units of the adapter's hidden layer
DROPOUT = 0.3
NOISE = 0.03  # standard deviation, a dimension, of what is added to the encoder's embeddings while training
ROWS_AT_ONCE = 1_024  # that are embedded
INPUT_SCALE = 10.0  # unit-length inputs of hundreds of dimensions are tiny for layers initialised as torch does


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


def embed_all(network: torch.nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    """Return the network's embeddings (n, d) of all `inputs`, without dropout, noise or gradient."""
    was_training = network.training
    network.eval()
    with torch.no_grad():
        parts = [network(inputs[start : start + ROWS_AT_ONCE]) for start in range(0, len(inputs), ROWS_AT_ONCE)]
    network.train(was_training)
    return torch.cat(parts)


def _numbers(values: torch.Tensor) -> np.ndarray:
    return values.detach().cpu().numpy().astype(np.float32, copy=True)
