"""What the tests of `train_classifier` share: training on the newest dataset, and what came of it."""

from __future__ import annotations

import dataclasses

from classwright_tools.context import ToolContext
from classwright_tools.learning.classifier import EmbeddingClassifier
from classwright_tools.learning.model import load_model
from classwright_tools.train_classifier import TrainClassifierRequest, TrainClassifierResult, train_classifier

LABELS = ("refund", "delivery", "account")


TEXTS = ("my money has not come back", "where is the box", "password wrong", "")


def trained(context: ToolContext, run_key: str = "run", **arguments: object) -> TrainClassifierResult:
    """Train on the task's newest dataset, as the run `run_key`."""
    request = TrainClassifierRequest(task="support", **arguments)  # type: ignore[arg-type]
    return train_classifier(request, dataclasses.replace(context, run_key=run_key))


def classifier_of(context: ToolContext, model_id: str) -> EmbeddingClassifier:
    """Return the classifier of a model whose head lies on embeddings."""
    classifier = load_model(context.workspace, model_id).classifier
    assert isinstance(classifier, EmbeddingClassifier)
    return classifier
