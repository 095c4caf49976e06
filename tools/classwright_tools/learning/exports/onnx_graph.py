"""A classifier as one ONNX graph, from token ids to calibrated probabilities, and to how like its rows a text is."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from sentence_transformers import SentenceTransformer
from transformers import PreTrainedModel

from classwright_tools.errors import InvalidInput
from classwright_tools.garbage import unsearched
from classwright_tools.learning.encoders import Encoder
from classwright_tools.learning.head import Head
from classwright_tools.learning.scope import Scope
from classwright_tools.learning.windows import usual_prompt

OPSET = 20  # the first with Gelu as one step
WINDOWS = "windows"
# Two texts of different lengths: the graph is traced with padding in it.
TRACED = ("a text", "another text that is somewhat longer than the first one")


# Three windows, of which the second text has two.
TRACED_WINDOWS = ((5.0, 0.0, 0.0), (0.0, 13.0, 5.0))


class _Graph(torch.nn.Module):
    """The encoder's modules, the weighted mean of a text's windows, what follows on it, the head and the softmax.

    With `several` labels a text each has a sigmoid of its own. With a `scope` the cosine to its nearest mean comes too.
    """

    def __init__(
        self,
        encoder: SentenceTransformer,
        after: Sequence[torch.nn.Module],
        head: Head,
        scope: Scope | None,
        *,
        several: bool,
    ) -> None:
        super().__init__()
        self.several = several
        self.encoder = encoder
        self.after = torch.nn.ModuleList(after)
        self.head = torch.nn.Linear(head.weights.shape[1], head.weights.shape[0])
        self.head.weight = torch.nn.Parameter(torch.from_numpy(head.weights))
        self.head.bias = torch.nn.Parameter(torch.from_numpy(head.biases))
        self.means = None if scope is None else torch.nn.Parameter(torch.from_numpy(scope.means.T.astype(np.float32)))

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor | None = None,
        windows: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, ...]:
        features = {"input_ids": input_ids, "attention_mask": attention_mask}
        if token_type_ids is not None:
            features["token_type_ids"] = token_type_ids
        embedding = torch.nn.functional.normalize(self.encoder(features)["sentence_embedding"], dim=1)
        if windows is not None:
            embedding = torch.nn.functional.normalize(windows @ embedding, dim=1)
        for module in self.after:
            embedding = module({"sentence_embedding": embedding})["sentence_embedding"]
        embedding = torch.nn.functional.normalize(embedding, dim=1)
        logits = self.head(embedding)
        probabilities = torch.sigmoid(logits) if self.several else torch.softmax(logits, dim=1)
        return (probabilities,) if self.means is None else (probabilities, (embedding @ self.means).amax(dim=1))


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


def graph_facts(encoder: Encoder) -> dict[str, Any]:
    """Return how texts become the graph's inputs: what is put before them, how they are cut, and what pads them."""
    return {
        "prompt": usual_prompt(encoder.model),
        "tokens": encoder.model.max_seq_length,
        "windows": encoder.ref.windows,
        "pad": encoder.model.tokenizer.pad_token_id or 0,
    }


def save_onnx(
    path: Path,
    encoder: SentenceTransformer,
    after: Sequence[torch.nn.Module],
    head: Head,
    scope: Scope | None,
    inputs: tuple[str, ...],
    *,
    windows: bool,
    several: bool,
) -> None:
    """Write the graph of `encoder`, what comes `after` it, and `head` to `path`; `inputs` are its `graph_inputs`.

    The inputs are int64 of shape (windows, tokens), both free; the output `probabilities` is float32 of shape
    (texts, labels): the softmax of the logits of `head`, to about 1e-6, or with `several` labels a text the sigmoid of
    each. With a `scope` there is the output `likeness`, float32 of shape (texts,).

    With `windows` there is a further one of that name, float32 of shape (texts, windows): how many tokens a
    window has if it is one of the text, else 0.
    """
    encoder = copy.deepcopy(encoder).cpu().eval()
    for module in encoder.modules():
        if isinstance(module, PreTrainedModel):
            module.set_attn_implementation("eager")  # fewer steps than what torch makes of its own attention
    traced = encoder.preprocess([*TRACED, TRACED[0]] if windows else list(TRACED))
    given = {field: traced[field] for field in inputs}
    read, length = torch.export.Dim("windows"), torch.export.Dim("tokens")
    shapes = {field: {0: read, 1: length} for field in inputs}
    if windows:
        given[WINDOWS] = torch.tensor(TRACED_WINDOWS)
        shapes[WINDOWS] = {0: torch.export.Dim("texts"), 1: read}
    graph = _Graph(encoder, [copy.deepcopy(module).cpu() for module in after], head, scope, several=several)
    # A fifth of the export would go into looks at the objects that it makes.
    with _quiet(), unsearched(), torch.inference_mode(False), torch.no_grad():
        torch.onnx.export(
            graph.float().eval(),
            kwargs=given,
            f=str(path),
            input_names=list(given),
            output_names=["probabilities"] if scope is None else ["probabilities", "likeness"],
            dynamic_shapes=shapes,
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
