"""Batches of training rows, as their places, drawn with a seed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

TEXTS_A_LABEL = 4  # in a balanced batch, next to one another: every text has texts of its label to be drawn to


def balanced_batches(
    labels: np.ndarray, batch: int, steps: int, generator: np.random.Generator
) -> Iterator[np.ndarray]:
    """Yield `steps` batches of `batch` places in `labels` (n,): the labels in turn, up to `TEXTS_A_LABEL` rows of each.

    Each label's rows come in a random order, all of them before one comes again, so rare labels' rows come more often.
    """
    queues = {label: _endless(np.flatnonzero(labels == label), generator) for label in np.unique(labels)}
    turns = _endless(np.array(list(queues)), generator)
    sizes = {label: min(TEXTS_A_LABEL, int((labels == label).sum())) for label in queues}
    for _ in range(steps):
        places: list[int] = []
        while len(places) < batch:
            label = next(turns)
            places += [next(queues[label]) for _ in range(min(sizes[label], batch - len(places)))]
        yield np.array(places)


def natural_batches(rows: int, batch: int, steps: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield `steps` batches of `batch` places under `rows`, each place once in every pass."""
    places = _endless(np.arange(rows), generator)
    for _ in range(steps):
        yield np.array(list(islice(places, batch)))


def square_root_batches(
    labels: np.ndarray, batch: int, steps: int, generator: np.random.Generator
) -> Iterator[np.ndarray]:
    """Yield `steps` batches of `batch` places in `labels` (n,): a class comes as often as the square root of its rows.

    This square-root sampling (Kang et al. 2020, "Decoupling Representation and Classifier for Long-Tailed Recognition",
    section 3) is half-way between drawing rows alike and drawing classes alike. With the latter the rare classes take
    in more of the background's rows than they gain of their own.
    """
    shares = np.cumsum(1 / np.sqrt(np.bincount(labels)[labels]))
    for _ in range(steps):
        drawn = np.searchsorted(shares, shares[-1] * generator.random(batch))
        yield drawn.clip(max=len(labels) - 1)  # rounding may lead past the end


def _endless(values: np.ndarray, generator: np.random.Generator) -> Iterator[int]:
    """Yield the values in a random order, then again in another one, without end."""
    while True:
        yield from generator.permutation(values).tolist()
