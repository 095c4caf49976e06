"""A small network on top of a frozen encoder: two layers that turn its embeddings into embeddings for one task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize

from classwright_tools.learning.arrays import save_arrays


@dataclass(frozen=True)
class Adapter:
    """Weights (h, d), biases (h,) of the hidden layer and weights (e, h), biases (e,) of the outer one; float32."""

    hidden_weights: np.ndarray
    hidden_biases: np.ndarray
    weights: np.ndarray
    biases: np.ndarray

    def apply(self, embeddings: np.ndarray) -> np.ndarray:
        """Return the task's unit-length embeddings (n, e), float32, of the encoder's (n, d)."""
        outer = self.outer(embeddings)
        unit: np.ndarray = (outer / np.linalg.norm(outer, axis=1, keepdims=True)).astype(np.float32)
        return unit

    def outer(self, embeddings: np.ndarray) -> np.ndarray:
        """Return what the outer layer gives (n, e), float64, before it is cut to unit length."""
        hidden = embeddings.astype(np.float64) @ self.hidden_weights.T.astype(np.float64) + self.hidden_biases
        given: np.ndarray = np.maximum(hidden, 0) @ self.weights.T.astype(np.float64) + self.biases
        return given

    def save(self, path: Path) -> None:
        """Write the adapter as safetensors."""
        save_arrays(vars(self), path)

    @staticmethod
    def load(path: Path) -> Adapter:
        """Read the adapter that `save` wrote; raises what safetensors raises for a file that is none."""
        tensors = load_file(path)
        return Adapter(**{name: tensors[name] for name in Adapter.__dataclass_fields__})


def adapted(model: SentenceTransformer, adapter: Adapter) -> SentenceTransformer:
    """Return the encoder `model`, whose modules are shared, with the adapter behind it."""
    hidden = _dense(adapter.hidden_weights, adapter.hidden_biases, torch.nn.ReLU())
    outer = _dense(adapter.weights, adapter.biases, torch.nn.Identity())
    modules = [*model, Normalize(), hidden, outer, Normalize()]
    return SentenceTransformer(
        modules=modules,
        device=str(model.device),
        prompts={name: prompt for name, prompt in model.prompts.items() if prompt is not None},
        default_prompt_name=model.default_prompt_name,
    )


def _dense(weights: np.ndarray, biases: np.ndarray, activation: torch.nn.Module) -> Dense:
    return Dense(
        in_features=weights.shape[1],
        out_features=weights.shape[0],
        activation_function=activation,
        init_weight=torch.from_numpy(weights),
        init_bias=torch.from_numpy(biases),
    )
