"""The gate "other label more likely": written texts that all the other texts say belong to another label.

After confident learning (Northcutt, Jiang and Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset
Labels"): probabilities come from a classifier that never saw the text, nor any text of its group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classwright_tools.curation.gates import Refused
from classwright_tools.domain.noun import LabelName
from classwright_tools.statistics.grouped_folds import FOLDS, fold_of_each

# That with which the two limits below were measured: the strength of a probe may change without them.
INVERSE_REGULARISATION = 10.0
# A text is refused if its own label has less than the first and another more than the second. Chosen to be wrong on
# less than one good row of a hundred; measured in docs/decisions/label-check.md.
OWN_AT_MOST = 0.02
OTHER_AT_LEAST = 0.5
# Where the embeddings tell the labels apart less often than this, they cannot overrule a writer: the gate stays open.
ACCURACY_NEEDED = 0.75


@dataclass(frozen=True)
class UnlikelyLabel:
    """Row `row` has a label of out-of-fold probability `probability`; `other` has `other_probability`."""

    row: int
    probability: float
    other: LabelName
    other_probability: float

    def refused(self) -> Refused:
        """Return the refusal of the row's text."""
        return Refused(
            "other label more likely",
            f"{self.other!r} has a probability of {self.other_probability:.2f}, its own label {self.probability:.2f}",
            "Write a text that fits its label's description and no other label's.",
        )


def unlikely_labels(
    embeddings: NDArray[np.float32],
    labels: Sequence[LabelName],
    contrasts: Sequence[LabelName | None],
    groups: Sequence[str],
    *,
    seed: int = 0,
) -> list[UnlikelyLabel]:
    """Return the rows whose label is very unlikely while another, which is not the row's contrast, is likely.

    `embeddings` are (n, d), of unit length; `labels`, `contrasts` (the label that a text was written to resemble, or
    None) and `groups` (what must stay on one side of a split) have n entries. Nothing is returned where that cannot
    be judged: labels with rows in fewer than FOLDS groups, or labels that the embeddings do not tell apart.
    """
    names = sorted(set(labels))
    number = {name: place for place, name in enumerate(names)}
    own = np.array([number[name] for name in labels])
    groups_of = [len({group for group, label in zip(groups, labels, strict=True) if label == name}) for name in names]
    if len(names) < 2 or min(groups_of) < FOLDS:
        return []
    proba = _out_of_fold(embeddings, own, groups, seed)
    if (proba.argmax(axis=1) == own).mean() < ACCURACY_NEEDED:
        return []
    rows = np.arange(len(own))
    own_proba = proba[rows, own]
    proba[rows, own] = 0.0
    for row, contrast in enumerate(contrasts):
        if contrast in number:
            proba[row, number[contrast]] = 0.0
    other, other_proba = proba.argmax(axis=1), proba.max(axis=1)
    unlikely = np.flatnonzero((own_proba < OWN_AT_MOST) & (other_proba > OTHER_AT_LEAST))
    return [
        UnlikelyLabel(int(row), float(own_proba[row]), names[other[row]], float(other_proba[row])) for row in unlikely
    ]


def _out_of_fold(
    embeddings: NDArray[np.float32], labels: NDArray[np.int64], groups: Sequence[str], seed: int
) -> NDArray[np.float64]:
    """Return the (n, k) probabilities that a logistic regression gives each row without having seen its group."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    proba = np.zeros((len(labels), int(labels.max()) + 1))
    fold = fold_of_each(labels, np.asarray(groups), FOLDS, seed)
    with threadpool_limits(1):  # matrices this small make threads wait for one another: ten times slower on a busy host
        for number in range(FOLDS):
            train, held_out = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            model = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=1_000).fit(embeddings[train], labels[train])
            proba[np.ix_(held_out, model.classes_)] = model.predict_proba(embeddings[held_out])
    return proba
