"""The whole transformer fine-tuned with a classification head on its embeddings, by the cross-entropy of the labels.

The head begins as the logistic regression on the frozen embeddings, so that the first steps do not spoil the encoder
for the sake of a head that knows nothing (Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features and
Underperform Out-of-Distribution", section 3.4). Layers nearer to the words learn more slowly (Howard and Ruder 2018,
"Universal Language Model Fine-tuning for Text Classification", section 3.2). Rows of whole groups are held out, and the
weights are kept that these were likeliest by, after whichever pass; with no pass that helps they are the frozen ones.
The head is then fitted to all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, inf

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from classwright_tools.learning.batches import natural_batches
from classwright_tools.learning.calibration import TEMPERATURES
from classwright_tools.learning.classifier import EmbeddingClassifier
from classwright_tools.learning.encoders import Encoder
from classwright_tools.learning.gradient_cache import GradientCache, memory_bound
from classwright_tools.learning.head import Head, fit_head, fit_one_vs_rest
from classwright_tools.learning.mixed_precision import tuning_precision
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.setup import Setup
from classwright_tools.learning.splits import grouped_folds
from classwright_tools.learning.tuning import Groups, descend, trainable, tuned_classifier

PASSES = 8  # at most
PATIENCE = 3  # passes without a better one, after which no more are made
BATCH = 32
LEARNING_RATE = 2e-4  # of the last layer, at the end of the warm-up
LAYER_DECAY = 0.85  # a layer's rate over that of the next one
HEAD_RATE = 5e-3
HELD_OUT = 8  # one part in so many
TRIED_TEMPERATURES = 25


def fit_finetuned(rows: Rows, setup: Setup) -> EmbeddingClassifier:
    """Return a copy of the encoder fine-tuned on `rows`, and the logistic regression on its embeddings."""
    return tuned_classifier(tune, rows, setup)


def tune(model: SentenceTransformer, rows: Rows, setup: Setup) -> None:
    """Train `model` in place; each step is reported through `setup.progress`, which may stop it."""
    folds = grouped_folds(rows, setup.seed, HELD_OUT)
    trained, held = (rows.take(places) for places in folds[0]) if folds else (rows, None)
    classifier = TuningClassifier(model, trained, setup)
    passes = setup.epochs or PASSES
    batch = min(BATCH, len(trained))
    each = ceil(len(trained) / batch)
    batches = natural_batches(len(trained), batch, passes * each, np.random.default_rng(setup.seed))
    with trainable(model, trained.texts, setup.seed) as lengths:
        best, kept, since = classifier.loss_of(held) if held else inf, classifier.weights(), 0
        backward = classifier.backward(lengths)
        for step in descend(classifier.groups(), batches, passes * each, backward, setup.progress):
            if held is None or step % each:
                continue
            loss = classifier.loss_of(held)
            since = 0 if loss < best else since + 1
            if loss < best:
                best, kept = loss, classifier.weights()
            if since == PATIENCE:
                break
    if held is not None:
        model.load_state_dict(kept, strict=False)


class TuningClassifier:
    """An encoder in training with a linear head on its unit-length embeddings."""

    def __init__(self, model: SentenceTransformer, rows: Rows, setup: Setup) -> None:
        self._model = model
        self._rows = rows
        self._setup = setup
        start = _start(rows, setup)
        self._head = torch.nn.Linear(start.weights.shape[1], setup.k, device=model.device)
        with torch.no_grad():
            self._head.weight.copy_(torch.from_numpy(start.weights))
            self._head.bias.copy_(torch.from_numpy(start.biases))
        self._weights = _class_weights(rows, setup.k).to(model.device) if setup.balanced else None

    def groups(self) -> Groups:
        """Return the parameters that are trained, each with its learning rate."""
        return [*layered(self._model), {"params": list(self._head.parameters()), "lr": HEAD_RATE}]

    def backward(self, lengths: np.ndarray) -> Callable[[np.ndarray], None]:
        """Return what gives the parameters the gradient of the loss of rows at places; texts have `lengths` tokens."""
        device = self._model.device
        cache = GradientCache(
            self._model, int(lengths.max()), memory_bound(device), self._head, tuning_precision(device)
        )
        targets = torch.from_numpy(self._rows.labels).to(self._model.device)

        def take(places: np.ndarray) -> None:
            def loss(embeddings: torch.Tensor, of: np.ndarray) -> torch.Tensor:
                return self._loss(self._head(embeddings), targets[torch.from_numpy(places[of])]) / len(places)

            cache.backward_each([self._rows.texts[place] for place in places], lengths[places], loss)

        return take

    def _loss(self, logits: torch.Tensor, targets: torch.Tensor, smoothing: float = 0.0) -> torch.Tensor:
        """Return the sum of the cross-entropies of rows, each label by itself where rows have several.

        So much of each target is spread over all labels, or where rows have several over having it and not.
        """
        functional = torch.nn.functional
        if self._rows.several:
            wanted = targets.float() * (1 - smoothing) + smoothing / 2
            return functional.binary_cross_entropy_with_logits(
                logits, wanted, reduction="sum", pos_weight=self._weights
            )
        return functional.cross_entropy(
            logits, targets, reduction="sum", weight=self._weights, label_smoothing=smoothing
        )

    def logits(self, texts: Sequence[str]) -> torch.Tensor:
        """Return the logits (n, k) that `texts` have now, without dropout."""
        was_training = self._model.training
        embeddings = Encoder(self._setup.encoder.ref, self._model).embed(texts)
        self._model.train(was_training)
        with torch.no_grad():
            found: torch.Tensor = self._head(torch.from_numpy(embeddings).to(self._model.device))
        return found

    def loss_of(self, rows: Rows) -> float:
        """Return the mean loss of `rows` at the temperature at which it is least: how sure a model is comes later.

        The targets are smoothed as Platt's are, of which `calibration` speaks: a few rows that are all right would
        else have no loss at all.
        """
        logits = self.logits(rows.texts)
        targets = torch.from_numpy(rows.labels).to(logits.device)
        smoothing = 2 / (len(rows) + 2)
        losses = [
            self._loss(logits / one, targets, smoothing) for one in np.geomspace(*TEMPERATURES, TRIED_TEMPERATURES)
        ]
        return float(min(losses)) / len(rows)

    def weights(self) -> dict[str, torch.Tensor]:
        """Return a copy of the encoder's weights that are trained."""
        return {name: one.detach().clone() for name, one in self._model.named_parameters() if one.requires_grad}


