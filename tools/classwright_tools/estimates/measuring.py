"""The work of the tools that read rows with a model: evaluations, error analyses, exports, and generated rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from classwright_tools.context import ToolContext
from classwright_tools.domain.cards import ModelCard
from classwright_tools.domain.example import Split
from classwright_tools.estimates.encoding import Encoding, encoding_by, texts_of
from classwright_tools.estimates.guesses import OWN
from classwright_tools.estimates.parts import Part, Workload

if TYPE_CHECKING:
    from classwright_tools.error_analysis import ErrorAnalysisRequest
    from classwright_tools.evaluate import EvaluateRequest
    from classwright_tools.export_model import ExportModelRequest
    from classwright_tools.gan_augment import GanAugmentRequest


def evaluation_workload(request: EvaluateRequest, context: ToolContext) -> Workload:
    """Return the work of an evaluation: the split's texts are read by each model that has not read them.

    Models of one frozen encoder read them once for both.
    """
    models = [request.model, *([request.against] if request.against else [])]
    by_encoder = {context.workspace.document(model, "model", ModelCard).encoder.digest: model for model in models}
    encoding, texts = _read(context, request.model, request.dataset, (request.split,))
    parts = [_read_by(context, model, texts) for model in by_encoder.values()]
    return Workload(_own("evaluate", len(texts)), tuple(parts), encoding.memory, encoding.remark, loads=True)


def analysis_workload(request: ErrorAnalysisRequest, context: ToolContext) -> Workload:
    """Return the work of an error analysis: the frozen encoder reads the rows, and a tuned one those for validation."""
    encoding, texts = _read(context, request.model, request.dataset, ("train", "validation"))
    parts = [encoding.part(texts)]
    if _is_tuned(context, request.model):
        _, measured = _read(context, request.model, request.dataset, ("validation",))
        parts.append(_read_by(context, request.model, measured))
    return Workload(_own("error_analysis", len(texts)), tuple(parts), encoding.memory, encoding.remark, loads=True)


def export_workload(request: ExportModelRequest, context: ToolContext) -> Workload:
    """Return the work of an export, which reads and writes the encoder's weights."""
    card = context.workspace.document(request.model, "model", ModelCard)
    encoding = encoding_by(card.encoder.name, context)
    own = _own("export_model", encoding.weights_mb)
    if request.student:  # the teaching takes many times what the rest does: each is told by its own kind
        own = Part("export_model with a student", encoding.weights_mb, None)
    return Workload(own, memory=encoding.memory, remark=encoding.remark, loads=True)


def augmentation_workload(request: GanAugmentRequest, context: ToolContext) -> Workload:
    """Return the work of generating rows: it goes by the training rows, and by how often the gain is measured."""
    workspace = context.workspace
    dataset = workspace.resolve(request.dataset, "dataset", workspace.task(request.task).slug).id
    encoding = encoding_by(None, context)
    train = texts_of(context, dataset, ("train",))["train"]
    corpus = texts_of(context, request.pretrain_dataset, ("train",))["train"] if request.pretrain_dataset else []
    own = Part(f"gan_augment by {request.method}", len(train) * request.seeds, OWN["gan_augment"])
    return Workload(own, (encoding.part([*train, *corpus]),), encoding.memory, encoding.remark, loads=True)


def _own(tool: str, units: float) -> Part:
    return Part(tool, units, OWN[tool])


def _read(context: ToolContext, model: str, dataset: str | None, splits: Sequence[Split]) -> tuple[Encoding, list[str]]:
    """Return the encoding by the frozen encoder of a model, and the texts of `splits` that it will read."""
    workspace = context.workspace
    card = workspace.document(model, "model", ModelCard)
    id_ = workspace.resolve(dataset, "dataset", card.task).id
    texts = texts_of(context, id_, splits)
    return encoding_by(card.encoder.name, context), [text for split in splits for text in texts[split]]


def _read_by(context: ToolContext, model: str, texts: Sequence[str]) -> Part:
    """Return the reading of texts by a model."""
    card = context.workspace.document(model, "model", ModelCard)
    return encoding_by(card.encoder.name, context).part(texts, of=card.encoder, tuned=_is_tuned(context, model))


def _is_tuned(context: ToolContext, model: str) -> bool:
    from classwright_tools.learning.model import ENCODER

    return (context.workspace.artifact(model, "model").path / ENCODER).is_dir()
