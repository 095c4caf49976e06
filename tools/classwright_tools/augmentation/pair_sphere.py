"""Pairs as points on a unit sphere, where every way of generating works, and back to what a classifier sees.

The features of a pair (`learning/pair_encoder.py`) differ in length, and the length tells how far apart its texts are:
dividing by it would lose that. So one coordinate is added that fills each row up to one length.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from classwright_tools.augmentation.space import Floats, unit_length
from classwright_tools.domain.task import TaskKind

# As long as features become: two embeddings give 1 each to the square, their scaled difference 64 and their scaled
# product, for sentence embeddings, a few at most. Whatever is longer is cut to it.
LENGTH = 9.0


def on_sphere(kind: TaskKind, features: Floats) -> npt.NDArray[np.float32]:
    """Return rows of unit length: of pairs (n, d + 1) for their `features` (n, d), of single texts what is given."""
    if kind == "text":
        return np.asarray(features, np.float32)
    scaled = features / np.maximum(LENGTH, np.linalg.norm(features, axis=1, keepdims=True))
    rest = np.sqrt(np.maximum(1 - (scaled**2).sum(axis=1, keepdims=True), 0))
    return np.concatenate([scaled, rest], axis=1).astype(np.float32)


def as_features(kind: TaskKind, rows: Floats) -> npt.NDArray[np.float32]:
    """Return what a classifier sees of `rows` on the sphere: it undoes `on_sphere`."""
    return np.asarray(rows if kind == "text" else LENGTH * rows[:, :-1], np.float32)


def as_compared(kind: TaskKind, rows: Floats) -> npt.NDArray[np.float32]:
    """Return unit-length rows (n, ...) whose cosines tell how alike `rows` on the sphere are.

    Of pairs these are the two embeddings side by side: how the texts of a pair differ is much the same in all pairs, so
    that on the whole sphere any two of them look alike.
    """
    return np.asarray(rows, np.float32) if kind == "text" else unit_length(rows[:, : rows.shape[1] // 2])
