"""A map of real and generated rows: near each other in it where their embeddings are alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from classwright_tools.augmentation.methods import Material
from classwright_tools.augmentation.space import Floats
from classwright_tools.charts.scatter import label_map
from classwright_tools.charts.svg import standalone
from classwright_tools.learning.generated import Generated

MOST_POINTS = 400  # of each side: more hide each other, and take seconds
PERPLEXITY = 30


def map_places(
    real: Floats, generated: Floats, seed: int
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return places in the plane (n, 2) of real rows, then of generated ones, and which rows of each were taken.

    t-SNE (van der Maaten and Hinton 2008) by openTSNE (Policar and others 2019) on the cosines.
    """
    from openTSNE import TSNE

    generator = np.random.default_rng(seed)
    ours = np.sort(generator.permutation(len(real))[:MOST_POINTS])
    theirs = np.sort(generator.permutation(len(generated))[:MOST_POINTS])
    points = np.concatenate([real[ours], generated[theirs]]).astype(np.float64)
    embedder = TSNE(
        perplexity=min(PERPLEXITY, max(1, (len(points) - 1) // 3)),
        metric="cosine",
        neighbors="exact",
        negative_gradient_method="bh",
        n_jobs=1,
        random_state=seed,
    )
    return np.asarray(embedder.fit(points)), ours, theirs


def draw_map(path: Path, material: Material, made: Generated, seed: int) -> None:
    """Write the picture as SVG: real rows as triangles with an edge, generated ones as dots, a colour a label."""
    places, ours, theirs = map_places(material.embeddings, made.embeddings, seed)
    chart = label_map(
        places[: len(ours)].tolist(),
        material.labels[ours].tolist(),
        places[len(ours) :].tolist(),
        made.labels[theirs].tolist(),
        material.names,
    )
    path.write_text(standalone(chart), encoding="utf-8")
