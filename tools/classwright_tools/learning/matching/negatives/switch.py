"""The article's switch: simple arithmetic that overwrites the queries of some rows and leaves the others as they are.

Nguyen et al. 2020 ("QUARTS"), section 3.3: with y = 1 for a mismatch and z ~ Bernoulli(p), s = (1 - y) z, and what the
classifier reads is s Q_gen + (1 - s) Q.
"""

from __future__ import annotations

import numpy as np


def switches(mismatches: np.ndarray, probability: float, generator: np.random.Generator) -> np.ndarray:
    """Return s (n,), 0 or 1: which rows are overwritten; never one of the `mismatches` (n,), 1 for those and else 0."""
    drawn = (generator.random(len(mismatches)) < probability).astype(np.int64)
    return (1 - mismatches.astype(np.int64)) * drawn
