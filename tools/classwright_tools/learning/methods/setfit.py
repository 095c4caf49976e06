"""The method `setfit`: the fine-tuning of the setfit library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classwright_tools.learning.methods.method import EmbeddingMethod, FitSize

if TYPE_CHECKING:
    from classwright_tools.learning.classifier import Classifier
    from classwright_tools.learning.rows import Rows
    from classwright_tools.learning.setup import Setup


class SetFit(EmbeddingMethod):
    """What the field compares with; `contrastive` is as accurate in a fraction of the time."""

    name = "setfit"
    summary = "the setfit library"
    imbalance = ("none", "class_weights", "logit_adjustment")
    tunes = True

    def units(self, size: FitSize) -> float:
        """Return the text that is read in all pairs."""
        return size.encoding * (size.epochs or 1)

    def fit(self, rows: Rows, setup: Setup) -> Classifier:
        """Return the encoder and the head that setfit trained on pairs of `rows`."""
        from classwright_tools.learning.setfit_library import fit_setfit

        return fit_setfit(rows, setup)
