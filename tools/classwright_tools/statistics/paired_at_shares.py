"""One model against another at the label shares of where they are used: each label's rows count for its share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.comparison import Comparison
from classwright_tools.statistics.at_shares import gain_at_shares, row_weights
from classwright_tools.statistics.exact_tests import SIGNIFICANCE
from classwright_tools.statistics.metrics import Floats, Labels, macro_f1
from classwright_tools.statistics.swapped_answers import gain_by_swaps

FLIPS = 9_999
_BLOCK = 500  # draws of signs held at once


def compare_at_shares(
    true: Labels,
    proba_a: npt.NDArray[np.floating],
    proba_b: npt.NDArray[np.floating],
    against: str,
    shares: Sequence[float],
    groups: Labels | None = None,
    *,
    seed: int = 0,
) -> Comparison | None:
    """Return how much better a is than b at the `shares` (k,), on rows whose labels are `true` (n,).

    Both probabilities (n, k) are those that the two decide by. The gains are those of accuracy and macro-F1 if every
    label had its share of the rows; a resample keeps each label's number of rows, or draws whole `groups` (n,). The
    accuracy is tested by `weighted_p`, macro-F1 by `swap_p`. None where a label that has a share has no row.
    """
    counts = np.bincount(true, minlength=len(shares))
    if np.any((counts == 0) & (np.asarray(shares) > 0)):
        return None
    a, b = proba_a.argmax(axis=1), proba_b.argmax(axis=1)
    a_right, b_right = a == true, b == true
    weight = row_weights(true, shares)
    f1 = macro_f1(true, proba_a.shape[1])

    def macro_f1_there(weights: Floats, true: Labels, given: Labels) -> Floats:
        return f1(weights * weight[true], true, given)

    p = weighted_p(true, a_right, b_right, shares, groups, seed=seed)
    return Comparison(
        against=against,
        accuracy_gain=gain_at_shares(true, a_right, b_right, shares, groups, seed=seed),
        macro_f1_gain=gain_by_swaps(macro_f1_there, true, a, b, strata=true, groups=groups, seed=seed),
        only_this_right=int((a_right & ~b_right).sum()),
        only_other_right=int((b_right & ~a_right).sum()),
        p=p,
        test="sign-flip test at the label shares",
        shares_of="both",
        significant=p < SIGNIFICANCE,
    )


def weighted_p(
    true: Labels,
    a_right: npt.NDArray[np.bool_],
    b_right: npt.NDArray[np.bool_],
    shares: Sequence[float],
    groups: Labels | None = None,
    *,
    seed: int = 0,
) -> float:
    """Return the two-sided p that a is right so much more or less often than b, each label counting for its share.

    The rows have the labels `true` (n,). The test gives each row's difference, or the sum of each of the `groups` (n,),
    either sign at random (Good 2005, "Permutation, parametric and bootstrap tests of hypotheses", section 3.2).
    """
    differences: Floats = row_weights(true, shares)[true] * (a_right.astype(float) - b_right)
    if groups is not None:
        differences = np.bincount(groups, differences).astype(float)
    return sign_flips(differences, seed=seed)


def sign_flips(differences: Floats, *, seed: int = 0) -> float:
    """Return the two-sided p of the sum of `differences` (n,) if each had either sign, of `FLIPS` random draws.

    The order of the differences does not matter.
    """
    found = np.sort(np.abs(differences[differences != 0]))
    reached = abs(differences.sum()) * (1 - 1e-9)  # sums that are equal but for their rounding count
    generator = np.random.default_rng(seed)
    as_far = 0
    for start in range(0, FLIPS, _BLOCK):
        signs = generator.integers(0, 2, (min(_BLOCK, FLIPS - start), len(found))) * 2 - 1
        as_far += int((np.abs(signs @ found) >= reached).sum())
    return (1 + as_far) / (1 + FLIPS)
