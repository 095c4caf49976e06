"""The tuning of an encoder: what `contrastive` and `finetune` share before, during and after their steps.

The word vectors stay as they are: they are half of a small encoder's weights, and few rows say little about them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from math import ceil
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from classwright_tools.learning.classifier import EmbeddingClassifier
from classwright_tools.learning.encoders import Encoder
from classwright_tools.learning.half_precision import round_to_half
from classwright_tools.learning.head import Head, fit_head, fit_one_vs_rest
from classwright_tools.learning.imbalance.balanced_heads import adjusted_as_asked
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.setup import Progress, Setup
from classwright_tools.learning.windows import usual_prompt

WEIGHT_DECAY = 0.01
WARM_UP = 0.1  # of the steps
LARGEST_GRADIENT = 1.0
# Written texts are not quite what real ones will be: half-way between the frozen and the tuned weights, the encoder
# keeps more of what it knew (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", section 3).
TUNED_SHARE_WRITTEN = 0.5
# Texts are cut where all but one in a hundred end: a few long ones would make every batch as long as they are.
CUT_PERCENTILE = 99
TUNED_REGULARISATION = 10.0  # scikit-learn's C for the head; tuned embeddings are so well apart that it matters little

Tune = Callable[[SentenceTransformer, Rows, Setup], None]
"""Trains an encoder in place on rows."""
Groups = list[dict[str, Any]]
"""Parameters with their learning rate, as torch's optimisers take them."""


def tuned_classifier(tune: Tune, rows: Rows, setup: Setup) -> EmbeddingClassifier:
    """Return a copy of the encoder that `tune` trained on `rows`, and the logistic regression on its embeddings."""
    model = copy.deepcopy(setup.encoder.model)
    tune(model, rows, setup)
    if rows.origin == "written":
        average_weights(model, setup.encoder.model, TUNED_SHARE_WRITTEN)
    round_to_half(model)
    return with_head(Encoder(ref=setup.encoder.ref, model=model), rows, setup)


def with_head(encoder: Encoder, rows: Rows, setup: Setup) -> EmbeddingClassifier:
    """Return the tuned `encoder` with a logistic regression on its embeddings of `rows`."""
    embeddings = encoder.embed(rows.texts, on_progress=lambda done: setup.progress(done, "embedding texts"))
    return EmbeddingClassifier(encoder=encoder, head=head_on(embeddings, rows, setup), tuned=True)


def head_on(embeddings: np.ndarray, rows: Rows, setup: Setup) -> Head:
    """Return the logistic regression of the rows' labels on their `embeddings` (n, d), or one a label of several."""
    if rows.several:
        return fit_one_vs_rest(embeddings, rows.labels, c=TUNED_REGULARISATION, balanced=setup.balanced)
    head = fit_head(embeddings, rows.labels, setup.k, c=TUNED_REGULARISATION, balanced=setup.balanced)
    return adjusted_as_asked(head, rows, setup)


@contextmanager
def trainable(model: SentenceTransformer, texts: tuple[str, ...], seed: int) -> Iterator[np.ndarray]:
    """Let `model` be trained on `texts`, dropout drawn from `seed`; yield how many tokens it reads of each (n,)."""
    torch.manual_seed(seed)
    full_length = model.max_seq_length
    lengths = token_lengths(model, texts)
    if full_length is not None:
        model.max_seq_length = min(int(full_length), ceil(np.percentile(lengths, CUT_PERCENTILE)))
        lengths = lengths.clip(max=model.max_seq_length)
    words = word_vectors(model)
    for parameter in words:
        parameter.requires_grad_(False)
    model.train()
    try:
        yield lengths
    finally:
        model.eval()
        model.max_seq_length = full_length
        for parameter in words:
            parameter.requires_grad_(True)


def descend(
    groups: Groups,
    batches: Iterable[np.ndarray],
    steps: int,
    backward: Callable[[np.ndarray], None],
    progress: Progress,
) -> Iterator[int]:
    """Take the `steps` of the optimiser, and yield after each how many were taken.

    It is AdamW, with a linear warm-up and then a linear decay to zero. `batches` are places of rows, of whose loss
    `backward` gives the parameters the gradient. `progress` is told each step, and may stop it by raising.
    """
    warm_up = max(1, round(WARM_UP * steps))
    parameters = [parameter for group in groups for parameter in group["params"]]
    optimiser = torch.optim.AdamW(groups, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm_up, (steps - step) / max(1, steps - warm_up))
    )
    for step, places in enumerate(batches):
        progress(step / steps, f"tuning the encoder, step {step + 1} of {steps}")
        optimiser.zero_grad()
        backward(places)
        torch.nn.utils.clip_grad_norm_(parameters, LARGEST_GRADIENT)
        optimiser.step()
        schedule.step()
        yield step + 1


def average_weights(tuned: SentenceTransformer, frozen: SentenceTransformer, share: float) -> None:
    """Set the weights of `tuned` to `share` of its own and the rest of `frozen`'s."""
    with torch.no_grad():
        for own, other in zip(tuned.parameters(), frozen.parameters(), strict=True):
            own.lerp_(other, 1 - share)


def token_lengths(model: SentenceTransformer, texts: tuple[str, ...]) -> np.ndarray:
    """Return how many tokens each of `texts` has (n,), uncut; its characters where an encoder knows no longest text."""
    if model.max_seq_length is None:
        return np.array([len(text) for text in texts])
    embedded = [usual_prompt(model) + text for text in texts]
    return np.array([len(tokens) for tokens in model.tokenizer(embedded, truncation=False, verbose=False)["input_ids"]])


def word_vectors(model: SentenceTransformer) -> list[torch.nn.Parameter]:
    """Return the parameters of the transformer's table of words; none if the encoder is no transformer."""
    transformer = getattr(model[0], "auto_model", None)
    return list(transformer.get_input_embeddings().parameters()) if transformer is not None else []
