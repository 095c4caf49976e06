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


def show_the_usual(found: Answers, doubted: Collection[str]) -> npt.NDArray[np.bool_]:
    """Return which rows (n,) are real, were answered rightly, and have no id in `doubted`.

    A row that is doubted may have a wrong label.
    """
    real = np.array([row.origin == "real" and row.id not in doubted for row in found.rows])
    usable: npt.NDArray[np.bool_] = real & ~found.is_wrong
    return usable


def texts_amid(found: Answers, chosen: npt.NDArray[np.bool_], embed: Embed, seed: int) -> tuple[str, ...]:
    """Return up to `MOST_TEXTS` of the `chosen` rows' texts (n,), that of the largest cluster first; () of none.

    Clusters are those of k-means, and a text the one nearest to the centre; `embed` gives unit-length vectors (n, d).
    """
    own = sorted(np.flatnonzero(chosen).tolist(), key=lambda place: found.rows[place].id)[:MOST_ROWS]
    if not own:
        return ()
    vectors = np.asarray(embed([found.rows[place].content for place in own]))
    count = max(1, min(MOST_TEXTS, len(vectors) // ROWS_A_CLUSTER))
    return tuple(found.rows[own[place]].text for place in medoids(vectors, count, seed))
