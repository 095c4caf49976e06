"""The method `contrastive`: the encoder fine-tuned so that rows of a label lie together, then a regression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classwright_tools.learning.methods.method import FitSize, TuningMethod

if TYPE_CHECKING:
    from classwright_tools.learning.classifier import Classifier
    from classwright_tools.learning.rows import Rows
    from classwright_tools.learning.setup import Setup


class Contrastive(TuningMethod):
    """The fine-tuning of this library: each text is encoded once a step."""

    name = "contrastive"
    summary = "fine-tunes the encoder"
    auto = True

    def fit(self, rows: Rows, setup: Setup) -> Classifier:
        """Return a copy of the encoder tuned on `rows`, with a regression on its embeddings."""
        from classwright_tools.learning.contrastive import fit_contrastive

        return fit_contrastive(rows, setup)

    def units(self, size: FitSize) -> float:
        """Return the text that is read in all passes."""
        from classwright_tools.learning.contrastive import texts_read

        return size.encoding / size.rows * texts_read(size.rows, size.epochs)
