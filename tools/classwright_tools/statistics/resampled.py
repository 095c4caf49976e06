"""The difference of two classifiers on few rows: of smoothed accuracy, over splits that share rows or on rows apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.figures import Estimate, Z

LEAST_GROUPS = 10  # of fewer the spread is guesswork
CONFIDENCE = 0.95
WIDTH = 0.5
"""Of the smoothing, in root mean squares of the margins. Wider has less variance, and shrinks a difference more."""
UNKNOWN_ERROR = 1.0  # of a difference of accuracy, which is at most 1: nothing is known of it
LEAST_DIFFERENCE = 1e-9  # between splits: less is rounding

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """A mean difference, its standard error, and its 95% interval."""

    estimate: Estimate
    error: float


def margins(logits: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> Floats:
    """Return by how much the logit (n, k) of each row's own label (n,) is above the greatest of the others."""
    own = np.arange(len(labels)), labels
    others = np.array(logits, np.float64)
    others[own] = -np.inf
    return np.asarray(np.asarray(logits, np.float64)[own] - others.max(axis=1))


def smoothed(margins_of: list[Floats]) -> list[Floats]:
    """Return how right each row is, 0 to 1, from the margins of one classifier's held-out rows, split by split.

    It is the normal distribution function of the margin over `WIDTH` root mean squares of all margins: near 1 where
    the answer is clearly right, 0.5 on the border, near 0 where it is clearly wrong. Accuracy itself jumps from 0 to 1
    there: on 50 rows a difference of accuracies has about twice the standard error.
    """
    from scipy.special import ndtr

    scale = WIDTH * float(np.sqrt(np.mean(np.concatenate(margins_of) ** 2))) or 1.0
    return [np.asarray(ndtr(own / scale)) for own in margins_of]


def resampled_difference(differences: Floats, held_share: float) -> Difference:
    """Return the mean of `differences` (s,) over splits that share rows; `held_share` is rows held out over trained on.

    Their variance is corrected for it: (1/s + held_share) s^2, with s - 1 degrees of freedom (Nadeau and Bengio 2003,
    "Inference for the generalization error", section 3). One split, or splits that all differ alike, cannot tell: then
    the error is `UNKNOWN_ERROR` and the interval everything.
    """
    from scipy import stats

    n, mean = len(differences), float(differences.mean())
    if np.ptp(differences) <= LEAST_DIFFERENCE:
        return Difference(Estimate(value=mean, low=-1.0, high=1.0), UNKNOWN_ERROR)
    error = float(np.sqrt((1 / n + held_share) * differences.var(ddof=1)))
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * error
    return Difference(Estimate(value=mean, low=mean - reach, high=mean + reach), error)


def paired_difference(differences: Floats, groups: npt.NDArray[np.integer]) -> Difference | None:
    """Return the mean of `differences` (n,) between two classifiers on rows apart; None where nothing is told.

    Rows of one of the `groups` (n,) are won and lost together, and count as one, in the mean too: were it of rows, it
    would be that of the largest group, and few groups do not show by how much such a mean errs.
    """
    _, places = np.unique(groups, return_inverse=True)
    means = np.bincount(places, differences) / np.bincount(places)
    if len(means) < LEAST_GROUPS or np.ptp(means) <= LEAST_DIFFERENCE:
        return None
    return _normal(float(means.mean()), float(means.std(ddof=1) / np.sqrt(len(means))))


def pooled(first: Difference, second: Difference) -> Difference:
    """Return the mean of two differences of the same, each weighed by the inverse of its variance."""
    weights = np.array([1 / first.error**2, 1 / second.error**2])
    mean = float(weights @ [first.estimate.value, second.estimate.value] / weights.sum())
    return _normal(mean, float(1 / np.sqrt(weights.sum())))


def _normal(mean: float, error: float) -> Difference:
    reach = Z * error
    return Difference(Estimate(value=mean, low=mean - reach, high=mean + reach), error)
