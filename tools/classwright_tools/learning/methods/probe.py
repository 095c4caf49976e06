"""The method `probe`: logistic regression on the embeddings of a frozen encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classwright_tools.learning.methods.method import EmbeddingMethod, FitSize

if TYPE_CHECKING:
    from classwright_tools.learning.classifier import Classifier
    from classwright_tools.learning.rows import Rows
    from classwright_tools.learning.setup import Setup


class Probe(EmbeddingMethod):
    """Seconds, for texts and pairs: what everything else has to beat."""

    name = "probe"
    summary = "logistic regression on frozen embeddings, seconds"
    kinds = ("text", "pair")
    imbalance = ("none", "class_weights", "logit_adjustment", "auto")
    multi_label = True
    cost = "quick"
    auto = True
    cross_validated = True
    takes_generated = True

    def units(self, size: FitSize) -> float:
        """Return the scores that the regression computes a step."""
        return size.rows * size.labels

    def fit(self, rows: Rows, setup: Setup) -> Classifier:
        """Return the frozen encoder with the regression on its embeddings of `rows`."""
        from classwright_tools.learning.probe import fit_probe

        return fit_probe(rows, setup)
