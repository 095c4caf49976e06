"""A student: a classifier that looks its tokens up in a table, taught by a model's answers to texts without labels.

The table begins as what the model's encoder makes of each token by itself, on its principal components, and weighed by
how rare a token is (Model2Vec, Tulkens and van Dongen 2024; the weights are those of Arora et al. 2017, "A Simple but
Tough-to-Beat Baseline for Sentence Embeddings", with frequencies by Zipf's law). Table and head then descend together
on the cross-entropy with the model's probabilities (Hinton et al. 2015, "Distilling the Knowledge in a Neural Network")
and, through a matrix that is thrown away, on the distance to its embeddings, which tell more of a text (Romero et al.
2015, "FitNets: Hints for Thin Deep Nets"). It is written here because the package model2vec needs an older transformers
than the encoders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from classwright_tools.learning.head import Head

DIMENSIONS = 256
RARENESS = 1e-4  # the parameter a of Arora et al.
MOST_TOKENS = 50_000
"""Of a vocabulary; multilingual ones have five times as many, and few are ever met. Those of the texts come besides."""
TOKENS_A_PASS = 512  # embedded together, each alone
BATCH = 128  # texts a step
PASSES = 20  # over the texts, where they are many
LEAST_STEPS = 400
LEARNING_RATE = 3e-3
SCALE = 10.0  # of the unit-length embeddings that the head takes: with it, the head learns as fast as the table
WARM_UP = 0.1  # of the steps
HINT = 3.0
"""What 1 - cosine to the model's embedding weighs beside the cross-entropy, in nats; 1 and 3 do about alike."""

Tokens = Sequence[Sequence[int]]
"""Of each text the ids of its tokens, at least one."""


@dataclass(frozen=True)
class Student:
    """Embeddings (tokens, d) by the id of a token, float32, and the head on the sum of a text's, cut to unit length."""

    table: np.ndarray
    head: Head

    def logits(self, tokens: Tokens) -> np.ndarray:
        """Return the logits (n, k) of texts."""
        sums = np.stack([self.table[np.asarray(ids)].sum(axis=0) for ids in tokens])
        return self.head.logits(sums / np.linalg.norm(sums, axis=1, keepdims=True))

    def at(self, temperature: float) -> Student:
        """Return the student whose logits are these divided by `temperature`."""
        return replace(self, head=self.head.calibrated(temperature, ()))


def first_table(encoder: SentenceTransformer, tokens: Tokens, tell: Callable[[float], None]) -> np.ndarray:
    """Return the first embeddings (tokens, `DIMENSIONS` or fewer) of the encoder's vocabulary, float32.

    Those of `MOST_TOKENS` and of the texts' `tokens` are computed, the others are 0. `tell` is told the share done, and
    may stop the work by raising.
    """
    tokenizer = encoder.tokenizer
    alone, around = tokenizer("a")["input_ids"], tokenizer("")["input_ids"]
    before = next((n for n, (one, other) in enumerate(zip(alone, around, strict=False)) if one != other), 0)
    known = np.union1d(np.arange(min(len(tokenizer), MOST_TOKENS)), np.concatenate([np.asarray(ids) for ids in tokens]))
    found: list[np.ndarray] = []
    for start in range(0, len(known), TOKENS_A_PASS):
        tell(start / len(known))
        ids = torch.from_numpy(known[start : start + TOKENS_A_PASS])
        begin, end = (
            torch.tensor(own, dtype=torch.long).expand(len(ids), -1) for own in (around[:before], around[before:])
        )
        given = torch.cat([begin, ids[:, None], end], dim=1).to(encoder.device)
        features = {"input_ids": given, "attention_mask": torch.ones_like(given)}
        with torch.inference_mode():
            found.append(encoder(features)["sentence_embedding"].float().cpu().numpy())
    embeddings = np.concatenate(found)
    centred = embeddings - embeddings.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    shares = 1 / np.arange(2, len(centred) + 2)
    weights = RARENESS / (RARENESS + shares / shares.sum())
    table = np.zeros((len(tokenizer), min(DIMENSIONS, centred.shape[1])), np.float32)
    table[known] = centred @ axes[:, ::-1][:, :DIMENSIONS] * weights[:, None]
    return table


def taught(
    table: np.ndarray,
    tokens: Tokens,
    probabilities: np.ndarray,
    embeddings: np.ndarray,
    seed: int,
    tell: Callable[[float], None],
) -> Student:
    """Return the student that begins with `table`, taught what a model makes of n texts.

    That is the `probabilities` (n, k) that it gives to them, and their `embeddings` (n, e). Tokens that no text has
    stay as they begin. `tell` is as in `first_table`.
    """
    torch.manual_seed(seed)
    order = np.random.default_rng(seed)
    lengths = np.array([len(ids) for ids in tokens])
    used, flat = np.unique(np.concatenate([np.asarray(ids) for ids in tokens]), return_inverse=True)
    of_text = np.split(flat, np.cumsum(lengths)[:-1])
    bag = torch.nn.EmbeddingBag(len(used), table.shape[1], mode="sum")
    bag.weight.data = torch.from_numpy(table[used])
    head = torch.nn.Linear(table.shape[1], probabilities.shape[1])
    hinted = torch.nn.Linear(table.shape[1], embeddings.shape[1], bias=False)
    steps = max(LEAST_STEPS, PASSES * -(-len(tokens) // BATCH))
    optimiser = torch.optim.Adam([*bag.parameters(), *head.parameters(), *hinted.parameters()], lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps, pct_start=WARM_UP)
    wanted, hints = (torch.from_numpy(given.astype(np.float32)) for given in (probabilities, embeddings))
    places = np.empty(0, np.int64)
    for step in range(steps):
        tell(step / steps)
        if len(places) < min(BATCH, len(tokens)):
            places = order.permutation(len(tokens))
        batch, places = places[:BATCH], places[BATCH:]
        starts = torch.from_numpy(np.cumsum(lengths[batch]) - lengths[batch])
        sums = bag(torch.from_numpy(np.concatenate([of_text[place] for place in batch])), starts)
        scaled = SCALE * torch.nn.functional.normalize(sums, dim=1)
        likeness = torch.nn.functional.cosine_similarity(hinted(scaled), hints[batch])
        loss = torch.nn.functional.cross_entropy(head(scaled), wanted[batch]) + HINT * (1 - likeness).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch
        optimiser.step()
        schedule.step()
    whole = table.copy()
    whole[used] = bag.weight.detach().numpy()
    return Student(whole, Head(SCALE * head.weight.detach().numpy(), head.bias.detach().numpy()))
