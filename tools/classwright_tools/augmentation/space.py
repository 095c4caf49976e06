"""Whitened principal components of sentence embeddings: the space that rows are generated in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]

COMPONENTS = 128  # of 384 they hold 79% of the variance of short texts; the rest is filled with noise
LEAST_DEVIATION = 1e-6  # a direction in which the rows do not differ stays finite when it is divided by this


@dataclass(frozen=True)
class WhitenedSpace:
    """The mean (d,), all d principal axes (d, d) as rows, and the standard deviation (d,) along each.

    A code (r,) holds the coordinates along the first `components` axes in units of their standard deviations.
    """

    mean: Floats
    axes: Floats
    deviations: Floats
    components: int

    def encode(self, embeddings: Floats, shift: Floats | None = None) -> npt.NDArray[np.float32]:
        """Return the codes (n, r) of unit-length `embeddings` (n, d).

        `shift` (d,) is taken away first: by how much the mean of the rows' domain lies beside this space's.
        """
        centred = embeddings - self.mean - (0.0 if shift is None else shift)
        codes: npt.NDArray[np.float32] = (centred @ self._kept.T / self.deviations[: self.components]).astype(
            np.float32
        )
        return codes

    def decode(
        self, codes: Floats, generator: np.random.Generator, shift: Floats | None = None
    ) -> npt.NDArray[np.float32]:
        """Return unit-length embeddings (n, d) of `codes` (n, r).

        The directions that a code leaves out are filled with Gaussian noise of their own standard deviations. Without
        it the rows would lie inside the sphere of the real ones, where each is near to all: density and coverage would
        flatter.
        """
        rest, rest_axes = self.deviations[self.components :], self.axes[self.components :]
        noise = generator.standard_normal((len(codes), len(rest))) * rest
        placed = self.mean + codes * self.deviations[: self.components] @ self._kept + noise @ rest_axes
        return unit_length(placed + (0.0 if shift is None else shift))

    @property
    def _kept(self) -> Floats:
        return self.axes[: self.components]

    def tensors(self) -> dict[str, npt.NDArray[np.float32]]:
        """Return the numbers to write to a file; `from_tensors` reads them."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "components"}
        return {
            **{name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()},
            "components": np.array([self.components], np.float32),
        }

    @staticmethod
    def from_tensors(tensors: Mapping[str, npt.NDArray[np.float32]]) -> WhitenedSpace:
        """Return the space that `tensors` wrote; KeyError if a part is missing."""
        return WhitenedSpace(
            mean=tensors["mean"],
            axes=tensors["axes"],
            deviations=tensors["deviations"],
            components=int(tensors["components"][0]),
        )


def fit_space(embeddings: Floats, components: int = COMPONENTS) -> WhitenedSpace:
    """Return the space of `embeddings` (n, d), with up to `components` of its axes in a code.

    The covariance is shrunk towards a multiple of the identity as far as the rows are few (Ledoit and Wolf 2004, "A
    well-conditioned estimator for large-dimensional covariance matrices", equation 14): with fewer rows than
    dimensions every direction still has a standard deviation.
    """
    from sklearn.covariance import ledoit_wolf, ledoit_wolf_shrinkage

    rows = np.asarray(embeddings, np.float64)
    mean = rows.mean(axis=0)
    n, d = rows.shape
    if n < d:  # of the features of pairs, this takes a fifth of the time of what is below
        _, lengths, axes = np.linalg.svd(rows - mean)
        spread = np.append(lengths**2 / n, np.zeros(d - n))
        shrinkage = ledoit_wolf_shrinkage(rows - mean, assume_centered=True)
        variances = (1 - shrinkage) * spread + shrinkage * spread.mean()
    else:
        covariance, _ = ledoit_wolf(rows - mean, assume_centered=True)
        found, vectors = np.linalg.eigh(covariance)
        variances, axes = found[::-1], vectors[:, ::-1].T
    deviations = np.sqrt(np.maximum(variances, LEAST_DEVIATION**2))
    return WhitenedSpace(
        mean=mean.astype(np.float32),
        axes=np.ascontiguousarray(axes, np.float32),
        deviations=deviations.astype(np.float32),
        components=min(components, rows.shape[1]),
    )


def unit_length(vectors: Floats) -> npt.NDArray[np.float32]:
    """Return `vectors` (n, d) divided by their lengths, float32."""
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    scaled: npt.NDArray[np.float32] = (vectors / lengths).astype(np.float32)
    return scaled