def _start(rows: Rows, setup: Setup) -> Head:
    embeddings = setup.embed(rows.texts)
    if rows.several:
        return fit_one_vs_rest(embeddings, rows.labels, balanced=setup.balanced)
    return fit_head(embeddings, rows.labels, setup.k, balanced=setup.balanced)


def _class_weights(rows: Rows, k: int) -> torch.Tensor:
    """Return what a row of each label counts for in the loss (k,), of several labels what a row that has it does."""
    counts = rows.labels.sum(axis=0) if rows.several else np.bincount(rows.labels, minlength=k)
    present = np.maximum(counts, 1)
    weights = (len(rows) - counts) / present if rows.several else len(rows) / len(counts) / present
    return torch.from_numpy(weights.astype(np.float32))


def layered(model: SentenceTransformer) -> Groups:
    """Return the parameters of `model` that are trained, layer by layer, each layer with its learning rate.

    The layers are the longest list of modules in it; what is registered before them is one further below, what comes
    after goes with the last one.
    """
    lists = [(name, module) for name, module in model.named_modules() if isinstance(module, torch.nn.ModuleList)]
    name, layers = max(lists, key=lambda one: len(one[1]), default=("", []))
    depth = -1
    groups: dict[int, list[torch.nn.Parameter]] = {}
    for own, parameter in model.named_parameters():
        if layers and own.startswith(f"{name}."):
            depth = int(own[len(name) + 1 :].split(".")[0])
        if parameter.requires_grad:
            groups.setdefault(depth, []).append(parameter)
    last = len(layers) - 1
    return [
        {"params": parameters, "lr": LEARNING_RATE * LAYER_DECAY ** (last - of)} for of, parameters in groups.items()
    ]
