"""Class statistics of a large labelled corpus: its space, and the mean and covariance of each of its classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classwright_tools.augmentation.space import Floats, WhitenedSpace, fit_space


@dataclass(frozen=True)
class BaseClasses:
    """The names of K classes, their space, means (K, d) of embeddings, and covariances (K, r, r) of codes."""

    names: tuple[str, ...]
    space: WhitenedSpace
    means: npt.NDArray[np.float32]
    covariances: npt.NDArray[np.float32]

    def tensors(self) -> dict[str, npt.NDArray[np.float32]]:
        """Return the numbers to write to a file; the names are kept beside them."""
        return {**self.space.tensors(), "class_means": self.means, "class_covariances": self.covariances}

    @staticmethod
    def from_tensors(names: Sequence[str], tensors: Mapping[str, npt.NDArray[np.float32]]) -> BaseClasses:
        """Return the classes that `tensors` wrote; KeyError if a part is missing."""
        return BaseClasses(
            names=tuple(names),
            space=WhitenedSpace.from_tensors(tensors),
            means=tensors["class_means"],
            covariances=tensors["class_covariances"],
        )


def base_classes(embeddings: Floats, labels: npt.NDArray[np.float32], names: Sequence[str]) -> BaseClasses:
    """Return what is kept of `embeddings` (n, d) with label vectors (n, K) whose columns are `names`."""
    space = fit_space(embeddings)
    codes = space.encode(embeddings)
    return BaseClasses(
        names=tuple(names),
        space=space,
        means=class_means(embeddings, labels),
        covariances=np.stack([_covariance(codes[column > 0]) for column in labels.T]),
    )


def class_means(rows: Floats, labels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the mean (K, d) of the `rows` (n, d) of each column of `labels` (n, K); zeros for one without rows."""
    means: npt.NDArray[np.float32] = (labels.T @ rows / np.maximum(labels.sum(axis=0), 1)[:, None]).astype(np.float32)
    return means


def same_names(wanted: Sequence[str], names: Sequence[str]) -> tuple[int | None, ...]:
    """Return for each of `wanted` the place in `names` of its namesake but for case, or None."""
    places = {name.casefold(): place for place, name in enumerate(names)}
    return tuple(places.get(name.casefold()) for name in wanted)


def domain_shift(
    base: BaseClasses, matched: Sequence[int | None], embeddings: Floats, labels: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return by how much (d,) the domain of `embeddings` (n, d) lies beside that of the corpus.

    Means of class means are compared, over the labels that both have: other shares of the labels are then no shift. If
    they have none in common, all labels of each count.
    """
    ours = class_means(embeddings, labels)
    pairs = [(own, other) for own, other in enumerate(matched) if other is not None and labels[:, own].any()]
    if pairs:
        own_places, other_places = (list(places) for places in zip(*pairs, strict=True))
        shift: npt.NDArray[np.float32] = ours[own_places].mean(axis=0) - base.means[other_places].mean(axis=0)
        return shift
    return np.asarray(ours[labels.any(axis=0)].mean(axis=0) - base.means.mean(axis=0), np.float32)


def _covariance(codes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    from sklearn.covariance import ledoit_wolf

    if len(codes) < 2:
        return np.eye(codes.shape[1], dtype=np.float32)
    return np.asarray(ledoit_wolf(codes)[0], np.float32)
