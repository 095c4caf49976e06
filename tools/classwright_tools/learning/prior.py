"""A model's prior: the shares of the labels where it is used, and what they change in its probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.shares import LabelShare, TaskShares
from classwright_tools.learning.calibration import softmax
from classwright_tools.learning.held_out import HeldOut
from classwright_tools.statistics.label_shift import LEAST_ROWS, calibrate, estimate_shares


@dataclass(frozen=True)
class Prior:
    """Shares, and what makes softmax(logits / temperature + offsets) the probabilities at them; offsets are (k,)."""

    shares: TaskShares
    temperature: float
    offsets: np.ndarray

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return the probabilities (n, k) of logits (n, k)."""
        return softmax(logits / self.temperature + self.offsets)


def prior_at(shares: TaskShares, held: HeldOut) -> Prior:
    """Return the prior at `shares` of the model that answered the rows `held`, of which each label has some."""
    calibration = calibrate(held.logits, held.labels)
    return Prior(shares, 1 / calibration.scale, calibration.offsets(shares.values))


def known_shares(held: HeldOut, logits: Callable[[], np.ndarray]) -> tuple[TaskShares | None, str]:
    """Return the labels' shares where the model will be used, None if they are not known; and in words why not.

    They are the stated ones of the setup; else those that a model with the answers `held` tells from the setup's
    unlabelled texts, of which it gives the `logits` (m, k). There is nothing to say where neither is there.
    """
    setup = held.setup
    if not (setup.stated or setup.unlabelled):
        return None, ""
    if setup.imbalance != "none":
        return None, f"With imbalance {setup.imbalance!r} labels count alike, so their shares are not used."
    if setup.stated:
        counts = np.bincount(held.labels, minlength=setup.k)
        if counts.min() >= LEAST_ROWS:
            return setup.stated, ""
        bare = setup.labels[int(counts.argmin())]
        return None, (
            f"The stated shares are not used: {bare!r} has {counts.min()} rows to calibrate by, and each label needs "
            f"{LEAST_ROWS}."
        )
    untold = f"How many of the {len(setup.unlabelled):,} unlabelled texts are of each label cannot be told"
    if held.data != "real":
        return None, (
            f"{untold} without real labelled rows: how sure the model is of a written text says too little of real "
            "ones. Some real validation rows of each label are enough."
        )
    found = estimate_shares(held.logits, held.labels, logits(), setup.labels, seed=setup.seed)
    if found.outcome == "unknown":
        return None, f"{untold}: {found.reason}."
    if found.outcome == "alike":
        return None, f"In the {len(setup.unlabelled):,} unlabelled texts {found.reason}, so nothing is changed by them."
    return _shares("estimated", setup.labels, found.shares, len(setup.unlabelled)), ""


def stated_shares(stated: Mapping[str, float], names: Sequence[str]) -> TaskShares:
    """Return the shares that a person stated of the labels `names`, made to be 1 in all."""
    whole = sum(stated.values())
    values = [stated[name] / whole for name in names]
    return _shares("stated", names, [Estimate(value=value, low=value, high=value) for value in values])


def _shares(
    source: Literal["stated", "estimated"], names: Sequence[str], shares: Sequence[Estimate], texts: int = 0
) -> TaskShares:
    labels = tuple(LabelShare(label=name, share=share) for name, share in zip(names, shares, strict=True))
    return TaskShares(source=source, texts=texts, labels=labels)
