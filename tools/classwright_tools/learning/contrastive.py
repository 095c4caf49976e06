"""The encoder fine-tuned so that rows of a label lie together, then a logistic regression.

Each text of a batch is encoded once a step and compared with all the others, where training on drawn pairs encodes it
again for each comparison. Few rows get the loss on pairs with which setfit trains (Tunstall et al. 2022, "Efficient
Few-Shot Learning Without Prompts", section 3): it is content once two labels are at right angles. Many rows get the
supervised contrastive loss (Khosla et al. 2020, "Supervised Contrastive Learning", eq. 2), which goes on parting labels
that are alike. `benchmarks/README.md` has the figures of both.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import ceil

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from classwright_tools.learning.batches import balanced_batches
from classwright_tools.learning.classifier import EmbeddingClassifier
from classwright_tools.learning.encoders import Encoder
from classwright_tools.learning.gradient_cache import GradientCache, memory_bound
from classwright_tools.learning.half_precision import round_to_half
from classwright_tools.learning.head import fit_head
from classwright_tools.learning.imbalance.balanced_heads import adjusted_as_asked
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.setup import Setup
from classwright_tools.learning.windows import usual_prompt

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Takes unit-length embeddings (n, d) and their labels (n,); returns one number."""

PASSES = 3  # over the rows, where they are many; with few rows there are more, up to MOST_PASSES, to make LEAST_STEPS
MOST_PASSES = 12
LEAST_STEPS = 40
TEMPERATURE = 0.07
WEIGHT_DECAY = 0.01
WARM_UP = 0.1  # of the steps
LARGEST_GRADIENT = 1.0
# Written texts are not quite what real ones will be: half-way between the frozen and the tuned weights, the encoder
# keeps more of what it knew (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", section 3).
TUNED_SHARE_WRITTEN = 0.5
# Texts are cut where all but one in a hundred end: a few long ones would make every batch as long as they are.
CUT_PERCENTILE = 99
TUNED_REGULARISATION = 10.0  # scikit-learn's C for the head; tuned embeddings are so well apart that it matters little


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
    model = copy.deepcopy(setup.encoder.model)
    tune(model, rows, setup)
    if rows.origin == "written":
        average_weights(model, setup.encoder.model, TUNED_SHARE_WRITTEN)
    round_to_half(model)
    return with_head(Encoder(ref=setup.encoder.ref, model=model), rows, setup)


def with_head(encoder: Encoder, rows: Rows, setup: Setup) -> EmbeddingClassifier:
    """Return the tuned `encoder` with a logistic regression on its embeddings of `rows`."""
    embeddings = encoder.embed(rows.texts, on_progress=lambda done: setup.progress(done, "embedding texts"))
    head = fit_head(embeddings, rows.labels, setup.k, c=TUNED_REGULARISATION, balanced=setup.balanced)
    return EmbeddingClassifier(encoder=encoder, head=adjusted_as_asked(head, rows, setup), tuned=True)


def tune(model: SentenceTransformer, rows: Rows, setup: Setup) -> None:
    """Train `model` in place; each step is reported through `setup.progress`, which may stop it.

    The word vectors stay as they are: they are half of a small encoder's weights, and few rows say little about them.
    """
    torch.manual_seed(setup.seed)
    full_length = model.max_seq_length
    lengths = token_lengths(model, rows.texts)
    if full_length is not None:
        model.max_seq_length = min(int(full_length), ceil(np.percentile(lengths, CUT_PERCENTILE)))
        lengths = lengths.clip(max=model.max_seq_length)
    words = word_vectors(model)
    for parameter in words:
        parameter.requires_grad_(False)
    model.train()
    try:
        _descend(model, rows, setup, lengths)
    finally:
        model.eval()
        model.max_seq_length = full_length
        for parameter in words:
            parameter.requires_grad_(True)


def _descend(model: SentenceTransformer, rows: Rows, setup: Setup, lengths: np.ndarray) -> None:
    """Take the steps of the optimiser: AdamW, a linear warm-up, then a linear decay to zero."""
    recipe = recipe_of(len(rows))
    batch = min(recipe.batch, len(rows))
    steps = number_of_steps(len(rows), batch, setup.epochs)
    warm_up = max(1, round(WARM_UP * steps))
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=recipe.learning_rate, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm_up, (steps - step) / max(1, steps - warm_up))
    )
    cache = GradientCache(model, int(lengths.max()), memory_bound(model.device))
    for step, places in enumerate(balanced_batches(rows.labels, batch, steps, np.random.default_rng(setup.seed))):
        setup.progress(step / steps, f"tuning the encoder, step {step + 1} of {steps}")
        optimiser.zero_grad()
        labels = torch.from_numpy(rows.labels[places]).to(model.device)
        cache.backward([rows.texts[place] for place in places], lengths[places], partial(_loss_of, recipe.loss, labels))
        torch.nn.utils.clip_grad_norm_(parameters, LARGEST_GRADIENT)
        optimiser.step()
        schedule.step()


def _loss_of(loss: Loss, labels: torch.Tensor, embeddings: torch.Tensor) -> torch.Tensor:
    return loss(embeddings, labels)


def recipe_of(rows: int) -> TrainingRecipe:
    """Return how so many rows are best trained on."""
    return RECIPE_OF_FEW if rows <= FEW_ROWS else RECIPE_OF_MANY


def average_weights(tuned: SentenceTransformer, frozen: SentenceTransformer, share: float) -> None:
    """Set the weights of `tuned` to `share` of its own and the rest of `frozen`'s."""
    with torch.no_grad():
        for own, other in zip(tuned.parameters(), frozen.parameters(), strict=True):
            own.lerp_(other, 1 - share)


def number_of_steps(rows: int, batch: int, passes: int | None) -> int:
    """Return the steps of `passes` over `rows`; without `passes`, of the number that suits so many rows."""
    suited = min(MOST_PASSES, max(PASSES, LEAST_STEPS * batch / rows))
    return ceil(rows * (passes or suited) / batch)


def texts_read(rows: int, passes: int | None) -> int:
    """Return the texts that a training on `rows` reads in all its steps."""
    batch = min(recipe_of(rows).batch, rows)
    return batch * number_of_steps(rows, batch, passes)


def token_lengths(model: SentenceTransformer, texts: tuple[str, ...]) -> np.ndarray:
    """Return how many tokens each of `texts` has (n,), uncut; its characters where an encoder knows no longest text."""
    if model.max_seq_length is None:
        return np.array([len(text) for text in texts])
    embedded = [usual_prompt(model) + text for text in texts]
    return np.array([len(tokens) for tokens in model.tokenizer(embedded, truncation=False, verbose=False)["input_ids"]])


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


def word_vectors(model: SentenceTransformer) -> list[torch.nn.Parameter]:
    """Return the parameters of the transformer's table of words; none if the encoder is no transformer."""
    transformer = getattr(model[0], "auto_model", None)
    return list(transformer.get_input_embeddings().parameters()) if transformer is not None else []
