"""A map of texts: near each other where they mean the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from classwright_tools.measurement.kept_files import kept_array

MOST_TEXTS = 2_000  # drawn; more take minutes and hide each other
LEAST_TEXTS = 10
_COMPONENTS = 50  # that PCA leaves for t-SNE, as its authors advise
_PERPLEXITY = 30


@dataclass(frozen=True)
class TextMap:
    """Positions of texts in the plane (n, 2), and which of them are real (n,)."""

    places: npt.NDArray[np.float32]
    real: npt.NDArray[np.bool_]


def map_sample(real: npt.NDArray[np.bool_], seed: int) -> npt.NDArray[np.intp]:
    """Return the places of up to `MOST_TEXTS` texts, real and written ones in half each where there are enough."""
    generator = np.random.default_rng(seed)
    real_places, written_places = (generator.permutation(np.flatnonzero(marked)) for marked in (real, ~real))
    real_count = min(len(real_places), max(MOST_TEXTS // 2, MOST_TEXTS - len(written_places)))
    chosen = [real_places[:real_count], written_places[: MOST_TEXTS - real_count]]
    return np.sort(np.concatenate(chosen))


def text_map(vectors: npt.NDArray[np.floating], seed: int, caches: Path) -> npt.NDArray[np.float32]:
    """Return a place in the plane (n, 2) for each vector (n, d): PCA, then t-SNE (van der Maaten and Hinton 2008).

    It takes seconds, so that it is kept in the folder `caches`.
    """

    def drawn() -> npt.NDArray[np.float32]:
        components = PCA(min(_COMPONENTS, *vectors.shape), random_state=seed).fit_transform(vectors)
        perplexity = min(_PERPLEXITY, (len(vectors) - 1) / 3)
        places: npt.NDArray[np.float32] = TSNE(perplexity=perplexity, random_state=seed, init="pca").fit_transform(
            components
        )
        return places

    places: npt.NDArray[np.float32] = kept_array(caches, "map", (vectors, np.array(seed)), drawn)
    return places
