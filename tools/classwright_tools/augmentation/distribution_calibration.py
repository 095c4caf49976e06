"""Distribution calibration (Yang, Liu and Xu 2021, "Free lunch for few-shot learning", section 3.2).

A class of few rows borrows the mean and the covariance of the classes of a large corpus that lie nearest, and rows are
drawn from the Gaussian that results. Nothing is trained.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from classwright_tools.augmentation.base_classes import (
    BaseClasses,
    base_classes,
    class_means,
    domain_shift,
    same_names,
)
from classwright_tools.augmentation.space import Floats

NEAREST = 2  # base classes, as in the paper
SPREAD = 0.21  # the paper's alpha, here in whitened units: added to the variance in every direction


def calibrated_rows(
    embeddings: Floats,
    labels: npt.NDArray[np.float32],
    names: Sequence[str],
    base: BaseClasses | None,
    wanted: npt.NDArray[np.float32],
    seed: int,
) -> npt.NDArray[np.float32]:
    """Return an embedding (m, d) for each one-hot label of `wanted` (m, K).

    `embeddings` (n, d) and their one-hot `labels` (n, K), with columns `names`, are the scarce rows. For each drawn row
    one of its label's rows x is taken; the mean is that of x and of the base classes (the namesake if there is one,
    else the two nearest), the covariance is theirs plus `SPREAD`. Without `base` the scarce classes are the base.
    """
    base = base or base_classes(embeddings, labels, names)
    matched = same_names(names, base.names)
    shift = domain_shift(base, matched, embeddings, labels)
    codes = base.space.encode(embeddings, shift)
    base_codes = base.space.encode(base.means)
    own = class_means(codes, labels)
    generator = np.random.default_rng(seed)
    drawn = np.zeros((len(wanted), codes.shape[1]), np.float32)
    for key in np.unique(wanted, axis=0):
        places = np.flatnonzero((wanted == key).all(axis=1))
        rows = np.flatnonzero((labels == key).all(axis=1))
        near = _base_places(int(key.argmax()), matched, own, base_codes)
        shots = codes[generator.choice(rows, len(places))]
        means = (base_codes[near].sum(axis=0) + shots) / (len(near) + 1)
        covariance = base.covariances[near].mean(axis=0) + SPREAD * np.eye(codes.shape[1])
        root = np.linalg.cholesky(covariance)
        drawn[places] = means + generator.standard_normal((len(places), codes.shape[1])) @ root.T
    return base.space.decode(drawn, generator, shift)


def _base_places(
    label: int,
    matched: Sequence[int | None],
    own: npt.NDArray[np.float32],
    base_codes: npt.NDArray[np.float32],
) -> list[int]:
    """Return the places of the base classes that stand for the label of that number: its namesake, or the nearest."""
    namesake = matched[label]
    if namesake is not None:
        return [namesake]
    return [int(place) for place in np.argsort(np.linalg.norm(base_codes - own[label], axis=1))[:NEAREST]]
