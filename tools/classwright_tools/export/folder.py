"""A model as a folder that runs without Classwright: for sentence-transformers, setfit and ONNX Runtime.

A model of a pair task runs with sentence-transformers alone, for setfit and the graph take one text; a matcher, whose
attention no other library has, with the `classwright` package.

setfit loads its head from `model_head.pkl` alone, a pickle. It is written here for its users, and never read: what
Classwright itself needs of the head is in `head.safetensors`.
"""

from __future__ import annotations

from pathlib import Path

import joblib
import numpy as np

from classwright_tools.domain.evaluation import EvaluationReport
from classwright_tools.domain.task import Task
from classwright_tools.export.card import export_card
from classwright_tools.export.onnx_graph import save_onnx
from classwright_tools.learning.encoders import file_sha256
from classwright_tools.learning.head import Head, logistic_regression
from classwright_tools.learning.method import HEAD
from classwright_tools.learning.model import ENCODER, Classifier, MatchClassifier, TextClassifier, save_encoder
from classwright_tools.workspace.workspace import write_json

SETFIT_HEAD = "model_head.pkl"
SETFIT_CONFIGURATION = "config_setfit.json"
LABELS = "labels.json"
GRAPH = "model.onnx"
CARD = "README.md"


def save_export(
    folder: Path, model: Classifier, task: Task, model_id: str, *, onnx: bool, tested: EvaluationReport | None
) -> None:
    """Write the export of `model`, which was trained for `task` and `tested` if it was, into the empty `folder`.

    The temperature is folded into every head that is written: all of them give calibrated probabilities. A matcher's
    is in `labels.json`.

    Raises:
        InvalidInput: `onnx` is asked for, the model is for single texts, and the encoder cannot become a graph.
    """
    temperature = model.card.temperature
    if isinstance(model, MatchClassifier):
        save_encoder(model.encoder.model, folder / ENCODER)
        model.matcher.save(folder)
        facts = {"labels": model.labels, "threshold": model.threshold, "temperature": temperature}
        write_json(folder / LABELS, facts)
        (folder / CARD).write_text(export_card(model, task, model_id, (), tested), encoding="utf-8")
        return
    assert isinstance(model, TextClassifier)
    head = Head(
        weights=(model.head.weights / temperature).astype(np.float32),
        biases=(model.head.biases / temperature).astype(np.float32),
    )
    save_encoder(model.sentence_transformer(), folder)
    head.save(folder / HEAD)
    write_json(folder / LABELS, {"labels": model.labels, "threshold": model.threshold})
    inputs: tuple[str, ...] = ()
    if model.card.kind == "text":
        _save_setfit_head(folder, head, model.labels)
        inputs = save_onnx(folder / GRAPH, model) if onnx else ()
    (folder / CARD).write_text(export_card(model, task, model_id, inputs, tested), encoding="utf-8")


def exported_files(folder: Path) -> list[tuple[str, int, str]]:
    """Return the (name with '/', bytes, SHA-256) of every file in `folder`, by name."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [(path.relative_to(folder).as_posix(), path.stat().st_size, file_sha256(path)) for path in paths]


def _save_setfit_head(folder: Path, head: Head, labels: tuple[str, ...]) -> None:
    """Write the two files that `SetFitModel.from_pretrained` looks for beside the encoder."""
    model = logistic_regression(1.0, balanced=False)
    weights, biases = head.weights.astype(np.float64), head.biases.astype(np.float64)
    if len(labels) == 2:  # scikit-learn keeps one score for two classes
        weights, biases = weights[1:] - weights[:1], biases[1:] - biases[:1]
    model.coef_, model.intercept_ = weights, biases
    model.classes_ = np.arange(len(labels))
    model.n_features_in_ = weights.shape[1]
    joblib.dump(model, folder / SETFIT_HEAD)
    write_json(folder / SETFIT_CONFIGURATION, {"normalize_embeddings": True, "labels": labels})
