"""Contrastive pairs and a logistic regression, as the setfit library trains them.

Tunstall et al. 2022, "Efficient Few-Shot Learning Without Prompts". It encodes each text once for each of its pairs;
`contrastive` reaches the same end in a fraction of the time.
"""

from __future__ import annotations

import copy
import tempfile
from typing import Any

from transformers import PrinterCallback, ProgressCallback, TrainerCallback

from classwright_tools.learning.classifier import EmbeddingClassifier
from classwright_tools.learning.encoders import Encoder
from classwright_tools.learning.half_precision import round_to_half
from classwright_tools.learning.head import head_of, logistic_regression
from classwright_tools.learning.imbalance.balanced_heads import adjusted_as_asked
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.setup import Progress, Setup

PAIRS_A_TEXT = 20  # setfit's `num_iterations`: that many positive and as many negative pairs for each text
SETFIT_C = 1.0  # the penalty of setfit's own head


def fit_setfit(rows: Rows, setup: Setup) -> EmbeddingClassifier:
    """Return a copy of the encoder that setfit tuned on pairs of `rows`, and a head like setfit's own on it."""
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    model = SetFitModel(
        model_body=copy.deepcopy(setup.encoder.model),
        model_head=logistic_regression(SETFIT_C, balanced=setup.balanced),
        normalize_embeddings=True,  # as `Encoder.embed` does, whose embeddings the head will be given
    )
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            num_iterations=PAIRS_A_TEXT,
            num_epochs=setup.epochs or 1,
            seed=setup.seed,
            report_to="none",
            logging_strategy="no",
            save_strategy="no",
            show_progress_bar=False,
        )
        trainer = Trainer(
            model=model,
            args=arguments,
            train_dataset=Dataset.from_dict({"text": list(rows.texts), "label": rows.labels.tolist()}),
            callbacks=[_Reporting(setup.progress)],
        )
        for printing in (PrinterCallback, ProgressCallback):  # they write to the standard output
            trainer.remove_callback(printing)
        trainer.train()
    model.model_body.eval()
    round_to_half(model.model_body)
    encoder = Encoder(ref=setup.encoder.ref, model=model.model_body)
    # setfit's own head is of the weights before that, and of the first window of each text alone.
    fitted = logistic_regression(SETFIT_C, balanced=setup.balanced).fit(encoder.embed(rows.texts), rows.labels)
    head = adjusted_as_asked(head_of(fitted, setup.k), rows, setup)
    return EmbeddingClassifier(encoder=encoder, head=head, tuned=True)


class _Reporting(TrainerCallback):
    """Reports each step, and stops the training where the report raises."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002  # theirs
        self._progress(state.global_step / max(1, state.max_steps), "comparing pairs of texts")
