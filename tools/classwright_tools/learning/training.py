"""One training: fit the methods asked for, choose between them, measure, and calibrate, without fooling oneself.

Three rules. A figure comes from rows that the fitted model was not trained on. Real validation rows are preferred;
where there are fewer than `ENOUGH_REAL` of them they are reported, but choosing and calibrating use training rows held
out group by group. Every method of `auto` is compared on the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.shares import TaskShares
from classwright_tools.learning.classifier import Classifier, assessed, logits_of, together
from classwright_tools.learning.fitting import fitted, metered_fit, with_scope
from classwright_tools.learning.held_out import HeldOut, held_out
from classwright_tools.learning.hold_out import hold_out
from classwright_tools.learning.methods.method import Method
from classwright_tools.learning.methods.registry import AUTO, METHODS, candidates
from classwright_tools.learning.penalty import with_penalty
from classwright_tools.learning.prior import known_shares
from classwright_tools.learning.progress import part, parts, rising
from classwright_tools.learning.rows import Rows, without_queries
from classwright_tools.learning.setup import Setup
from classwright_tools.learning.splits import Folds, grouped_folds, needed_folds, sampled_places
from classwright_tools.learning.time_limit import within
from classwright_tools.learning.trained import Fit, Trained, beside_best, best_fit, calibrated
from classwright_tools.learning.training_data import is_enough
from classwright_tools.statistics.grouped_folds import FOLDS

ENOUGH_MISMATCHES = 10  # pairs: with fewer, folds are left with none
FEW_FOLDS = 3  # of validation rows that are trained on, where a fit takes minutes
MOST_CROSSED = 5_000  # rows held out in turn, where real rows choose and calibrate: their figure stands beside
LEAST_CROSSED = 10  # of each label that has so many
_IN_GROUPS = "held out in groups"  # the last part of the progress, which takes long where a fit does


def train(method: str, rows: Rows, validation: Rows | None, setup: Setup, *, on_validation: bool = False) -> Trained:
    """Train by `method`, a name in the registry or "auto", and return the classifier with its figures.

    With `on_validation` the chosen method learns from the validation rows as well, at the end.

    Raises:
        NotEnoughData: there are too few real validation rows to choose and calibrate by, and no row can be held out, or
            for a matcher no mismatch; or validation rows are to be trained on, and there are too few real ones.
        OutOfTime: no method could be trained within the limit.
    """
    methods = _tried(rows, setup) if method == AUTO else [METHODS[method]]
    if setup.limit:
        setup.limit.begin(methods[0])
    deciding = validation if is_enough(validation, needed=on_validation) else None
    progress = rising(setup.progress)
    setup = replace(setup, progress=part(progress, 0, 1 / 3, "choosing") if on_validation else progress)
    setup = with_penalty(methods, rows, deciding, setup)
    if deciding is None:
        return _by_groups(methods, rows, validation, setup)
    chosen = _by_real_rows(methods, rows, deciding, setup)
    if not on_validation:
        return chosen
    return _on_all(chosen, rows, deciding, replace(setup, progress=part(progress, 1 / 3, 2 / 3, "final")))


def _tried(rows: Rows, setup: Setup) -> list[Method]:
    """Return the methods that `auto` tries: what learns from mismatches only where there are enough of them."""
    enough = int((rows.labels == setup.mismatch).sum()) >= ENOUGH_MISMATCHES
    found = candidates("pair" if setup.pairs else "text", setup.imbalance, layers=setup.encoder.has_layers)
    return [method for method in found if enough or not method.needs_mismatches]


def _by_real_rows(methods: Sequence[Method], rows: Rows, validation: Rows, setup: Setup) -> Trained:
    """Fit each method on all rows and choose by the real validation rows.

    Holding out groups as well doubles the time of a fine-tuning and tells less than real rows do: `grouped` is
    measured only where that costs seconds, and of more than `MOST_CROSSED` rows on a sample.
    """
    by_method = parts(setup.progress, (*(method.name for method in methods), _IN_GROUPS))

    def fit(method: Method) -> Fit:
        own = replace(setup, progress=by_method[method.name])
        classifier = metered_fit(method, rows, own)
        return Fit(method, classifier, _on_validation(classifier, validation, own))

    fits = within(setup.limit, methods, fit)
    shares, why_no_shares = _shares(fits[0], setup, validation=True)
    best = best_fit(fits, shares)
    sample = rows.take(sampled_places(rows.strata, MOST_CROSSED, LEAST_CROSSED, setup.seed))
    folds = grouped_folds(sample, setup.seed) if best.method.cross_validated else []
    trained = calibrated(best, beside_best(best, fits, shares), best.held, shares, validation=True)
    trained = replace(trained, why_no_shares=why_no_shares)
    if not folds:
        return trained
    own = replace(setup, progress=by_method[_IN_GROUPS])
    crossed = _held_out(best.method, sample, folds, own).held
    return replace(trained, grouped=crossed.figures_of(trained.probabilities(crossed.logits)))


def _on_all(chosen: Trained, rows: Rows, validation: Rows, setup: Setup) -> Trained:
    """Return the `chosen` method's classifier of all `rows` and validation rows.

    It is measured and calibrated by the validation rows, each answered by a classifier of the rows and of the other
    folds of the validation rows: figures of the last one would be of rows that it learnt from.

    Raises:
        NotEnoughData: no validation row can be held out of the others.
    """
    method, all_rows = METHODS[chosen.method], rows.beside(validation)
    folds = needed_folds(validation, setup.seed, FOLDS if method.cross_validated else FEW_FOLDS, rows)
    crossed = _held_out(
        method, validation, folds, replace(setup, progress=part(setup.progress, 0, 0.8, "held out")), rows
    )
    own = replace(setup, progress=part(setup.progress, 0.8, 0.2, f"{method.name}, all rows"))
    classifier = metered_fit(method, all_rows, own)
    shares = chosen.prior.shares if chosen.prior else None
    fit = replace(crossed, classifier=classifier)
    trained = calibrated(fit, chosen.tried, crossed.held, shares, validation=True)
    return replace(trained, grouped=chosen.grouped, why_no_shares=chosen.why_no_shares)


def _on_validation(classifier: Classifier, validation: Rows, setup: Setup) -> HeldOut:
    """Return what a classifier answers to the validation rows."""
    words = counted(len(validation), f"{validation.origin} validation row")
    return held_out(words, validation, *assessed(classifier, validation.texts, setup.k, setup.embedding), setup)


def _by_groups(methods: Sequence[Method], rows: Rows, validation: Rows | None, setup: Setup) -> Trained:
    """Choose and calibrate by training rows held out in groups, then fit the chosen method on all rows.

    A method is measured on one hold-out, or on five folds where that costs seconds; to choose, only the rows that all
    have count. An encoder that was tuned for a choice is kept, so that a choice costs one tuning.

    Raises:
        NotEnoughData: no row can be held out, or for a matcher no mismatch can.
    """
    folds = needed_folds(rows, setup.seed)
    methods, fold = hold_out(methods, rows, folds, setup)
    by_method = parts(setup.progress, (*(method.name for method in methods), "final", _IN_GROUPS))
    owns = {method.name: replace(setup, progress=by_method[method.name]) for method in methods}
    fits = within(setup.limit, methods, lambda method: _held_out(method, rows, fold, owns[method.name]))
    shares, why_no_shares = _shares(fits[0], setup)
    best = best_fit(fits, shares)
    own = replace(setup, progress=by_method["final"])
    classifier = (
        with_scope(fitted(best.method, best.method.refit(best.classifier, rows, own)), rows, own)
        if len(methods) > 1
        else metered_fit(best.method, rows, own)
    )
    tried, grouped = beside_best(best, fits, shares), best.held
    if best.method.cross_validated:
        crossed = _held_out(best.method, rows, folds, replace(setup, progress=by_method[_IN_GROUPS]))
        grouped = crossed.held
        if shares is None:  # the fold that methods are compared on has fewer rows of each label
            shares, why_no_shares = _shares(crossed, setup)
    checked = None if validation is None else _on_validation(classifier, validation, own)
    trained = calibrated(replace(best, classifier=classifier), tried, grouped, shares, checked)
    trained = replace(trained, why_no_shares=why_no_shares)
    if checked is None:
        return trained
    proba = trained.probabilities(checked.logits)
    at_shares = trained.at_shares if shares else checked.at_shares(proba, None)
    return replace(
        trained,
        validation=checked.figures_of(proba),
        classes=checked.classes_of(proba),
        grouped=trained.validation,
        at_shares=at_shares,
    )


def _shares(fit: Fit, setup: Setup, *, validation: bool = False) -> tuple[TaskShares | None, str]:
    """Return what `known_shares` does, told by `fit`: the cheapest method, of which one estimate serves them all."""
    shares, why_not = known_shares(
        fit.held, lambda: logits_of(fit.classifier, setup.unlabelled, setup.k, setup.embedding), validation=validation
    )
    counts_alike = setup.imbalance != "none"
    return shares, " ".join(filter(None, ("" if counts_alike else setup.unknown, why_not)))


def _held_out(method: Method, rows: Rows, folds: Folds, setup: Setup, beside: Rows | None = None) -> Fit:
    """Return the answers to each fold's held-out rows by a classifier of its other rows; the last one is with them.

    All are trained on the rows `beside`, too. A pair task's unlabelled pairs with held-out queries are not trained on.
    """
    answers = []
    for number, (train_places, held_places) in enumerate(folds):
        told = f"{method.name}, part {number + 1} of {len(folds)}"
        progress = part(setup.progress, number / len(folds), 1 / len(folds), told)
        held_rows = rows.take(held_places)
        pairs = setup.pairs
        if pairs:
            pairs = replace(pairs, unlabelled=without_queries(pairs.unlabelled, held_rows.texts))
        own = replace(setup, progress=progress, pairs=pairs)
        own.progress(0, "fitting")
        kept = rows.take(train_places)
        classifier = metered_fit(method, beside.beside(kept) if beside else kept, own)
        answers.append(assessed(classifier, held_rows.texts, own.k, own.embedding))
    held = rows.take(np.concatenate([held for _, held in folds]))
    times = "once" if len(folds) == 1 else f"in {len(folds)} turns (folds)"
    kind = "validation" if beside else "training"
    words = f"{held.in_words(kind)} that were held out {times}, with all rows that resemble them"
    return Fit(method, classifier, held_out(words, held, *together(answers), setup))
