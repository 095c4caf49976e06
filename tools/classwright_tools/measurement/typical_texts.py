"""Typical real texts of a label: what shows a writer how they sound. Errors and doubtful rows show something else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np
import numpy.typing as npt

from classwright_tools.learning.medoids import medoids
from classwright_tools.measurement.held_out import Answers

MOST_TEXTS = 5
ROWS_A_CLUSTER = 3  # fewer have no middle
MOST_ROWS = 500  # of a label, clustered

Embed = Callable[[Sequence[str]], npt.NDArray[np.floating]]


def typical_texts(found: Answers, doubted: Collection[str], embed: Embed, seed: int) -> dict[int, tuple[str, ...]]:
    """Return up to `MOST_TEXTS` real texts for each label (its place), those of the largest cluster first.

    The rightly answered rows of a label are clustered by k-means, and of each cluster the text nearest to its centre is
    taken; `embed` gives unit-length vectors (n, d). Rows whose id is in `doubted` may have a wrong label and show
    nothing, nor do rows that were written.
    """
    usable = np.array([row.origin == "real" and row.id not in doubted for row in found.rows])
    usable &= found.predicted == found.true
    texts = {}
    for label in range(len(found.labels)):
        own = sorted(np.flatnonzero(usable & (found.true == label)).tolist(), key=lambda p: found.rows[p].id)
        if own:
            own = own[:MOST_ROWS]
            vectors = np.asarray(embed([found.rows[place].content for place in own]))
            count = max(1, min(MOST_TEXTS, len(vectors) // ROWS_A_CLUSTER))
            texts[label] = tuple(found.rows[own[place]].text for place in medoids(vectors, count, seed))
    return texts
