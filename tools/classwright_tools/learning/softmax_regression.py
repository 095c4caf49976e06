"""Multinomial logistic regression, fitted in single precision: L-BFGS in axes in which the loss curves alike."""

from __future__ import annotations

import numpy as np

STEPS = 1_000
STEEPEST = 0.01
"""A fit ends where the slope of the loss, a sum over rows, is no more along any of the axes (benchmarks/README.md)."""


def fit_softmax(inputs: np.ndarray, labels: np.ndarray, counts: np.ndarray, c: float) -> np.ndarray:
    """Return the weights (k, d + 1), the biases last, of the logistic regression of `labels` (n,) on `inputs` (n, d).

    Each number under k is a label of some row. `counts` (n,) say how many rows each row counts for. `c` is
    scikit-learn's: the inverse strength of an L2 penalty on the weights, of two labels on those of their difference.

    The axes are those in which the loss curves alike in every direction while all labels are equally likely. In them
    L-BFGS (Liu and Nocedal 1989, "On the Limited Memory BFGS Method") takes about half the steps.
    """
    from scipy.linalg import solve_triangular
    from scipy.optimize import minimize

    n, k = len(labels), int(labels.max()) + 1
    counts = counts.astype(np.float32)
    rows = np.concatenate([inputs, np.ones((n, 1))], axis=1).astype(np.float32)
    penalty = np.append(np.full(inputs.shape[1], (2 if k == 2 else 1) / c), 0).astype(np.float32)
    curvature = (rows * (counts / k)[:, None]).T @ rows + np.diag(penalty)
    axes = solve_triangular(np.linalg.cholesky(curvature), np.eye(len(curvature), dtype=np.float32), lower=True)
    seen = rows @ axes.T
    penalties = (axes * penalty) @ axes.T
    places = np.arange(n)

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the penalised loss of the weights along the axes (k * (d + 1),), and its slopes."""
        weights = flat.reshape(k, -1).astype(np.float32)
        scores = seen @ weights.T
        scores -= scores.max(axis=1, keepdims=True)
        own = scores[places, labels]
        proba = np.exp(scores, out=scores)
        sums = proba.sum(axis=1)
        proba *= (counts / sums)[:, None]
        proba[places, labels] -= counts
        drawn = weights @ penalties
        value = counts @ (np.log(sums) - own).astype(np.float64) + np.vdot(weights, drawn) / 2
        return float(value), (proba.T @ seen + drawn).ravel().astype(np.float64)

    options = {"maxiter": STEPS, "gtol": STEEPEST, "ftol": 0.0}
    found = minimize(loss, np.zeros(k * rows.shape[1]), jac=True, method="L-BFGS-B", options=options).x
    weights: np.ndarray = found.reshape(k, -1).astype(np.float32) @ axes
    return weights
