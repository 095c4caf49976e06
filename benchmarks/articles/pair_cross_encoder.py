"""The strongest known rival: one transformer that reads query and item together, fine-tuned.

No weights of a trained cross-encoder are at hand without a hub: the embedded sentence encoder is the start.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from pair_ways import MISMATCH, WEIGHT, Problem, figures_of
from runs import Figures
from sentence_transformers import CrossEncoder

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.learning.encoder_folders import encoder_folder

PASSES = 2
BATCH = 32
LEARNING_RATE = 5e-5
LONGEST = 48  # tokens of query and item together
RANDOM_SHARE = 0.15  # of the matches, whose query a random one replaces in a pass


def measure_cross_encoder(problem: Problem) -> Figures:
    """Return the figures of a cross-encoder trained on the labelled pairs, with random negatives from their matches."""
    started = time.process_time()
    torch.manual_seed(problem.seed)
    model = CrossEncoder(str(encoder_folder(DEFAULT_ENCODER)), num_labels=1, max_length=LONGEST)
    _tune(model, problem)
    seconds = time.process_time() - started
    test = problem.rows.test
    scores = model.predict(list(zip(test.queries, test.items, strict=True)), batch_size=64, show_progress_bar=False)
    return figures_of(problem, np.asarray(scores, np.float64)) | {"seconds": round(seconds, 2)}


def _tune(model: CrossEncoder, problem: Problem) -> None:
    pairs, random = problem.rows.labelled, np.random.default_rng(problem.seed)
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
    loss_of = torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor(WEIGHT))
    steps = PASSES * (len(pairs) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / steps)
    model.train()
    for _ in range(PASSES):
        swapped = (pairs.labels != MISMATCH) & (random.random(len(pairs)) < RANDOM_SHARE)
        others = random.permutation(len(pairs))
        queries = [pairs.queries[others[n] if swapped[n] else n] for n in range(len(pairs))]
        labels = torch.tensor((pairs.labels == MISMATCH) | swapped).float()
        for batch in random.permutation(len(pairs))[: len(pairs) // BATCH * BATCH].reshape(-1, BATCH):
            given = model.tokenizer(
                [queries[n] for n in batch],
                [pairs.items[n] for n in batch],
                padding=True,
                truncation=True,
                max_length=LONGEST,
                return_tensors="pt",
            )
            loss = loss_of(model.model(**given).logits[:, 0], labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    model.eval()
