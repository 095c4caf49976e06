"""Confusions to expect on new texts: the errors that were counted, shrunk towards the model's own probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from classwright_tools.measurement.held_out import Answers
from classwright_tools.statistics.metrics import confusion_matrix

STRENGTHS = 2.0 ** np.arange(9)  # rows that the probabilities may count for

Matrix = npt.NDArray[np.float64]


def expected_confusions(found: Answers, sources: Sequence[Answers], shares: Sequence[float] | None = None) -> Matrix:
    """Return which share of all texts has one label (line) and will be taken for another (column), (k, k).

    The labels' `shares` (k,) are by default those of the rows in `found`. Within a label the answers are multinomial,
    with a Dirichlet prior whose mean are the probabilities that the model gave in `sources`; a posterior mean lies
    between them and the errors counted. How many rows the prior counts for is what makes the counts likeliest
    (empirical Bayes; the Dirichlet-multinomial likelihood of Minka 2000, "Estimating a Dirichlet distribution",
    section 2).

    A pair of labels without any error, either way, is 0: what no row shows is not worth a text.
    """
    k = len(found.labels)
    counts = confusion_matrix(found.true, found.predicted, k).astype(np.float64)
    mean = mean_answers(sources)
    strength = max(STRENGTHS, key=lambda rows: _log_likelihood(counts, rows * mean))
    rows = counts.sum(axis=1, keepdims=True)
    of_all = rows / rows.sum() if shares is None else np.asarray(shares, np.float64)[:, None]
    rates = (counts + strength * mean) / (rows + strength) * of_all
    np.fill_diagonal(counts, 0)
    expected: Matrix = np.where(counts + counts.T > 0, rates, 0.0)
    np.fill_diagonal(expected, 0)
    return expected


def mean_answers(sources: Sequence[Answers]) -> Matrix:
    """Return the mean probability (k, k) that the rows of a label (line) give to each label, all sources alike.

    A label of which no source has a row is expected to be answered rightly.
    """
    k = len(sources[0].labels)
    total, known = np.zeros((k, k)), np.zeros((k, 1))
    for found in sources:
        sums = np.zeros((k, k))
        np.add.at(sums, found.true, found.proba)
        rows = np.bincount(found.true, minlength=k)[:, None]
        total += sums / np.maximum(rows, 1)
        known += rows > 0
    mean: Matrix = np.where(known, total / np.maximum(known, 1), np.eye(k))
    return mean


def _log_likelihood(counts: Matrix, prior: Matrix) -> float:
    """Return the logarithm of how likely each line of `counts` is under a Dirichlet with the parameters `prior`."""
    prior = prior + 1e-9
    lines = gammaln(prior.sum(axis=1)) - gammaln((prior + counts).sum(axis=1))
    return float(lines.sum() + (gammaln(prior + counts) - gammaln(prior)).sum())
