"""The networks over token ids of the tables: an LSTM from scratch, the encoder itself."""

from __future__ import annotations

import copy
import sys

import numpy as np
import torch

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.learning.imbalance.cluster import ClusterTraining
from classwright_tools.learning.imbalance.networks import embed_all
from classwright_tools.learning.torch_state import one_thread
from support.learning import WRITTEN
from support.paths import ROOT

sys.path.append(str(ROOT / "benchmarks" / "articles"))
from variants.token_networks import EncoderNetwork, SubwordLSTM, token_ids

TEXTS = [text for topics in WRITTEN.values() for texts in topics.values() for text in texts]
LABELS = torch.repeat_interleave(torch.arange(3), 10)


def silent(_step: int) -> None:
    return None


def right(network: torch.nn.Module, inputs: torch.Tensor, steps: int) -> float:
    """Train both stages and return the share of the training rows that come out right."""
    training = ClusterTraining(network, inputs, LABELS, 0)
    with one_thread():
        head = training.train_classifier(training.learn_embedding(steps, silent), steps, silent)
    return float((head(embed_all(network, inputs)).argmax(dim=1) == LABELS).float().mean())


def test_an_lstm_learns_the_labels_from_subwords_alone() -> None:
    model = open_encoder(DEFAULT_ENCODER).model
    torch.manual_seed(0)
    tokens = token_ids(model, TEXTS, longest=24)
    assert tokens.shape[1] <= 24
    assert right(SubwordLSTM(len(model.tokenizer)), tokens, steps=25) > 0.9


def test_texts_of_an_lstm_do_not_depend_on_what_they_are_padded_with() -> None:
    model = open_encoder(DEFAULT_ENCODER).model
    network = SubwordLSTM(len(model.tokenizer)).eval()
    together, alone = token_ids(model, ["a parcel", "a parcel " * 6], 24), token_ids(model, ["a parcel"], 24)
    torch.testing.assert_close(embed_all(network, alone)[0], embed_all(network, alone.repeat(3, 1))[2])
    assert embed_all(network, together).shape == (2, embed_all(network, alone).shape[1])


def test_an_lstms_embeddings_keep_the_order_of_texts_of_many_lengths() -> None:
    model = open_encoder(DEFAULT_ENCODER).model
    network = SubwordLSTM(len(model.tokenizer)).eval()
    tokens = token_ids(model, ["a parcel " * times for times in (9, 1, 4, 7, 2, 11, 3)], 24)
    one_by_one = torch.cat([embed_all(network, text[None]) for text in tokens])
    torch.testing.assert_close(embed_all(network, tokens), one_by_one)


def test_the_encoder_itself_can_be_the_network_and_starts_as_it_is() -> None:
    encoder = open_encoder(DEFAULT_ENCODER)
    network = EncoderNetwork(copy.deepcopy(encoder.model))
    tokens = token_ids(encoder.model, TEXTS, longest=64)
    np.testing.assert_allclose(embed_all(network, tokens).numpy(), encoder.embed(TEXTS), atol=1e-5)
    words = network.model[0].auto_model.get_input_embeddings().weight.clone()
    training = ClusterTraining(network, tokens, LABELS, 0)
    training.rate = 2e-4
    training.learn_embedding(2, silent)
    assert not np.allclose(embed_all(network, tokens).numpy(), encoder.embed(TEXTS), atol=1e-3)
    assert torch.equal(network.model[0].auto_model.get_input_embeddings().weight, words)
