"""The gain of generated rows: a classifier with and without them on real rows held out group by group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from classwright_tools.augmentation.methods import Material, Recipe, generate
from classwright_tools.augmentation.pair_sphere import as_features
from classwright_tools.domain.augmentation import GenerationMethod, MeasuredGain
from classwright_tools.domain.excerpt import listed
from classwright_tools.domain.figures import Estimate
from classwright_tools.errors import NotEnoughData
from classwright_tools.learning.generated import Generated
from classwright_tools.learning.head import Head, fit_head
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.splits import grouped_folds

PENALTIES = (1.0, 10.0)  # scikit-learn's C; each side of a comparison gets the one that serves it best
FOLDS = 4
CONFIDENCE = 0.95
UNKNOWN_ERROR = 1.0  # of a gain of accuracy, which is at most 1: nothing is known of it
LEAST_DIFFERENCE = 1e-9  # between folds: less is rounding
Progress = Callable[[float, str], None]
Fold = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""The places of the rows trained on, and of those held out."""


@dataclass
class _Scores:
    """Accuracies by fold and penalty (f, c), and the two measures of generated rows alone (f,)."""

    accuracies: list[list[float]]
    tstr: list[float]
    trts: list[float]


def measure_gains(
    recipes: Sequence[Recipe], material: Material, seeds: int, *, balanced: bool = False, progress: Progress
) -> list[MeasuredGain]:
    """Return the gain of each recipe, over `seeds` repetitions of grouped cross-validation, no fold of it twice.

    In every fold the rows are generated anew from its training rows alone, so that nothing of a held-out row is in
    what is tested on it. All recipes and the classifier without generated rows see the same folds.

    Raises:
        NotEnoughData: no fold leaves two rows of every label to train on.
    """
    without: list[list[float]] = []
    scores = {recipe.method: _Scores([], [], []) for recipe in recipes}
    pairs = _different_folds(material, seeds)
    if not pairs:
        raise _no_fold(material)
    shares = []
    for number, (seed, (train_places, held_places)) in enumerate(pairs):
        kept, held = material.take(train_places), material.take(held_places)
        shares.append(len(held) / len(kept))
        plain = [fit(kept, None, c, balanced=balanced) for c in PENALTIES]
        held_rows = as_features(material.kind, held.embeddings)
        without.append([_accuracy(head, held_rows, held.labels) for head in plain])
        for recipe in recipes:
            progress(number / len(pairs), f"measuring {recipe.method}, fold {number + 1} of {len(pairs)}")
            made = generate(replace(recipe, seed=recipe.seed + seed), kept)
            own = scores[recipe.method]
            heads = [fit(kept, made, c, balanced=balanced) for c in PENALTIES]
            own.accuracies.append([_accuracy(head, held_rows, held.labels) for head in heads])
            if len(np.unique(made.labels)) > 1:
                made_rows = as_features(material.kind, made.embeddings)
                alone = fit_head(made_rows, made.labels, len(material.names), c=PENALTIES[0])
                own.tstr.append(_accuracy(alone, held_rows, held.labels))
                own.trts.append(_accuracy(plain[0], made_rows, made.labels))
    return [
        _gain(method, np.array(own.accuracies), np.array(without), own, float(np.mean(shares)))
        for method, own in scores.items()
    ]


def fit(material: Material, made: Generated | None, c: float, *, balanced: bool) -> Head:
    """Return the logistic regression on real rows and, with their weights, on those that were `made`."""
    rows, labels, weights = material.embeddings, material.labels, np.ones(len(material), np.float32)
    if made is not None and len(made):
        rows = np.concatenate([rows, made.embeddings])
        labels = np.concatenate([labels, made.labels])
        weights = np.concatenate([weights, made.weights])
    features = as_features(material.kind, rows)
    return fit_head(features, labels, len(material.names), c=c, balanced=balanced, row_weights=weights)


def _gain(
    method: GenerationMethod,
    accuracies: npt.NDArray[np.float64],
    without: npt.NDArray[np.float64],
    own: _Scores,
    held_share: float,
) -> MeasuredGain:
    """Return the gain of `accuracies` (f, c) over `without` (f, c), each with its best penalty.

    The folds of repeated cross-validation share rows. Their variance is corrected for it: (1/f + held out / trained
    on) s^2, with f - 1 degrees of freedom (Nadeau and Bengio 2003, "Inference for the generalization error"). One fold,
    or folds that all differ alike, cannot tell: then the error is `UNKNOWN_ERROR`, the interval everything, and p is 1.
    """
    from scipy import stats

    best, base = int(accuracies.mean(axis=0).argmax()), int(without.mean(axis=0).argmax())
    differences = accuracies[:, best] - without[:, base]
    n, mean = len(differences), float(differences.mean())
    if np.ptp(differences) > LEAST_DIFFERENCE:
        error = float(np.sqrt((1 / n + held_share) * differences.var(ddof=1)))
        reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * error
        gain = Estimate(value=mean, low=mean - reach, high=mean + reach)
        p = float(2 * stats.t.sf(abs(mean) / error, n - 1))
    else:
        error, gain, p = UNKNOWN_ERROR, Estimate(value=mean, low=-1.0, high=1.0), 1.0
    return MeasuredGain(
        method=method,
        gain=gain,
        standard_error=error,
        p=p,
        accuracy=float(accuracies[:, best].mean()),
        without=float(without[:, base].mean()),
        penalty=PENALTIES[best],
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
        f"resemble each other so much that no fold leaves two rows of every label to train on: {listed(alike, 10)}",
        "Add rows of other topics to these labels.",
    )
