"""One training: fit the methods asked for, choose between them, measure, and calibrate, without fooling oneself.

Three rules. A figure comes from rows that the fitted model was not trained on. Real validation rows are preferred;
where there are fewer than `ENOUGH_REAL` of them they are reported, but choosing and calibrating use training rows held
out group by group. Every method of `auto` is compared on the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from classwright_tools.domain.cards import Candidate, Validation
from classwright_tools.domain.example import Origin
from classwright_tools.errors import NotEnoughData
from classwright_tools.learning.calibration import abstaining_threshold, fit_temperature, softmax
from classwright_tools.learning.contrastive import fit_contrastive, with_head
from classwright_tools.learning.figures import validation_of
from classwright_tools.learning.imbalance.balanced_heads import adjusted
from classwright_tools.learning.imbalance.cluster import fit_cluster
from classwright_tools.learning.matching.fit import LEAST_ROWS
from classwright_tools.learning.method import Fit, Fitted, FittedModel, Progress, Setup
from classwright_tools.learning.pair_matching import fit_pair_matcher
from classwright_tools.learning.probe import fit_probe
from classwright_tools.learning.rows import Rows, query_numbers, without_queries
from classwright_tools.learning.setfit_library import fit_setfit
from classwright_tools.learning.splits import Folds, grouped_folds, needed_folds

METHODS: Mapping[str, Fit] = {
    "probe": fit_probe,
    "contrastive": fit_contrastive,
    "setfit": fit_setfit,
    "cluster": fit_cluster,
    "matcher": fit_pair_matcher,
}
# The cheaper one first: it wins a tie.
AUTO = ("probe", "contrastive")
AUTO_FOR_PAIRS = ("probe", "matcher")
ENOUGH_MISMATCHES = 10  # pairs: with fewer, folds are left with none
ENOUGH_REAL = 50  # real rows: with fewer, a difference of ten points between two methods is chance


@dataclass(frozen=True)
class HeldOut:
    """Rows that a model was not trained on: their label numbers (n,), and the logits (n, k) that it gave them.

    `measured_on` says in words which rows they are. `queries` (n,) are numbers of the pairs' queries, None for single
    texts.
    """

    data: Origin
    measured_on: str
    labels: np.ndarray
    logits: np.ndarray
    queries: np.ndarray | None
    setup: Setup

    @cached_property
    def validation(self) -> Validation:
        """The figures on these rows."""
        about = self.setup
        return validation_of(
            self.labels, self.logits, about.labels, self.data, self.measured_on, about.mismatch, self.queries
        )

    @property
    def alike(self) -> bool:
        """Whether labels count alike, however many rows they have."""
        return self.setup.imbalance != "none"

    @property
    def merit(self) -> float:
        """What methods are chosen by: the average precision of mismatches, which are rare, else the accuracy."""
        accuracy = self.validation.balanced_accuracy if self.alike else self.validation.accuracy
        return (self.validation.average_precision or accuracy).value

    def against(self, method: str, other: HeldOut) -> Candidate:
        """Return what the `other` answers to the same rows, those of a model by `method`, are beside these.

        The lead is tested in what methods are chosen by; where labels count alike, in macro-F1.
        """
        from classwright_tools.statistics.paired import compare

        proba = softmax(self.logits), softmax(other.logits)
        found = compare(self.labels, *proba, against=method, mismatch=self.setup.mismatch, groups=self.queries)
        if self.alike or found.average_precision_gain:
            is_more = (found.average_precision_gain or found.macro_f1_gain).low > 0
        else:
            is_more = found.significant
        return Candidate(method=method, validation=other.validation, comparison=found, may_be_chance=not is_more)


@dataclass(frozen=True)
class ValidationRows:
    """The dataset's validation rows, and whose texts they are."""

    data: Origin
    texts: tuple[str, ...]
    labels: np.ndarray


@dataclass(frozen=True)
class Trained:
    """A fitted model and all that its card says of how good it is."""

    method: str
    fitted: FittedModel
    validation: Validation
    grouped: Validation | None
    tried: tuple[Candidate, ...]
    temperature: float
    threshold: float


def train(method: str, rows: Rows, validation: ValidationRows | None, setup: Setup) -> Trained:
    """Train by `method`, a key of `METHODS` or "auto", and return the model with its figures.

    Raises:
        NotEnoughData: there are too few real validation rows to choose and calibrate by, and no row can be held out, or
            for a matcher no mismatch.
    """
    names = _tried(rows, setup) if method == "auto" else (method,)
    setup = replace(setup, progress=_rising(setup.progress))
    if validation and len(validation.texts) >= ENOUGH_REAL and validation.data == "real":
        return _by_real_rows(names, rows, validation, setup)
    return _by_groups(names, rows, validation, setup)


