"""The encoder fine-tuned so that rows of a label lie together, then a logistic regression.

Each text of a batch is encoded once a step and compared with all the others, where training on drawn pairs encodes it
again for each comparison. Few rows get the loss on pairs with which setfit trains (Tunstall et al. 2022, "Efficient
Few-Shot Learning Without Prompts", section 3): it is content once two labels are at right angles. Many rows get the
supervised contrastive loss (Khosla et al. 2020, "Supervised Contrastive Learning", eq. 2), which goes on parting labels
that are alike. `benchmarks/README.md` has the figures of both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import ceil

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from classwright_tools.learning.batches import balanced_batches
from classwright_tools.learning.classifier import EmbeddingClassifier
from classwright_tools.learning.gradient_cache import GradientCache, memory_bound
from classwright_tools.learning.mixed_precision import tuning_precision
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.setup import Setup
from classwright_tools.learning.tuning import descend, trainable, tuned_classifier

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Takes unit-length embeddings (n, d) and their labels (n,); returns one number."""

PASSES = 3  # over the rows, where they are many; with few rows there are more, up to MOST_PASSES, to make LEAST_STEPS
MOST_PASSES = 12
LEAST_STEPS = 40
TEMPERATURE = 0.07


@dataclass(frozen=True)
class TrainingRecipe:
    """How rows are trained on."""

    loss: Loss
    batch: int
    """Texts a step."""
    learning_rate: float
    """The highest, at the end of the warm-up."""


def fit_contrastive(rows: Rows, setup: Setup) -> EmbeddingClassifier:
    """Return a copy of the encoder tuned on `rows`, and the logistic regression on its embeddings."""
    return tuned_classifier(tune, rows, setup)


def tune(model: SentenceTransformer, rows: Rows, setup: Setup) -> None:
    """Train `model` in place; each step is reported through `setup.progress`, which may stop it."""
    recipe = recipe_of(len(rows))
    batch = min(recipe.batch, len(rows))
    steps = number_of_steps(len(rows), batch, setup.epochs)
    batches = balanced_batches(rows.labels, batch, steps, np.random.default_rng(setup.seed))
    with trainable(model, rows.texts, setup.seed) as lengths:
        cache = GradientCache(
            model, int(lengths.max()), memory_bound(model.device), precision=tuning_precision(model.device)
        )

        def backward(places: np.ndarray) -> None:
            labels = torch.from_numpy(rows.labels[places]).to(model.device)
            texts = [rows.texts[place] for place in places]
            cache.backward(texts, lengths[places], lambda embeddings: recipe.loss(embeddings, labels))

        groups = [{"params": [one for one in model.parameters() if one.requires_grad], "lr": recipe.learning_rate}]
        for _ in descend(groups, batches, steps, backward, setup.progress):
            pass


def recipe_of(rows: int) -> TrainingRecipe:
    """Return how so many rows are best trained on."""
    return RECIPE_OF_FEW if rows <= FEW_ROWS else RECIPE_OF_MANY


def number_of_steps(rows: int, batch: int, passes: int | None) -> int:
    """Return the steps of `passes` over `rows`; without `passes`, of the number that suits so many rows."""
    suited = min(MOST_PASSES, max(PASSES, LEAST_STEPS * batch / rows))
    return ceil(rows * (passes or suited) / batch)


def texts_read(rows: int, passes: int | None) -> int:
    """Return the texts that a training on `rows` reads in all its steps."""
    batch = min(recipe_of(rows).batch, rows)
    return batch * number_of_steps(rows, batch, passes)


def supervised_contrastive_loss(embeddings: torch.Tensor, labels: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the loss of unit-length `embeddings` (n, d) with `labels` (n,): Khosla et al. 2020, eq. 2 (L_out).

    It is the mean, over the texts that have another one of their label in the batch, of the mean negative
    log-probability of those others among all others. Without any it is 0.
    """
    itself = torch.eye(len(labels), dtype=torch.bool, device=embeddings.device)
    similarities = (embeddings @ embeddings.T / temperature).masked_fill(itself, float("-inf"))
    log_shares = (similarities - torch.logsumexp(similarities, dim=1, keepdim=True)).masked_fill(itself, 0.0)
    positives = (labels[:, None] == labels[None, :]) & ~itself
    counts = positives.sum(dim=1)
    means = (log_shares * positives).sum(dim=1)[counts > 0] / counts[counts > 0]
    return -means.sum() / max(1, len(means))


def pair_loss(embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the loss of unit-length `embeddings` (n, d) with `labels` (n,): the mean squared error of their cosines.

    Two texts of a label should have the cosine 1, two of different labels 0. All pairs of two texts count alike; of a
    single text it is 0.
    """
    wanted = (labels[:, None] == labels[None, :]).to(embeddings.dtype)
    pairs = ~torch.eye(len(labels), dtype=torch.bool, device=embeddings.device)
    errors = (embeddings @ embeddings.T - wanted)[pairs]
    return errors.square().sum() / max(1, errors.numel())


FEW_ROWS = 64
# setfit makes 2.5 steps a row at a rate of 2e-5. Twelve passes in batches of 16 are 0.75 steps a row: at this rate they
# go as far, for any number of rows.
RECIPE_OF_FEW = TrainingRecipe(pair_loss, batch=16, learning_rate=7e-5)
RECIPE_OF_MANY = TrainingRecipe(
    partial(supervised_contrastive_loss, temperature=TEMPERATURE), batch=64, learning_rate=2e-4
)
