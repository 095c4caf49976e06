"""The gain of generated rows: a classifier with and without them on real rows held out group by group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from classwright_tools.augmentation.elsewhere import LEAST_GAIN, prior_of
from classwright_tools.augmentation.methods import Material, Recipe, generate
from classwright_tools.augmentation.pair_sphere import as_features
from classwright_tools.domain.augmentation import MeasuredGain
from classwright_tools.domain.excerpt import listed
from classwright_tools.errors import NotEnoughData
from classwright_tools.learning.generated import Generated
from classwright_tools.learning.head import Head, fit_head
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.splits import grouped_folds
from classwright_tools.statistics.advising import advise, posterior
from classwright_tools.statistics.at_shares import own_shares, rare_label
from classwright_tools.statistics.resampled import (
    Floats,
    margins,
    paired_difference,
    pooled,
    resampled_difference,
    smoothed,
)

PENALTIES = (1.0, 10.0)  # scikit-learn's C; each side of a comparison gets the one that serves it best
FOLDS = 4
Progress = Callable[[float, str], None]
Fold = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""The places of the rows trained on, and of those held out."""


@dataclass(frozen=True)
class _Answers:
    """The margins of each split's held-out rows, by the classifier's penalty; whether labels count `alike` in them."""

    alike: bool
    margins: dict[float, list[Floats]] = field(default_factory=lambda: {c: [] for c in PENALTIES})
    labels: list[npt.NDArray[np.int64]] = field(default_factory=list)

    def add(self, heads: dict[float, Head], held: Material) -> None:
        """Add what the classifiers answer to the held-out rows."""
        rows = as_features(held.kind, held.embeddings)
        self.labels.append(held.labels)
        for c, head in heads.items():
            self.margins[c].append(margins(head.logits(rows), held.labels))

    def accuracy(self, c: float) -> float:
        """Return the mean of the splits' accuracies."""
        return float(np.mean([(own > 0).mean() for own in self.margins[c]]))

    def balanced_accuracy(self, c: float) -> float:
        """Return the mean over the splits' labels of the share of their rows that are right."""
        splits = zip(self.margins[c], self.labels, strict=True)
        return float(np.mean([(own[labels == one] > 0).mean() for own, labels in splits for one in np.unique(labels)]))

    @property
    def best(self) -> float:
        """The penalty that serves best, the stronger of equals."""
        return max(PENALTIES, key=self.balanced_accuracy if self.alike else self.accuracy)

    def smoothed(self, c: float) -> list[Floats]:
        """Return how right each row is, split by split, times what it counts for: 1 in the mean."""
        splits = zip(smoothed(self.margins[c]), self.labels, strict=True)
        return [own * self._weights(labels) for own, labels in splits]

    def _weights(self, labels: npt.NDArray[np.int64]) -> Floats:
        if not self.alike:
            return np.ones(len(labels))
        counts = np.bincount(labels)
        return np.asarray(len(labels) / np.count_nonzero(counts) / counts[labels])


@dataclass(frozen=True)
class _Scores:
    """The answers in the folds and to rows apart, and the two measures of generated rows alone, one a fold."""

    folds: _Answers
    apart: _Answers
    tstr: list[float] = field(default_factory=list)
    trts: list[float] = field(default_factory=list)


def measure_gains(
    recipes: Sequence[Recipe],
    material: Material,
    seeds: int,
    *,
    checked: Material | None = None,
    progress: Progress,
) -> list[MeasuredGain]:
    """Return the gain of each recipe, over `seeds` repetitions of grouped cross-validation, no fold of it twice.

    In every fold the rows are generated anew from its training rows alone, so that nothing of a held-out row is in
    what is tested on it. All recipes and the classifier without generated rows see the same folds. Real rows that are
    `checked` beside them, those of the validation split, are evidence too. Where a label is rare labels count alike, in
    the choice of a penalty and in the gain.

    Raises:
        NotEnoughData: no fold leaves two rows of every label to train on.
    """
    pairs = _different_folds(material, seeds)
    if not pairs:
        raise _no_fold(material)
    alike = rare_label(own_shares(material.labels, len(material.names))) is not None
    without = _Scores(_Answers(alike), _Answers(alike))
    scores = {recipe.method: _Scores(_Answers(alike), _Answers(alike)) for recipe in recipes}
    for number, (seed, (train_places, held_places)) in enumerate(pairs):
        kept, held = material.take(train_places), material.take(held_places)
        plain = {c: fit(kept, None, c) for c in PENALTIES}
        without.folds.add(plain, held)
        for recipe in recipes:
            progress(number / len(pairs), f"measuring {recipe.method}, part {number + 1} of {len(pairs)}")
            made = generate(replace(recipe, seed=recipe.seed + seed), kept)
            own = scores[recipe.method]
            own.folds.add({c: fit(kept, made, c) for c in PENALTIES}, held)
            if len(np.unique(made.labels)) > 1:
                made_rows = as_features(material.kind, made.embeddings)
                alone = fit_head(made_rows, made.labels, len(material.names), c=PENALTIES[0])
                own.tstr.append(_accuracy(alone, as_features(held.kind, held.embeddings), held.labels))
                own.trts.append(_accuracy(plain[PENALTIES[0]], made_rows, made.labels))
    if checked:
        without.apart.add({c: fit(material, None, c) for c in PENALTIES}, checked)
        for recipe in recipes:
            made = generate(recipe, material)
            scores[recipe.method].apart.add({c: fit(material, made, c) for c in PENALTIES}, checked)
    held_share = float(np.mean([len(held) / len(kept) for _, (kept, held) in pairs]))
    return [_gain(recipe, scores[recipe.method], without, material, checked, held_share) for recipe in recipes]


