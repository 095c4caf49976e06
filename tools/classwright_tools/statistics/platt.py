"""Platt scaling: a slope and an offset that make a label's scores its probabilities."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def platt(
    logits: npt.NDArray[np.floating], true: npt.NDArray[np.bool_], weights: Floats | None = None
) -> tuple[float, float]:
    """Return the slope, 0 or more, and the offset of the logits (n,) whose sigmoid is likeliest to give `true` (n,).

    The targets are Platt's (1999, "Probabilistic Outputs for Support Vector Machines", section 2.2). A row counts for
    its weight of the `weights` (n,), by default all alike. Of logits that do not rise with the label the slope is 0:
    each row then has the label's share as its probability.
    """
    from scipy.optimize import minimize
    from scipy.special import expit, logit

    positive = int(true.sum())
    targets = np.where(true, (positive + 1) / (positive + 2), 1 / (len(true) - positive + 2))

    def loss(parameters: Floats) -> tuple[float, Floats]:
        scaled = parameters[0] * logits + parameters[1]
        off = expit(scaled) - targets
        likelihood = np.logaddexp(0, scaled) - targets * scaled
        gradient = np.array([np.average(off * logits, weights=weights), np.average(off, weights=weights)])
        return float(np.average(likelihood, weights=weights)), gradient

    slope, offset = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS").x
    if slope <= 0 or np.ptp(logits) == 0:  # equal ones leave open what part the slope has
        return 0.0, float(logit(np.average(targets, weights=weights)))
    return float(slope), float(offset)
