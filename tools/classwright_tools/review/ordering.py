"""The order in which rows come up for review."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from classwright_tools.domain.look import Order
from classwright_tools.measurement.doubts import Doubts
from classwright_tools.review.desk import Desk, Places


def ordered(desk: Desk, places: Places, order: Order, doubts: Doubts | None, seed: int) -> Places:
    """Return `places` of a desk with the most doubtful first, in the dataset's order, or in a random one."""
    if order == "doubt" and doubts:
        wanted = np.zeros(len(desk), bool)
        wanted[places] = True
        return doubts.ranked[wanted[doubts.ranked]]  # all are sorted once: for each page that was half its time
    if order == "random":
        return places[np.argsort(_shuffled(desk.dataset, len(desk), seed)[places], kind="stable")]
    return places


def _shuffled(dataset: str, rows: int, seed: int) -> NDArray[np.int64]:
    """Return a random rank for each row, the same whenever the dataset is looked at."""
    digest = hashlib.sha256(f"{dataset} {seed}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big")).permutation(rows)
