"""The article's switch: simple arithmetic that overwrites the queries of some rows and leaves the others as they are.

Nguyen et al. 2020 ("QUARTS"), section 3.3: with y = 1 for a mismatch and z ~ Bernoulli(p), s = (1 - y) z, and what the
classifier reads is s Q_gen + (1 - s) Q. It is differentiable: a gradient reaches the generator where s = 1 alone.
"""

from __future__ import annotations

import numpy as np
import torch


def switches(mismatches: np.ndarray, probability: float, generator: np.random.Generator) -> np.ndarray:
    """Return s (n,), 0 or 1: which rows are overwritten; never one of the `mismatches` (n,), 1 for those and else 0."""
    drawn = (generator.random(len(mismatches)) < probability).astype(np.int64)
    return (1 - mismatches.astype(np.int64)) * drawn


def overwrite(switch: torch.Tensor, generated: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
    """Return the query representations (n, d): `generated` (n, d) where `switch` (n,) is 1, `own` where it is 0."""
    s = switch[:, None].to(own.dtype)
    return s * generated + (1 - s) * own