def _tried(rows: Rows, setup: Setup) -> tuple[str, ...]:
    """Return the methods that `auto` tries: for pairs a matcher only where there are mismatches to learn from.

    Where `imbalance` is to be chosen as well it is the probe: no other method has classifiers to choose between.
    """
    if setup.imbalance == "auto":
        return ("probe",)
    if setup.pairs is None:
        return AUTO
    mismatches = int((rows.labels == setup.mismatch).sum())
    return AUTO_FOR_PAIRS if mismatches >= ENOUGH_MISMATCHES else AUTO_FOR_PAIRS[:1]


def _by_real_rows(names: tuple[str, ...], rows: Rows, validation: ValidationRows, setup: Setup) -> Trained:
    """Fit each method on all rows and choose by the real validation rows.

    Holding out groups as well doubles the time of a fine-tuning and tells less than real rows do: `grouped` is
    measured for the probe alone, where it costs seconds.
    """
    fits: dict[str, FittedModel] = {}
    held: dict[str, HeldOut] = {}
    parts = _parts(setup.progress, names)
    for name in names:
        own = replace(setup, progress=parts[name])
        fits[name] = _fit(name, rows, own)
        held[name] = _on_validation(fits[name], validation, own)
    best = _best(held)
    folds = grouped_folds(rows, setup.seed) if best == "probe" else []
    grouped = _held_out("probe", rows, folds, setup)[1].validation if folds else None
    return _calibrated(best, fits[best], held, held[best], grouped)


def _on_validation(fitted: FittedModel, validation: ValidationRows, setup: Setup) -> HeldOut:
    """Return what a model answers to the validation rows."""
    words = f"{len(validation.texts)} {validation.data} validation rows"
    logits = fitted.logits(validation.texts, setup)
    return _held(validation.data, words, validation.texts, validation.labels, logits, setup)


def _by_groups(names: tuple[str, ...], rows: Rows, validation: ValidationRows | None, setup: Setup) -> Trained:
    """Choose and calibrate by training rows held out in groups, then fit the chosen method on all rows.

    A fine-tuning is measured on one hold-out, the probe on five folds; to choose, only the rows that all have count.
    The encoder that was tuned for a choice is kept, so that a choice costs one tuning: only its head is fitted anew.

    Raises:
        NotEnoughData: no row can be held out, or for a matcher no mismatch can.
    """
    folds = needed_folds(rows, setup.seed)
    names, hold_out = _hold_out(names, rows, folds, setup)
    parts = _parts(setup.progress, (*names, "final"))
    fits: dict[str, FittedModel] = {}
    held: dict[str, HeldOut] = {}
    for name in names:
        fits[name], held[name] = _held_out(name, rows, hold_out, replace(setup, progress=parts[name]))
    best = _best(held)
    own = replace(setup, progress=parts["final"])
    fitted = _completed(best, fits[best], rows, own) if len(names) > 1 else _fit(best, rows, own)
    grouped = _held_out(best, rows, folds, own)[1] if best == "probe" else held[best]
    trained = _calibrated(best, fitted, held, grouped, None)
    if validation is None:
        return trained
    checked = _on_validation(fitted, validation, own)
    return replace(trained, validation=checked.validation, grouped=grouped.validation)


def _completed(name: str, chosen: FittedModel, rows: Rows, setup: Setup) -> FittedModel:
    """Return the model by the method `name` of all `rows`; `chosen` is what it made of those that were not held out."""
    if isinstance(chosen, Fitted) and chosen.tuned:
        return _adjusted(with_head(chosen.encoder, rows, setup), rows, setup)
    return _fit(name, rows, setup)


