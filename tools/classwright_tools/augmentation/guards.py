"""Warnings about generated rows: label collapse, little variety, and copies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from classwright_tools.augmentation.faithfulness import Faithfulness
from classwright_tools.domain.excerpt import listed

LEAST_LABEL_SHARE = 0.5  # of an even share
LEAST_VENDI_RATIO = 0.6
LEAST_RECALL = 0.1  # of what real rows reach among themselves
MOST_COPIES = 0.01


def label_collapse(
    labels: npt.NDArray[np.float32], wanted: npt.NDArray[np.float32], names: Sequence[str]
) -> str | None:
    """Return a warning if a label is far rarer among the `labels` (m, K) seen than among those `wanted` (m, K)."""
    asked = wanted.mean(axis=0)
    lost = [
        f"{name!r} ({share:.0%} of the rows instead of {want:.0%})"
        for name, share, want in zip(names, labels.mean(axis=0), asked, strict=True)
        if share < LEAST_LABEL_SHARE * want
    ]
    if not lost:
        return None
    return f"Label collapse: generated rows hardly mean {listed(lost, 5)}."


def mode_collapse(found: Faithfulness, reference_recall: float) -> str | None:
    """Return a warning if generated rows are much less diverse than as many real ones."""
    recall = found.neighbourhoods.recall
    if found.vendi_ratio >= LEAST_VENDI_RATIO and recall >= LEAST_RECALL * reference_recall:
        return None
    return (
        f"Mode collapse: generated rows are {found.vendi_ratio:.0%} as diverse as real ones (Vendi score), and cover "
        f"{recall:.0%} of them (recall; real rows among themselves {reference_recall:.0%})."
    )


def copies(found: Faithfulness) -> str | None:
    """Return a warning if generated rows repeat real ones."""
    if found.copies <= MOST_COPIES:
        return None
    return f"Copies: {found.copies:.1%} of the generated rows are as good as a real row (cosine above 0.99)."
