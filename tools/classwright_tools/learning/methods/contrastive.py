"""The method `contrastive`: the encoder fine-tuned so that rows of a label lie together, then a regression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classwright_tools.learning.methods.method import EmbeddingMethod, FitSize

if TYPE_CHECKING:
    from classwright_tools.learning.classifier import Classifier
    from classwright_tools.learning.rows import Rows
    from classwright_tools.learning.setup import Setup


class Contrastive(EmbeddingMethod):
    """The fine-tuning of this library: each text is encoded once a step."""

    name = "contrastive"
    summary = "fine-tunes the encoder"
    imbalance = ("none", "class_weights", "logit_adjustment")
    auto = True
    tunes = True

    def fit(self, rows: Rows, setup: Setup) -> Classifier:
        """Return a copy of the encoder tuned on `rows`, with a regression on its embeddings."""
        from classwright_tools.learning.contrastive import fit_contrastive

        return fit_contrastive(rows, setup)

    def units(self, size: FitSize) -> float:
        """Return the text that is read in all passes."""
        from classwright_tools.learning.contrastive import texts_read

        return size.encoding / size.rows * texts_read(size.rows, size.epochs)

    def refit(self, chosen: Classifier, rows: Rows, setup: Setup) -> Classifier:
        """Return the tuned encoder of `chosen` with a regression on all `rows`: it is tuned once."""
        from classwright_tools.learning.tuning import with_head

        return with_head(chosen.encoder, rows, setup)
