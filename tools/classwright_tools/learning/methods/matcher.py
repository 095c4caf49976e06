"""The method `matcher`: attention between the words of a query and of an item, with negatives made of matches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classwright_tools.learning.methods.method import Method

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


class MatcherMethod(Method):
    """For pairs of which few mismatches are labelled: it makes up for them by itself."""

    name = "matcher"
    summary = "attention between the two texts' words, minutes"
    kinds = ("pair",)
    auto = True
    needs_layers = True
    needs_mismatches = True

    def fit(self, rows: Rows, setup: Setup) -> Classifier:
        """Return the matcher of `rows`, which are joined pairs, with the negatives that the setup names."""
        from classwright_tools.learning.pair_matching import fit_pair_matcher

        return fit_pair_matcher(rows, setup)

    def load(self, folder: Path, card: ModelCard, encoder: Encoder, cache: EmbeddingCache | None) -> Classifier:
        """Return the matcher in `folder`."""
        from classwright_tools.learning.pair_matching import PairClassifier

        return PairClassifier.load(folder, encoder, len(card.labels), cache)

    def export(self, model: Model, *, onnx: bool) -> Export:  # noqa: ARG002  # pairs have no graph
        """Return the encoder and the matcher."""
        from classwright_tools.learning.exports.matcher import export_matcher

        return export_matcher(model)
