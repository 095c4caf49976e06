"""What the tests of figures share: rows with probabilities, and their figures."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from classwright_tools.domain.figures import Estimate, Figures
from classwright_tools.statistics.metrics import compute_figures

ESTIMATES = ("accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "mcc")


def rows_of(seed: int, n: int, k: int, skill: float = 0.4) -> tuple[np.ndarray, np.ndarray]:
    """Return true labels (n,) and probabilities (n, k) of a classifier that is right more often the more `skill`."""
    generator = np.random.default_rng(seed)
    true = generator.integers(0, k, n)
    proba = generator.dirichlet(np.ones(k), n)
    proba[np.arange(n), true] += skill * generator.random(n)
    return true, proba / proba.sum(axis=1, keepdims=True)


some_rows = st.builds(
    rows_of, seed=st.integers(0, 10_000), n=st.integers(1, 60), k=st.integers(2, 8), skill=st.floats(0, 3)
)


def figures_of(true: np.ndarray, proba: np.ndarray, **more: Any) -> Figures:
    """Return the figures, with numbers as the labels' names."""
    return compute_figures(true, proba, [str(place) for place in range(proba.shape[1])], **more)


def estimates(figures: Figures) -> list[Estimate]:
    return [getattr(figures, name) for name in ESTIMATES]
