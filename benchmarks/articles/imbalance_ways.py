"""The cells of table s3: the kinds of problems, and the ways of training on them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial

import imbalance_linear as linear
import imbalance_networks as networks
import numpy as np
import torch
from imbalance_problems import Kind, Problem
from runs import Figures
from sklearn.metrics import balanced_accuracy_score, f1_score
from variants.token_networks import PADDING, EncoderNetwork, SubwordLSTM, token_ids

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.learning.imbalance.networks import AdapterNetwork

SEEDS = 12
LSTM_SEEDS = 5  # a run takes ten times as long as one of an adapter
ENCODER_SEEDS = 4  # minutes a run
ENCODER_STEPS, ENCODER_RATE = 40, 1e-4  # three passes; at a rate of 2e-5 both were worse on a draw of other intents
BASELINE = "class weights"
OURS = "cluster"
BY_ENCODER = "cluster, by the encoder's clusters"
AUTO = "imbalance=auto"
LONGEST = 32  # subwords of a text that the LSTM reads

BANKING = Kind("banking", "banking77", (2, 2, 1, 26), 50, (200, 1000))
CLINC = Kind("clinc", "clinc150", (2, 2, 1, 26), 25)
KINDS = (
    BANKING,
    CLINC,
    Kind("banking 6:1:2:16", "banking77", (6, 1, 2, 16), 20, (200, 1000)),
    Kind("tweets", "tweet_emotion", (2, 2, 1, 26), 25),
    Kind("tweets, few", "tweet_emotion", (6, 1, 2, 16), 10),
)
NETWORKS: dict[str, Callable[[networks.Material], networks.Predict]] = {
    BASELINE: networks.class_weights,
    OURS: networks.clustered,
    "no weights": networks.plain,
    "supervised contrastive": networks.supervised_contrastive,
    "logit adjustment, after": networks.adjusted_afterwards,
    "balanced softmax": networks.balanced_softmax,
    "LDAM-DRW": networks.ldam_drw,
    "focal, weighted": networks.focal,
}
ABLATIONS: dict[str, Callable[[networks.Material], networks.Predict]] = {
    "cluster, classes not split": networks.not_split,
    "cluster, one stage": partial(networks.clustered, one_stage=True),
    "class weights, halved": networks.half_weights,
    "class weights, twice the steps": partial(networks.class_weights, times=2),
}
LSTM: dict[str, Callable[[networks.Material], networks.Predict]] = {
    BASELINE: networks.class_weights,
    OURS: partial(networks.clustered, one_stage=True),
    BY_ENCODER: partial(networks.clustered, by_encoder=True, one_stage=True),
    "class weights, halved": networks.half_weights,
}
TARGETS = {name: NETWORKS[name] for name in (BASELINE, OURS)}
LINEAR: dict[str, linear.Linear] = {
    "linear, no weights": linear.plain,
    "linear, class weights": linear.weighted,
    "linear, logit adjustment": linear.adjusted_afterwards,
    "linear, discriminant analysis": linear.lda,
    "linear, cluster LDA": linear.cluster_lda,
    "linear, SMOTE": partial(linear.filled_up, method="smote"),
    "linear, GAN balancing": partial(linear.filled_up, method="gan"),
    AUTO: linear.chosen,
}


def errors(problem: Problem, predicted: np.ndarray) -> Figures:
    """Return 1 - macro-F1 and 1 - balanced accuracy on the test rows."""
    true = problem.test_labels
    return {
        "macro_f1_error": 1 - float(f1_score(true, predicted, average="macro")),
        "balanced_error": 1 - float(balanced_accuracy_score(true, predicted)),
    }


def by_adapter(problem: Problem, seed: int, method: Callable[[networks.Material], networks.Predict]) -> Figures:
    """Train an adapter on the embeddings by `method` and measure it."""
    embeddings = torch.from_numpy(problem.pool.embeddings)
    labels = torch.from_numpy(problem.train_labels)
    make = partial(AdapterNetwork, embeddings.shape[1])
    inputs = embeddings[problem.train]
    predict = method(networks.Material(make, inputs, labels, inputs, seed))
    return errors(problem, predict(embeddings[problem.test]))


def by_lstm(problem: Problem, seed: int, method: Callable[[networks.Material], networks.Predict]) -> Figures:
    """Train an LSTM from scratch on the subwords by `method` and measure it; subwords it has not met are blank."""
    places = np.concatenate([problem.train, problem.test])
    texts = [problem.pool.texts[place] for place in places]
    tokens = token_ids(open_encoder(DEFAULT_ENCODER).model, texts, LONGEST).numpy()
    known = np.unique(tokens[: len(problem.train)])  # 0, the padding, is the first
    numbers = np.searchsorted(known, tokens).clip(max=len(known) - 1)
    inputs = torch.from_numpy(np.where(known[numbers] == tokens, numbers, PADDING))
    labels = torch.from_numpy(problem.train_labels)
    make = partial(SubwordLSTM, len(known))
    encoded = torch.from_numpy(problem.pool.embeddings[problem.train])
    predict = method(networks.Material(make, inputs[: len(labels)], labels, encoded, seed))
    return errors(problem, predict(inputs[len(labels) :]))


def by_encoder(problem: Problem, seed: int, method: Callable[[networks.Material], networks.Predict]) -> Figures:
    """Train the sentence encoder itself by `method` and measure it."""
    model = open_encoder(DEFAULT_ENCODER).model
    texts = [problem.pool.texts[place] for place in (*problem.train, *problem.test)]
    inputs = token_ids(model, texts, LONGEST)
    labels = torch.from_numpy(problem.train_labels)
    encoded = torch.from_numpy(problem.pool.embeddings[problem.train])
    predict = method(
        networks.Material(
            lambda: EncoderNetwork(copy.deepcopy(model)),
            inputs[: len(labels)],
            labels,
            encoded,
            seed,
            ENCODER_STEPS,
            ENCODER_RATE,
        )
    )
    return errors(problem, predict(inputs[len(labels) :]))


def by_linear(problem: Problem, seed: int, method: linear.Linear) -> Figures:
    """Fit a linear classifier on the embeddings and measure it."""
    embeddings = problem.pool.embeddings
    logits = method(embeddings[problem.train], problem.train_labels, seed)
    return errors(problem, logits(embeddings[problem.test]).argmax(axis=1))
