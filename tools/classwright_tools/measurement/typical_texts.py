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
    usable = show_the_usual(found, doubted)
    every = ((label, usable & (found.true == label)) for label in range(len(found.labels)))
    return {label: texts for label, own in every if (texts := texts_amid(found, own, embed, seed))}


def show_the_usual(found: Answers, doubted: Collection[str]) -> npt.NDArray[np.bool_]:
    """Return which rows (n,) are real, were answered rightly, and have no id in `doubted`."""
    real = np.array([row.origin == "real" and row.id not in doubted for row in found.rows])
    usable: npt.NDArray[np.bool_] = real & ~found.is_wrong
    return usable


def texts_amid(found: Answers, chosen: npt.NDArray[np.bool_], embed: Embed, seed: int) -> tuple[str, ...]:
    """Return up to `MOST_TEXTS` of the `chosen` rows' texts (n,), each in the middle of a cluster; () of none."""
    own = sorted(np.flatnonzero(chosen).tolist(), key=lambda place: found.rows[place].id)[:MOST_ROWS]
    if not own:
        return ()
    vectors = np.asarray(embed([found.rows[place].content for place in own]))
    count = max(1, min(MOST_TEXTS, len(vectors) // ROWS_A_CLUSTER))
    return tuple(found.rows[own[place]].text for place in medoids(vectors, count, seed))