def fit(material: Material, made: Generated | None, c: float) -> Head:
    """Return the logistic regression on real rows and, with their weights, on those that were `made`."""
    rows, labels, weights = material.embeddings, material.labels, np.ones(len(material), np.float32)
    if made is not None and len(made):
        rows = np.concatenate([rows, made.embeddings])
        labels = np.concatenate([labels, made.labels])
        weights = np.concatenate([weights, made.weights])
    features = as_features(material.kind, rows)
    return fit_head(features, labels, len(material.names), c=c, row_weights=weights)


def _gain(
    recipe: Recipe, own: _Scores, without: _Scores, material: Material, checked: Material | None, held_share: float
) -> MeasuredGain:
    """Return the gain over the classifier `without` generated rows, each with its best penalty, and what it advises."""
    best, base = own.folds.best, without.folds.best
    folds = zip(own.folds.smoothed(best), without.folds.smoothed(base), strict=True)
    found = resampled_difference(np.array([(ours - theirs).mean() for ours, theirs in folds]), held_share)
    rows = len(material)
    if checked:
        differences = own.apart.smoothed(best)[0] - without.apart.smoothed(base)[0]
        apart = paired_difference(differences, checked.groups)
        if apart:
            found, rows = pooled(found, apart), rows + len(checked)
    likely = posterior(found, prior_of(recipe, material))
    return MeasuredGain(
        method=recipe.method,
        judged_by="balanced accuracy" if own.folds.alike else "accuracy",
        gain=found.estimate,
        expected=likely.value,
        advice=advise(found, likely, rows, LEAST_GAIN),
        accuracy=own.folds.accuracy(best),
        without=without.folds.accuracy(base),
        balanced_accuracy=own.folds.balanced_accuracy(best),
        balanced_without=without.folds.balanced_accuracy(base),
        penalty=best,
        penalty_without=base,
        train_on_generated=float(np.mean(own.tstr)) if own.tstr else 0.0,
        test_on_generated=float(np.mean(own.trts)) if own.trts else 0.0,
    )


def _accuracy(head: Head, embeddings: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> float:
    return float((head.logits(embeddings).argmax(axis=1) == labels).mean())


def _different_folds(material: Material, seeds: int) -> list[tuple[int, Fold]]:
    """Return the folds of `seeds` repetitions, each with its seed; where groups are few, repetitions are the same."""
    folds: dict[tuple[bytes, bytes], tuple[int, Fold]] = {}
    for seed in range(seeds):
        for kept, held in _folds(material, seed):
            folds.setdefault((kept.tobytes(), held.tobytes()), (seed, (kept, held)))
    return list(folds.values())


def _folds(material: Material, seed: int) -> list[Fold]:
    """Return the pairs of places (trained on, held out) of one repetition; each training part has every label twice."""
    rows = Rows(texts=("",) * len(material), labels=material.labels, groups=material.groups, origin="real")
    k = len(material.names)
    return [
        (kept, held)
        for kept, held in grouped_folds(rows, seed, FOLDS)
        if np.bincount(material.labels[kept], minlength=k).min() > 1
    ]


def _no_fold(material: Material) -> NotEnoughData:
    """Return the error for rows without a fold; it names the labels that have least beside their largest group."""
    groups = [material.groups[material.labels == label] for label in range(len(material.names))]
    others = [len(own) - int(np.unique(own, return_counts=True)[1].max()) for own in groups]
    alike = [repr(name) for name, n in zip(material.names, others, strict=True) if n <= max(1, min(others))]
    return NotEnoughData(
        f"the training rows of {len(alike)} of {len(groups)} labels",
        f"resemble each other so much that no part can be held out and leave two rows of every label to train on: "
        f"{listed(alike, 10)}",
        "Add rows of other topics to these labels.",
    )
