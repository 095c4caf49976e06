"""A classifier as one ONNX graph, from token ids to calibrated probabilities."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer

from classwright_tools.errors import InvalidInput
from classwright_tools.learning.encoders import usual_prompt
from classwright_tools.learning.model import TextClassifier

OPSET = 18
# Two texts of different lengths: the graph is traced with padding in it.
TRACED = ("a text", "another text that is somewhat longer than the first one")


class _Graph(torch.nn.Module):
    """The encoder's modules, the head and the softmax in one forward pass."""

    def __init__(self, encoder: SentenceTransformer, weights: torch.Tensor, biases: torch.Tensor) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = torch.nn.Linear(weights.shape[1], weights.shape[0])
        self.head.weight = torch.nn.Parameter(weights)
        self.head.bias = torch.nn.Parameter(biases)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor | None = None
    ) -> torch.Tensor:
        features = {"input_ids": input_ids, "attention_mask": attention_mask}
        if token_type_ids is not None:
            features["token_type_ids"] = token_type_ids
        embedding = torch.nn.functional.normalize(self.encoder(features)["sentence_embedding"], dim=1)
        return torch.softmax(self.head(embedding), dim=1)


def save_onnx(path: Path, model: TextClassifier) -> tuple[str, ...]:
    """Write the graph of `model` to `path` and return the names of its inputs.

    The inputs are int64 of shape (texts, tokens), both free; the output `probabilities` is float32 of shape
    (texts, labels): what `predict_proba` returns, to about 1e-6.

    Raises:
        InvalidInput: the encoder is not one that takes token ids and an attention mask, and nothing besides.
    """
    encoder = copy.deepcopy(model.sentence_transformer()).cpu().eval()
    tokens = dict(encoder.preprocess(list(TRACED)))
    names = tuple(name for name in ("input_ids", "attention_mask", "token_type_ids") if name in tokens)
    if "input_ids" not in names or "attention_mask" not in names:
        raise InvalidInput(
            f"model on {model.card.encoder.name!r}",
            "cannot become an ONNX graph: its encoder does not take token ids and an attention mask",
            "Export it with onnx=false.",
        )
    if usual_prompt(encoder) and not all(getattr(module, "include_prompt", True) for module in encoder):
        raise InvalidInput(
            f"model on {model.card.encoder.name!r}",
            "cannot become an ONNX graph: its encoder puts a prompt before texts and leaves it out of their embeddings",
            "Export it with onnx=false.",
        )
    temperature = model.card.temperature
    graph = _Graph(
        encoder, torch.from_numpy(model.head.weights / temperature), torch.from_numpy(model.head.biases / temperature)
    )
    texts, length = torch.export.Dim("texts"), torch.export.Dim("tokens")
    with _quiet(), torch.inference_mode(False), torch.no_grad():
        torch.onnx.export(
            graph.float().eval(),
            tuple(tokens[name] for name in names),
            str(path),
            input_names=list(names),
            output_names=["probabilities"],
            dynamic_shapes={name: {0: texts, 1: length} for name in names},
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    return names


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's remarks on its own internals from the log."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
