"""The scope of a classifier: how like the rows that it learnt a text is, and from where on down it is out of scope.

A text is as like them as the cosine of its embedding to the nearest mean of a label's rows: the distance to a class by
which Lee et al. 2018, "A Simple Unified Framework for Detecting Out-of-Distribution Samples", go, in the measure that
the embeddings are made for. `docs/decisions/out-of-scope.md` has what else was tried.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from safetensors.numpy import load_file
from scipy.stats import beta

from classwright_tools.domain.cards import ScopeCard
from classwright_tools.domain.example import REAL_TEXTS, Origin
from classwright_tools.domain.figures import Estimate
from classwright_tools.learning.arrays import save_arrays
from classwright_tools.learning.rows import Rows
from classwright_tools.statistics.told_thresholds import as_told, told_from

MOST_ROWS = 2_000
"""That means are of: a tuned encoder embeds them once more."""
FLAGGED = 0.05
"""Of texts like those that the model will be asked, the share that may be called out of scope."""
FLAGGED_WRITTEN = 0.02
"""The same where only written rows tell: real texts may be less like written rows than these are like each other."""
MOST_BELOW = 0.002
"""A cosine: so far below the row that sets it the limit lies at most, to be on none."""


@dataclass(frozen=True)
class Scope:
    """The unit-length means (k, d), float16, of the embeddings of each label's rows, in a classifier's own space."""

    means: np.ndarray

    def likeness(self, embeddings: np.ndarray) -> np.ndarray:
        """Return the cosine (n,), float32, of each of the unit-length `embeddings` (n, d) to the nearest mean."""
        found: np.ndarray = (embeddings @ self.means.T.astype(np.float32)).max(axis=1, initial=-1.0)
        return found

    def save(self, path: Path) -> None:
        """Write the means as safetensors."""
        save_arrays({"means": self.means}, path)

    @staticmethod
    def load(path: Path) -> Scope:
        """Read the scope that `save` wrote; raises what safetensors raises for a file that is none."""
        return Scope(load_file(path)["means"])


def scope_of(rows: Rows, embed: Callable[[Sequence[str]], np.ndarray], seed: int) -> Scope:
    """Return the scope of a classifier of `rows`, whose space is that of what `embed` gives (n, d).

    Of more than `MOST_ROWS` a random sample counts, in which each label has as many as any other, or all its rows.
    """
    places = evenly_drawn(rows.strata, MOST_ROWS, seed)
    embeddings, labels = embed([rows.texts[place] for place in places]), rows.strata[places]
    means = np.stack([embeddings[labels == label].mean(axis=0) for label in np.unique(labels)])
    return Scope((means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float16))


def evenly_drawn(labels: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Return up to `most` places of `labels` (n,), in order, drawn at random: one of each label by turns."""
    order = np.random.default_rng(seed).permutation(len(labels))
    turns = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        own = order[labels[order] == label]
        turns[own] = np.arange(len(own))
    return np.sort(order[np.argsort(turns[order], kind="stable")][:most])


class Asked(Protocol):
    """Texts that a classifier was asked: whose they are, and how like the rows that it learnt each is (n,)."""

    @property
    def data(self) -> Origin:
        """Whose texts they are."""
        ...

    @property
    def likeness(self) -> np.ndarray | None:
        """How like the rows that were learnt each is (n,); None where that is not told."""
        ...


def scope_by(*, validation: Asked | None = None, training: Asked | None = None) -> ScopeCard | None:
    """Return the scope by the first of the rows that tell it: real texts before written ones, then `validation` rows.

    The `training` rows are answered by classifiers that have not learnt them.
    """
    given = ((validation, True), (training, False))
    known = [(one.likeness, one.data, by) for one, by in given if one is not None and one.likeness is not None]
    known.sort(key=lambda one: one[1] not in REAL_TEXTS)
    cards = ((scope_card(likeness, data), by) for likeness, data, by in known)
    return next((card.model_copy(update={"is_set_by_validation": by}) for card, by in cards if card), None)


def out_of_scope(likeness: np.ndarray | None, scope: ScopeCard | None, n: int) -> np.ndarray:
    """Return which of `n` texts (n,) are out of scope; none where that is not told."""
    if likeness is None or scope is None:
        return np.zeros(n, bool)
    found: np.ndarray = likeness < scope.likeness
    return found


def scope_card(likeness: np.ndarray, origin: Origin) -> ScopeCard | None:
    """Return from which likeness on down a text is out of scope, by that of held-out rows (n,) of one `origin`.

    It is an order statistic of theirs: of further texts like them the share below the r-th least of n is r / (n + 1) in
    the mean, and varies with the rows that happened to be held out as Beta(r, n + 1 - r) does (Wilks 1941,
    "Determination of Sample Sizes for Setting Tolerance Limits"). It is told a little below the row that it is of,
    which is in scope by every engine then. None where the rows are too few to tell.
    """
    n = len(likeness)
    rank = int((FLAGGED if origin in REAL_TEXTS else FLAGGED_WRITTEN) * (n + 1))
    if not rank:
        return None
    low, high = beta.ppf([0.025, 0.975], rank, n + 1 - rank)
    share = Estimate(value=rank / (n + 1), low=float(low), high=float(high))
    told = np.sort(as_told(likeness))
    lowest = float(told[rank - 1])
    limit = told_from(lowest, told, least=lowest - MOST_BELOW)
    return ScopeCard(likeness=limit, flagged=share, rows=n, data=origin)
