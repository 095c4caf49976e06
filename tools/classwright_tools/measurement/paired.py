"""One model against another on the same rows: paired bootstrap and the exact McNemar test."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from classwright_tools.domain.figures import Comparison
from classwright_tools.measurement.intervals import bootstrap
from classwright_tools.measurement.metrics import Floats, Labels, accuracy_of, macro_f1
from classwright_tools.measurement.ranking import average_precision_of

SIGNIFICANCE = 0.05


def compare(
    true: Labels,
    proba_a: npt.NDArray[np.floating],
    proba_b: npt.NDArray[np.floating],
    against: str,
    seed: int = 0,
    mismatch: int | None = None,
) -> Comparison:
    """Return how much better a is than b on rows whose labels are `true` (n,); both probabilities are (n, k).

    `mismatch` is the number of a pair task's label of that name.
    A resample draws rows, and with a row both models' answers, so what makes a row hard for both cancels out.
    `significant` is the exact McNemar test's verdict at 5%: a two-sided binomial test on the rows where just one of
    the two is right (McNemar 1947, in the exact form that small counts need).
    """
    a, b = proba_a.argmax(axis=1), proba_b.argmax(axis=1)
    a_right, b_right = a == true, b == true
    f1_a, f1_b = (macro_f1(true, predicted, proba_a.shape[1]) for predicted in (a, b))

    def accuracy_gain(weights: Floats, a_right: npt.NDArray[np.bool_], b_right: npt.NDArray[np.bool_]) -> Floats:
        return accuracy_of(weights, a_right) - accuracy_of(weights, b_right)

    def macro_f1_gain(weights: Floats, true: Labels, a: Labels, b: Labels) -> Floats:
        return f1_a(weights, true, a) - f1_b(weights, true, b)

    positive = true == mismatch
    ranked = None
    if positive.any():
        ranked = bootstrap(
            _average_precision_gain, positive, proba_a[:, mismatch], proba_b[:, mismatch], strata=positive, seed=seed
        )
    only_a, only_b = int((a_right & ~b_right).sum()), int((b_right & ~a_right).sum())
    p = mcnemar(only_a, only_b)
    return Comparison(
        against=against,
        accuracy_gain=bootstrap(accuracy_gain, a_right, b_right, seed=seed),
        macro_f1_gain=bootstrap(macro_f1_gain, true, a, b, strata=true, seed=seed),
        average_precision_gain=ranked,
        only_this_right=only_a,
        only_other_right=only_b,
        mcnemar_p=p,
        significant=p < SIGNIFICANCE,
    )


def _average_precision_gain(weights: Floats, positive: npt.NDArray[np.bool_], a: Floats, b: Floats) -> Floats:
    return average_precision_of(weights, positive, a) - average_precision_of(weights, positive, b)


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the two-sided p that the rows where just one of two is right fall so unevenly by chance."""
    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0
