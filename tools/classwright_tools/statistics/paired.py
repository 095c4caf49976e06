"""One model against another on the same rows: paired bootstrap, McNemar's test, and tests by swapped answers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.comparison import Comparison
from classwright_tools.domain.figures import Estimate
from classwright_tools.statistics.exact_tests import SIGNIFICANCE, mcnemar
from classwright_tools.statistics.intervals import bootstrap
from classwright_tools.statistics.metrics import Floats, Labels, accuracy_of, macro_f1
from classwright_tools.statistics.swapped_answers import gain_by_swaps, ranking_gain

BothAnswers = tuple[Labels, Labels]
"""The answers (n,) of two to the same rows."""


def compare(
    true: Labels,
    proba_a: npt.NDArray[np.floating],
    proba_b: npt.NDArray[np.floating],
    against: str,
    seed: int = 0,
    mismatch: int | None = None,
    groups: Labels | None = None,
    *,
    answers: BothAnswers | None = None,
) -> Comparison:
    """Return how much better a is than b on rows whose labels are `true` (n,); both probabilities are (n, k).

    The `answers` of both are by default the likeliest labels; they do not move how rows are ranked.
    `mismatch` is the number of a pair task's label of that name.
    A resample draws rows, and with a row both models' answers, so what makes a row hard for both cancels out.
    `significant` is the exact McNemar test's verdict at 5%: a two-sided binomial test on the rows where just one of
    the two is right (McNemar 1947, in the exact form that small counts need). The other gains are tested by `swap_p`.

    With `groups` (n,), the queries of a pair task, resamples draw and swaps swap whole groups, and McNemar's test is
    its form for them, see `sign_flip`: rows that are won and lost together are no independent trials.
    """
    a, b = answers or likeliest(proba_a, proba_b)
    a_right, b_right = a == true, b == true
    positive = true == mismatch
    ranked = None
    if positive.any():
        ranked = ranking_gain(positive, proba_a[:, mismatch], proba_b[:, mismatch], groups, seed=seed)
    f1 = macro_f1(true, proba_a.shape[1])
    p = paired_p(a_right, b_right, groups)
    return Comparison(
        against=against,
        accuracy_gain=gain_in_accuracy(a_right, b_right, groups, seed=seed),
        macro_f1_gain=gain_by_swaps(f1, true, a, b, strata=true, groups=groups, seed=seed),
        average_precision_gain=ranked,
        only_this_right=int((a_right & ~b_right).sum()),
        only_other_right=int((b_right & ~a_right).sum()),
        p=p,
        test="exact McNemar test" if groups is None else "sign-flip test over queries",
        significant=p < SIGNIFICANCE,
    )


def likeliest(proba_a: npt.NDArray[np.floating], proba_b: npt.NDArray[np.floating]) -> BothAnswers:
    """Return the likeliest labels (n,) at the probabilities (n, k) of each of two."""
    return proba_a.argmax(axis=1), proba_b.argmax(axis=1)


def gain_in_accuracy(
    a_right: npt.NDArray[np.bool_], b_right: npt.NDArray[np.bool_], groups: Labels | None = None, *, seed: int = 0
) -> Estimate:
    """Return by how much the share of the rows (n,) that a has right is above that of b; `paired_p` tests it."""

    def gain(weights: Floats, a_right: npt.NDArray[np.bool_], b_right: npt.NDArray[np.bool_]) -> Floats:
        return accuracy_of(weights, a_right) - accuracy_of(weights, b_right)

    return bootstrap(gain, a_right, b_right, groups=groups, least=-1.0, seed=seed)


def paired_p(a_right: npt.NDArray[np.bool_], b_right: npt.NDArray[np.bool_], groups: Labels | None) -> float:
    """Return the two-sided p that one of two is right on more of the rows (n,) by chance.

    By the exact McNemar test, or with `groups` (n,), the queries of pairs, by its form for them.
    """
    if groups is not None:
        return sign_flip(a_right.astype(int) - b_right, groups)
    return mcnemar(int((a_right & ~b_right).sum()), int((b_right & ~a_right).sum()))


def sign_flip(differences: npt.NDArray[np.integer], groups: Labels) -> float:
    """Return the two-sided p of the sum of whole-number `differences` (n,) if each of `groups` (n,) had either sign.

    The permutation test by cluster (Good 2005, "Permutation, parametric and bootstrap tests of hypotheses", section
    3.2, for a matched pair of sums a cluster), over all 2^g signs of the groups' sums. With one row a group it is the
    exact McNemar test.
    """
    sums = np.zeros(int(groups.max()) + 1, np.int64)
    np.add.at(sums, groups, differences)
    sizes = np.abs(sums[sums != 0])
    chances = np.ones(1)  # of each total of the groups whose sign is plus: 0, 1, ...
    for size in sizes:
        chances = (np.pad(chances, (0, size)) + np.pad(chances, (size, 0))) / 2
    reached = np.abs(2 * np.arange(len(chances)) - sizes.sum())
    return float(min(1.0, chances[reached >= abs(sums.sum())].sum()))