def _hold_out(names: tuple[str, ...], rows: Rows, folds: Folds, setup: Setup) -> tuple[tuple[str, ...], Folds]:
    """Return the methods that can be measured, and the one fold to measure them on.

    A matcher needs mismatches on both sides of it. Where they are of so few queries that no fold has them, a choice is
    left without it.

    Raises:
        NotEnoughData: the matcher is all that is asked for.
    """
    if "matcher" not in names:
        return names, folds[:1]
    mismatch = rows.labels == setup.mismatch
    for train_places, held_places in folds:
        trained_on = int(mismatch[train_places].sum())
        if min(trained_on, len(train_places) - trained_on) >= LEAST_ROWS and mismatch[held_places].any():
            return names, [(train_places, held_places)]
    if names == ("matcher",):
        queries = len(np.unique(query_numbers(rows.texts)[mismatch]))
        raise NotEnoughData(
            f"the {int(mismatch.sum())} mismatches of the training rows",
            f"are of {queries} {'query' if queries == 1 else 'queries'}, too few to hold one out and train on "
            f"{LEAST_ROWS} mismatches of others",
            f"Add mismatches of other queries, or {ENOUGH_REAL} real validation rows, or use 'probe'.",
        )
    return tuple(name for name in names if name != "matcher"), folds[:1]


def _fit(name: str, rows: Rows, setup: Setup) -> FittedModel:
    """Fit the method `name`; with logit adjustment its head, if it has one, is adjusted afterwards."""
    return _adjusted(METHODS[name](rows, setup), rows, setup)


def _adjusted(fitted: FittedModel, rows: Rows, setup: Setup) -> FittedModel:
    """Return `fitted`, its head adjusted by the shares of the labels in `rows` if the setup says so."""
    if setup.imbalance == "logit_adjustment" and isinstance(fitted, Fitted):
        return replace(fitted, head=adjusted(fitted.head, rows.labels))
    return fitted


def _calibrated(
    best: str, fitted: FittedModel, held: dict[str, HeldOut], by: HeldOut, grouped: Validation | None
) -> Trained:
    temperature = fit_temperature(by.logits, by.labels)
    return Trained(
        method=best,
        fitted=fitted,
        validation=by.validation,
        grouped=grouped,
        tried=tuple(held[best].against(name, one) for name, one in held.items() if name != best),
        temperature=temperature,
        threshold=abstaining_threshold(softmax(by.logits / temperature), by.labels),
    )


def _held_out(name: str, rows: Rows, folds: Folds, setup: Setup) -> tuple[FittedModel, HeldOut]:
    """Return the logits of each fold's held-out rows by a model of the method `name` trained on its other rows.

    The model returned beside them is the last fold's.

    A pair task's unlabelled pairs with held-out queries are not trained on either.
    """
    logits = []
    for number, (train_places, held_places) in enumerate(folds):
        progress = _part(setup.progress, number / len(folds), 1 / len(folds), f"{name}, fold {number + 1}")
        held_out = rows.take(held_places)
        pairs = setup.pairs
        if pairs:
            pairs = replace(pairs, unlabelled=without_queries(pairs.unlabelled, held_out.texts))
        own = replace(setup, progress=progress, pairs=pairs)
        fitted = _fit(name, rows.take(train_places), own)
        logits.append(fitted.logits(held_out.texts, own))
    held = rows.take(np.concatenate([held for _, held in folds]))
    times = "once" if len(folds) == 1 else f"in {len(folds)} folds"
    words = f"{len(held)} training rows that were held out {times}, with all rows that resemble them"
    return fitted, _held(held.origin, words, held.texts, held.labels, np.concatenate(logits), setup)


def _held(
    data: Origin, words: str, texts: tuple[str, ...], labels: np.ndarray, logits: np.ndarray, setup: Setup
) -> HeldOut:
    """Return the `logits` (n, k) of `texts` that were held out, with what the setup says of them."""
    return HeldOut(data, words, labels, logits, query_numbers(texts) if setup.pairs else None, setup)


def _best(held: dict[str, HeldOut]) -> str:
    """Return the method with the greatest merit; the first of equals."""
    return max(held, key=lambda name: held[name].merit)


def _rising(progress: Progress) -> Progress:
    """Return a progress report that never falls: the steps of a fit each count from zero."""
    highest = 0.0

    def report(done: float, message: str) -> None:
        nonlocal highest
        highest = max(highest, done)
        progress(highest, message)

    return report


def _parts(progress: Progress, names: tuple[str, ...]) -> dict[str, Progress]:
    """Return for each name a progress report that fills its share of the whole."""
    share = 1 / len(names)
    return {name: _part(progress, number * share, share, name) for number, name in enumerate(names)}


def _part(progress: Progress, start: float, share: float, name: str) -> Progress:
    return partial(_report, progress, start, share, name)


def _report(progress: Progress, start: float, share: float, name: str, done: float, message: str) -> None:
    progress(start + share * done, f"{name}: {message}")
