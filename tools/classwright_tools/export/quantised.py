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
from classwright_tools.domain.example import Example, Split
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.label_sets import in_order
from classwright_tools.errors import DamagedArtifact, NotFound
from classwright_tools.learning.exports.export import LABELS
from classwright_tools.learning.label_space import Answer, LabelSpace
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.workspace import Workspace, write_json

QUANTISED = "model.int8.onnx"
MOST_LOST = 0.002
"""Of the accuracy, 0.2 points."""
LEAST_ROWS = 100
"""Held-out rows: with fewer, training rows are compared too."""
MOST_ROWS = 1_000
"""More would take longer than the rest of the export."""

_SPLITS: tuple[Split, ...] = ("validation", "train")


@dataclass(frozen=True)
class CheckRows:
    """Texts to compare two graphs by: held-out ones with the answers that are right for them, and those of training."""

    held_out: tuple[str, ...]
    answers: tuple[Answer, ...]
    training: tuple[str, ...]


def check_rows(workspace: Workspace, card: ModelCard) -> CheckRows:
    """Return the rows of the dataset that the model of `card` was trained on, those of its labels, in random order.

    So those that are compared, the first, are of all labels, also where a file is sorted by them. There are none where
    the dataset does not read back: an export does not need it.
    """
    try:
        held_out, training = (_answered(read_rows(workspace, card.dataset, split), card.labels) for split in _SPLITS)
    except (NotFound, DamagedArtifact):
        held_out, training = [], []
    if card.validation_rows_learnt:  # it learnt from them
        held_out, training = [], [*held_out, *training]
    return CheckRows(
        held_out=tuple(text for text, _ in held_out),
        answers=tuple(right for _, right in held_out),
        training=tuple(text for text, _ in training),
    )


def _answered(rows: Sequence[Example], labels: Sequence[str]) -> list[tuple[str, Answer]]:
    """Return, shuffled, the texts of those `rows` that have none but `labels`, each with its label, or all of them."""
    found: list[tuple[str, Answer]] = []
    for row in rows:
        if row.label in labels and row.label:
            found.append((row.content, row.label))
        elif row.labels is not None and set(row.labels) <= set(labels):
            found.append((row.content, in_order(row.labels, labels)))
    return [found[place] for place in np.random.default_rng(0).permutation(len(found))]


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
        lost, compared = _compared(folder, facts, rows)
        if lost <= MOST_LOST:
            write_json(folder / LABELS, facts | {"int8": facts["graph"] | {"file": QUANTISED}})
            return f"`{QUANTISED}`, for `predict.py --engine int8`, is of whole numbers: {compared}."
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


def less_likely_right(model: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Return by how much less likely right (n,) other `answers` (n,) are than a model's, by its probabilities (n, k).

    These are calibrated, so the mean is what accuracy falls by. It varies far less from rows to rows than a difference
    of two accuracies, in which each changed answer counts for a whole row, and needs no labels.
    """
    lost: np.ndarray = model.max(axis=1) - model[np.arange(len(model)), answers]
    return lost


def _compared(folder: Path, facts: dict[str, Any], rows: CheckRows) -> tuple[float, str]:
    """Return what the graph of whole numbers loses of the accuracy, and what was measured, in words."""
    enough = len(rows.held_out) >= LEAST_ROWS
    texts = (rows.held_out if enough else (*rows.held_out, *rows.training))[:MOST_ROWS]
    space = LabelSpace(tuple(facts["labels"]), tuple(facts.get("thresholds", ())))
    graphs = (facts["graph"] | {"file": name} for name in (facts["graph"]["file"], QUANTISED))
    (usual, like), (whole, like_whole) = (GraphEngine(folder, graph).answers(texts, BATCH) for graph in graphs)
    answers = [space.answers(proba)[0] for proba in (usual, whole)]
    lost = changed = 1 - share_alike(*answers)
    measured = f"{changed:.1%} other answers on {counted(len(texts), 'row')}"
    limit = facts.get("least_like")
    if limit is not None and like is not None and like_whole is not None:
        measured += f", {np.mean((like < limit) != (like_whole < limit)):.1%} that only one of both calls out of scope"
    if enough:
        before, after = (share_alike(found, rows.answers[:MOST_ROWS]) for found in answers)
        lost = before - after
        measured += f", and accuracy {after:.3f} on these validation rows, {before:.3f} without that"
    else:
        measured += f", {len(rows.held_out):,} held out and the others learnt by heart: new texts may differ more"
    return lost if space.several else float(less_likely_right(usual, whole.argmax(axis=1)).mean()), measured


def share_alike(some: Sequence[Answer | None], others: Sequence[Answer | None]) -> float:
    """Return the share of answers that two have alike."""
    return sum(one == other for one, other in zip(some, others, strict=True)) / len(some)


def _no_advice(record: logging.LogRecord) -> bool:
    """Keep out ONNX Runtime's advice to prepare a graph, which this one does not need."""
    return "pre-processing before quantization" not in record.getMessage()
