"""One model against another where labels differ much in size: how well each finds the rarest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.comparison import Comparison
from classwright_tools.domain.figures import LEAST_ROWS
from classwright_tools.domain.gains import RareLabelGain, TestedGain
from classwright_tools.statistics.at_shares import own_shares, rare_label
from classwright_tools.statistics.exact_tests import SIGNIFICANCE, holm
from classwright_tools.statistics.intervals import bootstrap
from classwright_tools.statistics.metrics import Floats, Labels, accuracy_of, balanced_accuracy
from classwright_tools.statistics.paired import BothAnswers, compare, likeliest, paired_p
from classwright_tools.statistics.swapped_answers import gain_by_swaps, ranking_gain

_OF_RARE = ("recall_gain", "average_precision_gain", "balanced_accuracy_gain")


def compared_by_rows(
    true: Labels,
    own: npt.NDArray[np.floating],
    theirs: npt.NDArray[np.floating],
    labels: Sequence[str],
    against: str,
    mismatch: str | None,
    queries: Labels | None,
    *,
    seed: int,
    answers: BothAnswers | None = None,
) -> Comparison:
    """Return how the probabilities `own` of `labels` stand against `theirs` (n, k), where every row counts alike.

    The rows have one label each, `true` (n,). Of pairs the `mismatch` is the label that is looked for, if one is named;
    else the rarest is. The `answers` are as `compare` takes them.
    """
    if mismatch:
        return compare(true, own, theirs, against, seed, labels.index(mismatch), queries, answers=answers)
    shares = own_shares(true, len(labels))
    rare = rare_gain(true, own, theirs, shares, labels, queries, seed=seed, answers=answers)
    return with_rare(compare(true, own, theirs, against, seed, groups=queries, answers=answers), rare)


def rare_gain(
    true: Labels,
    proba_a: npt.NDArray[np.floating],
    proba_b: npt.NDArray[np.floating],
    shares: Sequence[float],
    names: Sequence[str],
    groups: Labels | None = None,
    *,
    seed: int = 0,
    answers: BothAnswers | None = None,
) -> RareLabelGain | None:
    """Return how much better a finds the label that is rare at the `shares` (k,) than b; both probabilities are (n, k).

    The rows' labels are `true` (n,), the `answers` as `compare` takes them. Intervals are the paired bootstrap's: a
    resample keeps each label's number of rows, or draws whole `groups` (n,). The recall is tested by the exact McNemar
    test on the label's rows, or its form for `groups`, the others by `swap_p`. None where no label is rare, or fewer
    than `LEAST_ROWS` rows have it.
    """
    rare = rare_label(shares)
    of_it = true == rare
    if rare is None or of_it.sum() < LEAST_ROWS:
        return None
    answers = answers or likeliest(proba_a, proba_b)
    a, b = (given == rare for given in answers)
    own = None if groups is None else groups[of_it]
    found = bootstrap(_recall_gain, of_it, a, b, strata=of_it, groups=groups, least=-1.0, seed=seed)
    p = paired_p(a[of_it], b[of_it], own)
    return RareLabelGain(
        label=names[rare],
        rows=int(of_it.sum()),
        recall_gain=TestedGain(**found.model_dump(), p=p, significant=p < SIGNIFICANCE),
        average_precision_gain=ranking_gain(of_it, proba_a[:, rare], proba_b[:, rare], groups, seed=seed),
        balanced_accuracy_gain=balanced_gain(true, answers, groups, seed=seed),
    )


def with_rare(found: Comparison, rare: RareLabelGain | None) -> Comparison:
    """Return `found` with the gains of the `rare` label, which with that in macro-F1 are tested beside the accuracy.

    All of these together err as often as one test at 5%: what is `significant` is so by Holm's procedure.
    """
    if rare is None:
        return found
    gains = (found.macro_f1_gain, *(getattr(rare, name) for name in _OF_RARE))
    beyond = holm([gain.p for gain in gains], SIGNIFICANCE)
    macro_f1, *own = (gain.model_copy(update={"significant": one}) for gain, one in zip(gains, beyond, strict=True))
    told = rare.model_copy(update=dict(zip(_OF_RARE, own, strict=True)))
    return found.model_copy(update={"macro_f1_gain": macro_f1, "rare": told})


def balanced_gain(true: Labels, answers: BothAnswers, groups: Labels | None = None, *, seed: int = 0) -> TestedGain:
    """Return how much higher the balanced accuracy of a is than that of b by their `answers`, as `rare_gain` does."""
    return gain_by_swaps(balanced_accuracy, true, *answers, strata=true, groups=groups, seed=seed)


def _recall_gain(
    weights: Floats, of_it: npt.NDArray[np.bool_], a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_]
) -> Floats:
    return accuracy_of(weights * of_it, a) - accuracy_of(weights * of_it, b)
