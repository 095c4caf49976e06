"""A training method: the rows that it takes, what it costs, and how it fits, reads back and exports a classifier.

The request's schema, the lanes of jobs and the candidates of `auto` are made from what the methods say of themselves,
so importing one loads no heavy library: what computes is imported where it is used.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from classwright_tools.domain.task import TaskKind
from classwright_tools.errors import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path

    from classwright_tools.domain.cards import ModelCard
    from classwright_tools.learning.classifier import Classifier
    from classwright_tools.learning.embedding_cache import EmbeddingCache
    from classwright_tools.learning.encoders import Encoder
    from classwright_tools.learning.exports.export import Export
    from classwright_tools.learning.model import Model
    from classwright_tools.learning.rows import Rows
    from classwright_tools.learning.setup import Setup

Imbalance = Literal["none", "class_weights", "logit_adjustment", "auto"]
"""What makes labels count alike: nothing, weights in the loss, their shares after training, or what suits best."""
Cost = Literal["quick", "long"]
"""Seconds, or minutes and more: a long training waits in a lane of its own."""


@dataclass(frozen=True)
class FitSize:
    """The size of a fit: its rows, what their texts are for an encoder (`encoding_units`), labels, passes if given."""

    rows: int
    encoding: float
    labels: int
    epochs: int | None


class Method(ABC):
    """A way of training; an instance stands in the registry, by its name."""

    name: ClassVar[str]
    summary: ClassVar[str]
    """What it does and what it costs, in a line, for choosing."""
    kinds: ClassVar[tuple[TaskKind, ...]] = ("text",)
    """The tasks that it trains for: of single texts, of pairs, or of both."""
    imbalance: ClassVar[tuple[Imbalance, ...]] = ("none",)
    """The treatments of labels of different sizes that it can give."""
    multi_label: ClassVar[bool] = False
    """Whether it trains where rows have several labels, with `Rows.several`; its classifier is a head on embeddings."""
    cost: ClassVar[Cost] = "long"
    auto: ClassVar[bool] = False
    """Whether `auto` tries it; of two that are equally good the one that stands first in the registry is kept."""
    cross_validated: ClassVar[bool] = False
    """Whether it is quick enough to be measured on five folds of the training rows, where others are on one."""
    takes_generated: ClassVar[bool] = False
    """Whether it trains on rows that were generated as embeddings as well, those of `Setup.row_source`."""
    tunes: ClassVar[bool] = False
    """Whether it trains the encoder along, which the model then holds: time and memory grow with the encoder."""
    needs_layers: ClassVar[bool] = False
    """Whether it works on the layers of a transformer: a static encoder, a table of words, has none."""
    needs_mismatches: ClassVar[bool] = False
    """Whether it learns from pairs of the task's mismatch label, and from others."""

    @abstractmethod
    def fit(self, rows: Rows, setup: Setup) -> Classifier:
        """Return a classifier of `setup.labels`, trained on `rows`.

        It treats imbalance as `setup.imbalance` says, and tells `setup.progress` how far it is: that may stop it.

        Raises:
            NotEnoughData: the rows are too few, or all of one label.
        """

    def units(self, size: FitSize) -> float:
        """Return how much work a fit is, in any unit: of two fits the seconds are as these numbers."""
        return size.rows * (size.epochs or 1)

    def refit(self, chosen: Classifier, rows: Rows, setup: Setup) -> Classifier:  # noqa: ARG002  # for those that can
        """Return a classifier of all `rows`, where `chosen` was fitted on a part of them: anew, or with less work."""
        return self.fit(rows, setup)

    @abstractmethod
    def load(self, folder: Path, card: ModelCard, encoder: Encoder, cache: EmbeddingCache | None) -> Classifier:
        """Return the classifier that `Classifier.save` wrote into `folder`; its answers are the same to the bit.

        `encoder` is the one that it was saved with, as it embeds rows of `card.kind`; its embeddings are kept in
        `cache`, if there is one.

        Raises:
            OtherShapes: its parts are not those of the card's labels and of the encoder.
        """

    def export(self, model: Model, *, onnx: bool) -> Export:  # noqa: ARG002  # for those that can
        """Return `model` as files that run without Classwright, not yet written; with an ONNX graph if `onnx`.

        Raises:
            InvalidInput: the method has no export, or the encoder cannot become a graph.
        """
        raise InvalidInput(
            f"method {self.name!r}",
            "has no export: its models answer in Classwright alone",
            "Call classify with the model, or train one by another method.",
        )


class EmbeddingMethod(Method):
    """A method whose classifier is a head on an encoder's embeddings, with an adapter between them or without."""

    def load(self, folder: Path, card: ModelCard, encoder: Encoder, cache: EmbeddingCache | None) -> Classifier:
        """Return the classifier in `folder`."""
        from classwright_tools.learning.classifier import EmbeddingClassifier

        return EmbeddingClassifier.load(folder, encoder, len(card.labels), tuned=self.tunes, cache=cache)

    def export(self, model: Model, *, onnx: bool) -> Export:
        """Return the encoder, the head and, for single texts, what setfit reads and the graph."""
        from classwright_tools.learning.exports.embedding import export_embedding

        return export_embedding(model, onnx=onnx)


class TuningMethod(EmbeddingMethod):
    """An `EmbeddingMethod` that tunes the encoder once, and then fits a logistic regression on its embeddings."""

    imbalance = ("none", "class_weights", "logit_adjustment")
    tunes = True
    needs_layers = True

    def refit(self, chosen: Classifier, rows: Rows, setup: Setup) -> Classifier:
        """Return the tuned encoder of `chosen` with a regression on all `rows`: it is tuned once."""
        from classwright_tools.learning.tuning import with_head

        return with_head(chosen.encoder, rows, setup)
