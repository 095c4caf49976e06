"""Training where rows have several labels: fit, calibrate each label, choose its threshold, and say how good it is.

Labels are calibrated, and their thresholds chosen, by rows that the fitted model was not trained on, and figures are of
rows that neither the model nor these were fitted on. Where training rows are real they are answered out of fold for
that, since there are more of them; the written ones have other shares of labels than real texts, so that real
validation rows are better where there are enough.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from classwright_tools.domain.cards import Validation
from classwright_tools.domain.example import Origin
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.figures import Scores
from classwright_tools.learning.calibration import sureness_of
from classwright_tools.learning.classifier import EmbeddingClassifier, assessed, together
from classwright_tools.learning.fitting import metered_fit
from classwright_tools.learning.label_space import certainty
from classwright_tools.learning.methods.method import Method
from classwright_tools.learning.methods.registry import AUTO, METHODS, candidates
from classwright_tools.learning.penalty import with_penalty
from classwright_tools.learning.progress import part, rising
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.scope import out_of_scope, scope_by
from classwright_tools.learning.setup import Setup
from classwright_tools.learning.several_labels.calibration import f1_thresholds, fit_scaling, sure_labels_of
from classwright_tools.learning.splits import grouped_folds, needed_folds
from classwright_tools.learning.time_limit import within
from classwright_tools.learning.trained import Trained
from classwright_tools.learning.training import FEW_FOLDS
from classwright_tools.learning.training_data import is_enough
from classwright_tools.statistics.grouped_folds import FOLDS
from classwright_tools.statistics.multi_label import class_figures, compute_figures

MANY_ROWS = 5_000  # of training rows, answered in fewer folds


@dataclass(frozen=True)
class _Answered:
    """Rows that the model that answers was not trained on, what it answers to them, and in words which they are."""

    rows: Rows
    logits: np.ndarray
    likeness: np.ndarray | None
    words: str

    @property
    def data(self) -> Origin:
        """Whose rows these are."""
        return self.rows.origin


def train_several(
    method: str, rows: Rows, validation: Rows | None, setup: Setup, *, on_validation: bool = False
) -> Trained:
    """Train by `method`, a name in the registry or "auto", which is the quickest, and return it with its figures.

    With `on_validation` it learns from the validation rows as well.

    Raises:
        NotEnoughData: no training row can be held out and there are too few real validation rows to calibrate by, or
            these are to be trained on.
        OutOfTime: the method could not be trained within the limit.
    """
    enough = is_enough(validation, needed=on_validation)
    chosen = METHODS[method] if method != AUTO else candidates("text", setup.imbalance, multi_label=True)[0]
    if setup.limit:
        setup.limit.begin(chosen)
    progress = rising(setup.progress)
    setup = with_penalty([chosen], rows, validation, replace(setup, progress=progress))
    own = replace(setup, progress=part(progress, 0.6, 0.4, f"{chosen.name}, all rows"))
    learnt = rows.beside(validation) if validation and on_validation else rows
    [classifier] = within(setup.limit, [chosen], lambda one: metered_fit(one, learnt, own))
    assert isinstance(classifier, EmbeddingClassifier)
    held_out = replace(setup, progress=part(progress, 0, 0.6, f"{chosen.name}, held out"))
    checked = _checked(chosen, classifier, rows, validation, held_out, on_validation=on_validation)
    by_validation = enough and rows.origin == "written"
    crossed = checked if checked and by_validation else _out_of_fold(chosen, rows, held_out)
    scaling = fit_scaling(crossed.logits, crossed.rows.labels)
    thresholds = f1_thresholds(scaling.probabilities(crossed.logits))
    proba, decided = _cross_fitted(crossed, setup.seed)
    grouped = _figures(crossed, decided, proba, setup)
    figures, measured = None, (crossed, decided)
    if checked and checked is not crossed:
        proba_checked = scaling.probabilities(checked.logits)
        measured = (checked, proba_checked >= thresholds)
        figures = _figures(*measured, proba_checked, setup)
    scope = scope_by(validation=checked, training=None if crossed is checked else crossed)
    known = ~out_of_scope(crossed.likeness, scope, len(proba))
    certain = certainty(proba, decided) * known
    return Trained(
        method=chosen.name,
        classifier=replace(classifier, head=scaling.scaled(classifier.head)),
        validation=figures or grouped,
        classes=class_figures(measured[0].rows.labels, measured[1], setup.labels),
        grouped=grouped if figures else None,
        tried=(),
        temperature=1.0,
        sureness=sureness_of(certain, (decided == crossed.rows.labels).all(axis=1)),
        sure_labels=sure_labels_of(proba, decided & known[:, None], crossed.rows.labels),
        sure_on=crossed.rows.origin,
        set_by=crossed.words,
        is_set_by_validation=crossed is checked,
        prior=None,
        at_shares=None,
        why_no_shares="",
        scope=scope,
        thresholds=tuple(thresholds.tolist()),
    )


def _checked(
    method: Method,
    classifier: EmbeddingClassifier,
    rows: Rows,
    validation: Rows | None,
    setup: Setup,
    *,
    on_validation: bool,
) -> _Answered | None:
    """Return the answers to the validation rows, if there are any.

    Where the `classifier` learnt from them each is answered by a model of the `rows` and of the other folds of them.
    """
    if validation is None:
        return None
    words = counted(len(validation), f"{validation.origin} validation row")
    if not on_validation:
        return _Answered(validation, *assessed(classifier, validation.texts, setup.k, setup.embedding), words)
    return _out_of_fold(method, validation, setup, beside=rows)


def _out_of_fold(method: Method, rows: Rows, setup: Setup, beside: Rows | None = None) -> _Answered:
    """Return answers to all `rows`, each by a model that was trained on the other folds of them, and on those `beside`.

    Raises:
        NotEnoughData: no row can be held out.
    """
    few = not method.cross_validated or len(rows) > MANY_ROWS
    folds = needed_folds(rows, setup.seed, FEW_FOLDS if few else FOLDS)
    answers = []
    for number, (train, held) in enumerate(folds):
        told = f"part {number + 1} of {len(folds)}"
        own = replace(setup, progress=part(setup.progress, number / len(folds), 1 / len(folds), told))
        own.progress(0, "fitting")
        kept = rows.take(train)
        classifier = metered_fit(method, beside.beside(kept) if beside else kept, own)
        answers.append(assessed(classifier, rows.take(held).texts, own.k, own.embedding))
    answered = rows.take(np.concatenate([held for _, held in folds]))
    kind = "validation" if beside else "training"
    turns = f"in {len(folds)} turns (folds)"
    words = f"{answered.in_words(kind)} that were held out {turns}, with all rows that resemble them"
    return _Answered(answered, *together(answers), words)


def _cross_fitted(answered: _Answered, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the calibrated probabilities of rows and what is decided by them (n, k), fitted on other folds of them.

    Rows that are in no fold, since they cannot be parted from others, are calibrated by all.
    """
    true = answered.rows.labels
    every = np.arange(len(true))
    folds = [(every, every), *grouped_folds(answered.rows, seed)]  # what is in a fold is answered anew
    proba = np.zeros(true.shape)
    decided = np.zeros(true.shape, bool)
    for fitted, held in folds:
        scaling = fit_scaling(answered.logits[fitted], true[fitted])
        proba[held] = scaling.probabilities(answered.logits[held])
        decided[held] = proba[held] >= f1_thresholds(scaling.probabilities(answered.logits[fitted]))
    return proba, decided


def _figures(answered: _Answered, decided: np.ndarray, proba: np.ndarray, setup: Setup) -> Validation:
    figures = compute_figures(answered.rows.labels, decided, proba, setup.labels, seed=setup.seed)
    scores = {name: getattr(figures, name) for name in Scores.model_fields}
    return Validation(data=answered.rows.origin, measured_on=answered.words, **scores)
