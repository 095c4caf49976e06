"""The method `finetune`: the whole transformer fine-tuned with a classification head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classwright_tools.learning.methods.method import FitSize, TuningMethod

if TYPE_CHECKING:
    from classwright_tools.learning.classifier import Classifier
    from classwright_tools.learning.rows import Rows
    from classwright_tools.learning.setup import Setup


class Finetune(TuningMethod):
    """It learns what the labels are, where `contrastive` learns which texts are alike."""

    name = "finetune"
    summary = "the same with a classification head; no better at 500 and 1,000 rows"
    multi_label = True

    def fit(self, rows: Rows, setup: Setup) -> Classifier:
        """Return a copy of the encoder fine-tuned on `rows`, with a regression on its embeddings."""
        from classwright_tools.learning.finetune import fit_finetuned

        return fit_finetuned(rows, setup)

    def units(self, size: FitSize) -> float:
        """Return the text that is read in all passes."""
        from classwright_tools.learning.finetune import PASSES

        return size.encoding * (size.epochs or PASSES)
