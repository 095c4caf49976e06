"""A head on embeddings as files: for sentence-transformers, setfit and ONNX Runtime.

A model of a pair task runs with sentence-transformers alone, for setfit and the graph take one text. setfit loads its
head from `model_head.pkl` alone, a pickle. It is written here for its users, and never read: what Classwright itself
needs of the head is in `head.safetensors`.
"""

from __future__ import annotations

from pathlib import Path

import joblib
import numpy as np
from sentence_transformers import SentenceTransformer

from classwright.predict import GRAPH_LIBRARIES
from classwright_tools.learning.classifier import HEAD, SCOPE, EmbeddingClassifier
from classwright_tools.learning.encoders import Encoder
from classwright_tools.learning.exports.embedding_code import pair_code, text_code
from classwright_tools.learning.exports.export import Export
from classwright_tools.learning.exports.onnx_graph import graph_facts, graph_inputs, save_onnx
from classwright_tools.learning.exports.runner import ENCODER_LIBRARIES, save_program
from classwright_tools.learning.head import Head, logistic_regression
from classwright_tools.learning.model import Model, save_encoder
from classwright_tools.learning.pair_encoder import DIFFERENCE_SCALE, PRODUCT_SCALE
from classwright_tools.learning.reading_limits import limit_of
from classwright_tools.learning.scope import Scope
from classwright_tools.learning.windows import tokens_at_once
from classwright_tools.workspace.workspace import write_json

SETFIT_HEAD = "model_head.pkl"
SETFIT_CONFIGURATION = "config_setfit.json"
GRAPH = "model.onnx"
SENTENCE_TRANSFORMERS = "sentence-transformers"


def export_embedding(model: Model, *, onnx: bool) -> Export:
    """Return the export of `model`, whose classifier is an `EmbeddingClassifier`; with a graph if `onnx`.

    The temperature and the prior are folded into every head that is written: all give the model's probabilities.

    Raises:
        InvalidInput: a graph is asked for, the model is for single texts, and the encoder cannot become one.
    """
    classifier = model.classifier
    assert isinstance(classifier, EmbeddingClassifier)
    own, encoder = classifier.encoder, classifier.sentence_transformer()
    head = classifier.head.calibrated(model.card.temperature, model.card.offsets)
    if model.card.kind == "pair":

        def write_pairs(folder: Path) -> None:
            _write(folder, encoder, head, None)
            scales = {"difference": DIFFERENCE_SCALE, "product": PRODUCT_SCALE}
            save_program(folder, model, ENCODER_LIBRARIES, pairs=scales, windows=_windows(own))

        return Export(
            write=write_pairs,
            libraries=(SENTENCE_TRANSFORMERS,),
            runs_with=SENTENCE_TRANSFORMERS,
            code=pair_code(_first_alone(own), model.card.mismatch),
            left_out="setfit and the ONNX graph take single texts, so they are left out.",
        )
    several = model.space.several
    inputs = graph_inputs(own.model, model.card.encoder.name) if onnx else ()
    install = GRAPH_LIBRARIES if inputs else ENCODER_LIBRARIES

    def write(folder: Path) -> None:
        _write(folder, encoder, head, model.scope)
        if not several:
            _save_setfit_head(folder, head, model.labels)
        if inputs:
            after = list(encoder)[len(own.model) :]
            windows = own.ref.windows > 1
            save_onnx(folder / GRAPH, own.model, after, head, model.scope, inputs, windows=windows, several=several)
        graph = {"file": GRAPH, **graph_facts(own)} if inputs else None
        save_program(folder, model, install, graph=graph, windows=_windows(own))

    return Export(
        write=write,
        libraries=(SENTENCE_TRANSFORMERS,) if several else (SENTENCE_TRANSFORMERS, "setfit"),
        runs_with=SENTENCE_TRANSFORMERS + ("" if several else " and setfit") + (", an ONNX graph" if inputs else ""),
        code=text_code(install, _first_alone(own), several=several),
        left_out="setfit's files are left out: its head gives a text one label." if several else "",
        caution="" if several else f"Its {SETFIT_HEAD} is a pickle, for setfit alone.",
    )


def _windows(encoder: Encoder) -> dict[str, int] | None:
    """Return how the program reads a long text with sentence-transformers; None where it reads its beginning alone."""
    tokens = tokens_at_once(encoder.model)
    if tokens is None or encoder.ref.windows == 1:
        return None
    return {"most": encoder.ref.windows, "tokens": tokens, "modules": len(encoder.model)}


def _first_alone(encoder: Encoder) -> str:
    """Return the sentence on what code besides the program does not read of a long text; nothing where it reads all."""
    limit = limit_of(encoder)
    if limit is None or limit.windows == 1:
        return ""
    return f"It reads the first {limit.at_once} tokens of a text, where the program reads {limit.in_words}."


def _write(folder: Path, encoder: SentenceTransformer, head: Head, scope: Scope | None) -> None:
    """Write what sentence-transformers needs."""
    save_encoder(encoder, folder)
    head.save(folder / HEAD)
    if scope:
        scope.save(folder / SCOPE)


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
