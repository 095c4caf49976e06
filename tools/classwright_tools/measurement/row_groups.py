"""Written rows by round, contrast and topic: whether a classifier does better with them or without."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.analysis import GroupEffect
from classwright_tools.domain.example import Example
from classwright_tools.domain.label_sets import key_in_words
from classwright_tools.learning.head import fit_head, fit_one_vs_rest
from classwright_tools.learning.label_space import sigmoid
from classwright_tools.learning.rows import label_numbers, label_sets
from classwright_tools.learning.several_labels.calibration import f1_thresholds
from classwright_tools.learning.side_by_side import side_by_side
from classwright_tools.measurement.held_out import Answers
from classwright_tools.statistics.exact_tests import SIGNIFICANCE, mcnemar

LEAST_ROWS = 6  # of a group: fewer move no answer
MOST_GROUPS = 40  # looked at, the largest: each takes a fit
MOST_ROWS = 5_000  # a fit takes seconds on more
CONTRASTS = "all contrasts"

Embed = Callable[[Sequence[str]], npt.NDArray[np.floating]]


def group_effects(
    train: Sequence[Example], real: Answers, embed: Embed, tell: Callable[[float], None]
) -> tuple[GroupEffect, ...]:
    """Return what the newest round and all contrasts do for the answers to the `real` rows, and each group that hurts.

    A logistic regression on frozen embeddings, which `embed` gives, is fitted with all training rows and without those
    of a group; where rows may have several labels it is one a label, and an answer is right where the whole set is. A
    group hurts if more answers are right without it than with it, by the exact McNemar test at 5% over all groups
    (Bonferroni). There is nothing to tell before a second round, or of more
    than `MOST_ROWS` rows. `tell` is told the share done, and may stop the work.
    """
    newest = max((row.provenance.round for row in train if row.provenance), default=0)
    if not newest or len(train) > MOST_ROWS:
        return ()
    vectors, asked = embed([row.content for row in train]), embed([row.content for row in real.rows])
    own = label_sets(train, real.labels) if real.several else label_numbers(train, real.labels)

    def right(places: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
        same: npt.NDArray[np.bool_] = _given(vectors[places], own[places], asked, len(real.labels)) == real.true
        return np.asarray(same.all(axis=1)) if real.several else same

    def labels_of(places: npt.NDArray[np.intp]) -> int:
        return int(own[places].any(axis=0).sum()) if real.several else len(np.unique(own[places]))

    every, groups = np.arange(len(train)), _groups(train, newest)
    rests = {name: np.setdiff1d(every, members) for name, members in groups.items()}
    rests = {name: rest for name, rest in rests.items() if labels_of(rest) == labels_of(every)}  # none loses all rows
    with_all, *without_each = side_by_side(right, [every, *rests.values()], tell)
    effects = []
    for name, without in zip(rests, without_each, strict=True):
        won, lost = int((with_all & ~without).sum()), int((without & ~with_all).sum())
        effects.append(
            GroupEffect(
                group=name,
                rows=len(groups[name]),
                won=won,
                lost=lost,
                hurts=lost > won and mcnemar(won, lost) < SIGNIFICANCE / len(groups),
            )
        )
    return tuple(effect for effect in effects if effect.hurts or effect.group in (f"round {newest}", CONTRASTS))


def _given(
    vectors: npt.NDArray[np.floating], own: npt.NDArray[Any], asked: npt.NDArray[np.floating], k: int
) -> npt.NDArray[Any]:
    """Return the labels (m,) of `asked` (m, d), or which of several apply (m, k), by a probe of `own` on `vectors`.

    Which apply is decided at the best expected F1.
    """
    given: npt.NDArray[Any]
    if own.ndim > 1:
        proba = sigmoid(fit_one_vs_rest(vectors, own).logits(asked))
        given = proba >= f1_thresholds(proba)
    else:
        given = fit_head(vectors, own, k).logits(asked).argmax(axis=1)
    return given


def contrasts_help(effects: Sequence[GroupEffect]) -> bool:
    """Return whether the contrasts that were written so far won more real rows than they lost, or none was written."""
    return all(effect.won > effect.lost for effect in effects if effect.group == CONTRASTS)


def _groups(train: Sequence[Example], newest: int) -> dict[str, list[int]]:
    """Return the places of the rows of the newest round, of contrasts, and of the largest groups, by name."""
    found: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(train):
        made = row.provenance
        if made is None:
            continue
        if made.round:
            found[f"round {made.round}"].append(place)
        if made.contrast:
            found[CONTRASTS].append(place)
            found[f"texts of {key_in_words(row.label_key or '')!r} like {made.contrast!r}"].append(place)
        elif made.cell and made.cell.topic:
            found[f"topic {made.cell.topic!r} of {key_in_words(row.label_key or '')!r}"].append(place)
    first = [name for name in (f"round {newest}", CONTRASTS) if name in found]
    others = sorted(found.keys() - first, key=lambda name: (-len(found[name]), name))[:MOST_GROUPS]
    return {name: found[name] for name in (*first, *others) if name in first or len(found[name]) >= LEAST_ROWS}
