"""One model against another where labels differ much in size: how well each finds the rarest."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.gains import RareLabelGain, TestedGain
from classwright_tools.statistics.at_shares import rare_label
from classwright_tools.statistics.exact_tests import SIGNIFICANCE
from classwright_tools.statistics.intervals import bootstrap
from classwright_tools.statistics.metrics import LEAST_ROWS, Floats, Labels, accuracy_of, balanced_accuracy
from classwright_tools.statistics.paired import paired_p
from classwright_tools.statistics.paired_at_shares import weighted_p
from classwright_tools.statistics.ranking import average_precision_of


def rare_gain(
    true: Labels,
    proba_a: npt.NDArray[np.floating],
    proba_b: npt.NDArray[np.floating],
    shares: Sequence[float],
    names: Sequence[str],
    groups: Labels | None = None,
    *,
    seed: int = 0,
) -> RareLabelGain | None:
    """Return how much better a finds the label that is rare at the `shares` (k,) than b; both probabilities are (n, k).

    The rows' labels are `true` (n,). Intervals are the paired bootstrap's: a resample keeps each label's number of
    rows, or draws whole `groups` (n,). The recall is tested by the exact McNemar test on the label's rows, or its form
    for `groups`. None where no label is rare, or fewer than `LEAST_ROWS` rows have it.
    """
    rare = rare_label(shares)
    of_it = true == rare
    if rare is None or of_it.sum() < LEAST_ROWS:
        return None
    a, b = proba_a.argmax(axis=1), proba_b.argmax(axis=1)
    gain = partial(bootstrap, groups=groups, least=-1.0, seed=seed)
    return RareLabelGain(
        label=names[rare],
        rows=int(of_it.sum()),
        recall_gain=_tested(
            gain(_recall_gain, of_it, a == rare, b == rare, strata=of_it),
            paired_p(a[of_it] == rare, b[of_it] == rare, None if groups is None else groups[of_it]),
        ),
        average_precision_gain=gain(_ranking_gain, of_it, proba_a[:, rare], proba_b[:, rare], strata=of_it),
        balanced_accuracy_gain=balanced_gain(true, proba_a, proba_b, groups, seed=seed),
    )


def balanced_gain(
    true: Labels,
    proba_a: npt.NDArray[np.floating],
    proba_b: npt.NDArray[np.floating],
    groups: Labels | None = None,
    *,
    seed: int = 0,
) -> TestedGain:
    """Return how much higher the balanced accuracy of a is than that of b, as `rare_gain` does.

    It is tested by random signs of the rows' differences, each label's rows counting for one share (`weighted_p`).
    """
    a, b = proba_a.argmax(axis=1), proba_b.argmax(axis=1)
    counts = np.bincount(true)
    alike = (counts > 0) / np.count_nonzero(counts)
    return _tested(
        bootstrap(_balanced_gain, true, a, b, strata=true, groups=groups, least=-1.0, seed=seed),
        weighted_p(true, a == true, b == true, alike.tolist(), groups, seed=seed),
    )


def _tested(gain: Estimate, p: float) -> TestedGain:
    return TestedGain(**gain.model_dump(), p=p, significant=p < SIGNIFICANCE)


def _recall_gain(
    weights: Floats, of_it: npt.NDArray[np.bool_], a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_]
) -> Floats:
    return accuracy_of(weights * of_it, a) - accuracy_of(weights * of_it, b)


def _ranking_gain(weights: Floats, of_it: npt.NDArray[np.bool_], a: Floats, b: Floats) -> Floats:
    return average_precision_of(weights, of_it, a) - average_precision_of(weights, of_it, b)


def _balanced_gain(weights: Floats, true: Labels, a: Labels, b: Labels) -> Floats:
    return balanced_accuracy(weights, true, a) - balanced_accuracy(weights, true, b)
