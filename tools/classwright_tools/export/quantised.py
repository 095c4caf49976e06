"""The graph in whole numbers of eight bits: a quarter of the bytes, kept where it is as accurate."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from classwright.predict import BATCH, GraphEngine
from classwright_tools.domain.cards import ModelCard
from classwright_tools.domain.example import Split
from classwright_tools.errors import DamagedArtifact, NotFound
from classwright_tools.learning.exports.export import LABELS
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.workspace import Workspace, write_json

QUANTISED = "model.int8.onnx"
MOST_LOST = 0.002
"""Of the accuracy, 0.2 points."""
LEAST_ROWS = 100
"""Held-out rows: with fewer, a loss that small cannot be seen, and the share of changed answers stands for it."""
MOST_ROWS = 1_000
"""More would take longer than the rest of the export."""

_SPLITS: tuple[Split, ...] = ("validation", "train")


@dataclass(frozen=True)
class CheckRows:
    """Texts to compare two graphs by: held-out ones with the numbers of their labels (n,), and those of training."""

    held_out: tuple[str, ...]
    labels: np.ndarray
    training: tuple[str, ...]


def check_rows(workspace: Workspace, card: ModelCard) -> CheckRows:
    """Return the rows of the dataset that the model of `card` was trained on, those of its labels.

    There are none where the dataset does not read back: an export does not need it.
    """
    places = {label: place for place, label in enumerate(card.labels)}
    try:
        held_out, training = (
            [row for row in read_rows(workspace, card.dataset, split) if row.label in places] for split in _SPLITS
        )
    except (NotFound, DamagedArtifact):
        held_out, training = [], []
    if card.validation_rows:  # it learnt from them
        held_out, training = [], [*held_out, *training]
    return CheckRows(
        held_out=tuple(row.content for row in held_out),
        labels=np.array([places[row.label] for row in held_out if row.label], np.int64),
        training=tuple(row.content for row in training),
    )


def quantised(folder: Path, rows: CheckRows) -> str:
    """Write the export's graph in whole numbers too, for its program, and say in a sentence what it costs on `rows`.

    Where that is too much it is left out; where there is no graph at all, nothing is said. It is ONNX Runtime's
    dynamic quantisation, with weights of seven bits: eight overflow on processors without VNNI, which would answer
    otherwise than the one that measured.
    """
    facts = json.loads((folder / LABELS).read_text(encoding="utf-8")) if (folder / LABELS).is_file() else {}
    if not facts.get("graph"):
        return ""
    if not (rows.held_out or rows.training):
        return "There is no graph of whole numbers, for no row is there to measure it on."
    compared = ""
    for left_as_is in ([], _narrowing(folder / facts["graph"]["file"])):
        _quantise(folder / facts["graph"]["file"], folder / QUANTISED, left_as_is)
        lost, compared = _compared(folder, facts["graph"], rows)
        if lost <= MOST_LOST:
            facts["graph"]["file"] = QUANTISED
            write_json(folder / LABELS, facts)
            return f"`{QUANTISED}`, which `predict.py` uses, is of whole numbers: {compared}."
    (folder / QUANTISED).unlink()
    return f"A graph of whole numbers would lose too much, and was left out: {compared}."


def _narrowing(graph: Path) -> list[str]:
    """Return the names of the products whose weights (d, e) have d > e: the second of each layer's feed-forward two.

    What goes into them has outliers, and so most of what is lost is lost there.
    """
    model = onnx.load(graph)
    shapes = {weights.name: tuple(weights.dims) for weights in model.graph.initializer}
    products = [(node.name, shapes.get(node.input[1], ())) for node in model.graph.node if node.op_type == "MatMul"]
    return [name for name, shape in products if len(shape) == 2 and shape[0] > shape[1]]


def _quantise(graph: Path, to: Path, left_as_is: Sequence[str]) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.getLogger().addFilter(_no_advice)
    try:
        quantize_dynamic(
            graph,
            to,
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=list(left_as_is),
        )
    finally:
        logging.getLogger().removeFilter(_no_advice)


def _compared(folder: Path, facts: dict[str, Any], rows: CheckRows) -> tuple[float, str]:
    """Return what the graph of whole numbers loses of the accuracy, and what was measured, in words."""
    enough = len(rows.held_out) >= LEAST_ROWS
    texts = (rows.held_out if enough else (*rows.held_out, *rows.training))[:MOST_ROWS]
    usual, whole = (_answers(folder, facts | {"file": name}, texts) for name in (facts["file"], QUANTISED))
    if enough:
        before, after = (float((found == rows.labels[:MOST_ROWS]).mean()) for found in (usual, whole))
        return before - after, f"accuracy {after:.3f} on {len(texts)} validation rows, and {before:.3f} without that"
    changed = float((usual != whole).mean())
    return changed, f"{changed:.1%} other answers on {len(texts)} rows, most of them training rows"


def _answers(folder: Path, facts: dict[str, Any], texts: Sequence[str]) -> np.ndarray:
    """Return the places (n,) of the likeliest labels by a graph."""
    likeliest: np.ndarray = GraphEngine(folder, facts).probabilities(texts, BATCH).argmax(axis=1)
    return likeliest


def _no_advice(record: logging.LogRecord) -> bool:
    """Keep out ONNX Runtime's advice to prepare a graph, which this one does not need."""
    return "pre-processing before quantization" not in record.getMessage()
