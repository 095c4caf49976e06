"""The method `finetune`: rates by layer, the pass that is kept, and its loss."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.learning.finetune import LAYER_DECAY, LEARNING_RATE, TuningClassifier, fit_finetuned, layered
from classwright_tools.learning.methods.method import Imbalance
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.setup import Setup
from classwright_tools.learning.tuning import trainable
from support.learning import WRITTEN, written_rows

TEXTS = tuple(row.text for row in written_rows())
LABELS = np.repeat(np.arange(len(WRITTEN)), len(TEXTS) // len(WRITTEN))


def rows_of(labels: np.ndarray) -> Rows:
    """Return the texts with `labels`, each text a group of its own."""
    return Rows(TEXTS, labels, np.arange(len(TEXTS)), "real")


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory, shallow: str) -> Setup:
    cache = EmbeddingCache(tmp_path_factory.mktemp("finetune") / "embeddings.sqlite")
    return Setup(
        encoder=open_encoder(shallow),
        cache=cache,
        labels=tuple(WRITTEN),
        epochs=8,
        seed=0,
        progress=lambda *_: None,
    )


def test_a_layer_nearer_to_the_words_learns_more_slowly_and_the_words_not_at_all(setup: Setup) -> None:
    model = copy.deepcopy(setup.encoder.model)
    transformer = model[0].auto_model
    with trainable(model, TEXTS, 0):
        groups = layered(model)

    rate_of = {parameter: group["lr"] for group in groups for parameter in group["params"]}
    rates = [rate_of[layer.output.dense.weight] for layer in transformer.encoder.layer]
    assert rates[-1] == LEARNING_RATE
    np.testing.assert_allclose(np.divide(rates[:-1], rates[1:]), LAYER_DECAY)
    assert rate_of[transformer.embeddings.position_embeddings.weight] == pytest.approx(rates[0] * LAYER_DECAY)
    assert transformer.embeddings.word_embeddings.weight not in rate_of
    assert len(rate_of) == len(list(transformer.parameters())) - 1


def test_labels_that_mean_something_are_learnt_and_the_encoder_of_the_setup_stays_as_it_is(setup: Setup) -> None:
    before = setup.encoder.embed(TEXTS[:3])

    fitted = fit_finetuned(rows_of(LABELS), setup)

    assert (fitted.logits(TEXTS).argmax(axis=1) == LABELS).all()
    assert not np.allclose(fitted.embed(TEXTS[:3]), before, atol=1e-3)
    assert (setup.encoder.embed(TEXTS[:3]) == before).all()


def test_where_no_pass_makes_held_out_rows_likelier_the_encoder_stays_frozen(setup: Setup) -> None:
    """The labels mean nothing, and the frozen encoder happens to get the held-out ones right: all passes are worse."""
    by_chance = np.random.default_rng(3).permutation(LABELS)
    setup = replace(setup, encoder=open_encoder(DEFAULT_ENCODER))

    fitted = fit_finetuned(rows_of(by_chance), setup)

    np.testing.assert_allclose(fitted.embed(TEXTS[:3]), setup.encoder.embed(TEXTS[:3]), atol=2e-3)  # half precision


@pytest.mark.parametrize("imbalance", ["none", "class_weights"])
def test_the_loss_is_the_smoothed_cross_entropy_at_the_best_temperature(setup: Setup, imbalance: Imbalance) -> None:
    uneven = rows_of(np.where(LABELS == 1, 0, LABELS))
    classifier = TuningClassifier(copy.deepcopy(setup.encoder.model), uneven, replace(setup, imbalance=imbalance))

    found = classifier.loss_of(uneven)

    logits = classifier.logits(TEXTS).numpy()
    targets = np.full((len(TEXTS), 3), 2 / 32 / 3) + (1 - 2 / 32) * np.eye(3)[uneven.labels]
    weights = np.array([30 / 3 / 20, 30 / 3, 30 / 3 / 10]) if imbalance == "class_weights" else np.ones(3)
    losses = [-(weights * targets * log_softmax(logits / one, axis=1)).sum() for one in np.geomspace(0.05, 20, 25)]
    assert found == pytest.approx(min(losses) / 30, rel=1e-4)


def test_of_several_labels_each_has_a_loss_and_a_row_of_the_head_of_its_own(setup: Setup) -> None:
    several = rows_of(np.stack([LABELS == 0, LABELS < 2, np.arange(len(TEXTS)) % 2 == 0], axis=1))
    classifier = TuningClassifier(copy.deepcopy(setup.encoder.model), several, setup)
    logits = classifier.logits(TEXTS)
    one = torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.from_numpy(several.labels).float())

    fitted = fit_finetuned(several, setup)

    assert 0 < classifier.loss_of(several) < 3 * float(one) + 0.5
    assert fitted.head.weights.shape == (3, 384)
    assert ((fitted.logits(TEXTS) > 0)[:, :2] == several.labels[:, :2]).mean() > 0.9


def test_the_same_seed_gives_the_same_weights(setup: Setup) -> None:
    first, second = (fit_finetuned(rows_of(LABELS), replace(setup, epochs=1)) for _ in range(2))
    assert (first.logits(TEXTS) == second.logits(TEXTS)).all()
