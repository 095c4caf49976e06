"""A classifier as one ONNX graph, from token ids to calibrated probabilities."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import torch
from sentence_transformers import SentenceTransformer
from transformers import PreTrainedModel

from classwright_tools.errors import InvalidInput
from classwright_tools.learning.encoders import usual_prompt
from classwright_tools.learning.head import Head

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


def graph_inputs(encoder: SentenceTransformer, name: str) -> tuple[str, ...]:
    """Return the names of the inputs of a graph of the encoder called `name`.

    Raises:
        InvalidInput: the encoder is not one that takes token ids and an attention mask, and nothing besides.
    """
    tokens = encoder.preprocess(list(TRACED))
    inputs = tuple(field for field in ("input_ids", "attention_mask", "token_type_ids") if field in tokens)
    if "input_ids" not in inputs or "attention_mask" not in inputs:
        raise InvalidInput(
            f"model on {name!r}",
            "cannot become an ONNX graph: its encoder does not take token ids and an attention mask",
            "Export it with onnx=false.",
        )
    if usual_prompt(encoder) and not all(getattr(module, "include_prompt", True) for module in encoder):
        raise InvalidInput(
            f"model on {name!r}",
            "cannot become an ONNX graph: its encoder puts a prompt before texts and leaves it out of their embeddings",
            "Export it with onnx=false.",
        )
    return inputs


def graph_facts(encoder: SentenceTransformer) -> dict[str, Any]:
    """Return how texts become the graph's inputs: what is put before them, where they are cut, and what pads them."""
    return {
        "prompt": usual_prompt(encoder),
        "tokens": encoder.max_seq_length,
        "pad": encoder.tokenizer.pad_token_id or 0,
    }


def save_onnx(path: Path, encoder: SentenceTransformer, head: Head, inputs: tuple[str, ...]) -> None:
    """Write the graph of `head` on `encoder` to `path`; `inputs` are its `graph_inputs`.

    The inputs are int64 of shape (texts, tokens), both free; the output `probabilities` is float32 of shape
    (texts, labels): the softmax of the logits of `head`, to about 1e-6.
    """
    encoder = copy.deepcopy(encoder).cpu().eval()
    for module in encoder.modules():
        if isinstance(module, PreTrainedModel):
            module.set_attn_implementation("eager")  # fewer steps than what torch makes of its own attention
    tokens = dict(encoder.preprocess(list(TRACED)))
    graph = _Graph(encoder, torch.from_numpy(head.weights), torch.from_numpy(head.biases))
    texts, length = torch.export.Dim("texts"), torch.export.Dim("tokens")
    with _quiet(), torch.inference_mode(False), torch.no_grad():
        torch.onnx.export(
            graph.float().eval(),
            tuple(tokens[field] for field in inputs),
            str(path),
            input_names=list(inputs),
            output_names=["probabilities"],
            dynamic_shapes={field: {0: texts, 1: length} for field in inputs},
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    written = onnx.load(path)
    # The exporter also notes the shapes of weights, which tools that transpose these take for contradictions; every
    # shape in between follows from the inputs.
    del written.graph.value_info[:]
    onnx.save(written, path)


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
