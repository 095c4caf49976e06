"""A method fitted and measured on rows held out: the choice between such fits, and the calibration of the best one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classwright_tools.domain.cards import Candidate, ScopeCard, SharesEffect, Validation
from classwright_tools.domain.example import Origin
from classwright_tools.domain.figures import ClassFigures, FiguresAtShares
from classwright_tools.domain.shares import TaskShares
from classwright_tools.learning.calibration import Sureness, fit_temperature, softmax, sureness
from classwright_tools.learning.classifier import Classifier
from classwright_tools.learning.held_out import HeldOut
from classwright_tools.learning.label_space import LabelSpace
from classwright_tools.learning.methods.method import Method
from classwright_tools.learning.prior import Prior, prior_at, shares_of_rows
from classwright_tools.learning.scope import out_of_scope, scope_by
from classwright_tools.learning.several_labels.calibration import SureLabels
from classwright_tools.statistics.at_shares import row_weights
from classwright_tools.statistics.paired import compare
from classwright_tools.statistics.paired_at_shares import compare_at_shares


@dataclass(frozen=True)
class Trained:
    """A fitted classifier and all that its card says of how good it is.

    The `sureness` is told by rows held out, of the origin `sure_on` and in words `set_by`, which also calibrate it;
    these are validation rows where it `is_set_by_validation`, else training rows.
    `thresholds` are those of the labels where rows have several, and `sure_labels` says from where on each is sure by
    itself. The `scope` is None where the classifier tells none. `validation` and `grouped` count what the classifier
    decides, for the shares of the `prior` if there is one, on the rows as they are, and `classes` each label of
    `validation`; `at_shares` are the figures at these shares, without any at the rows' own. `why_no_shares` says why
    shares are not known though they might be.
    """

    method: str
    classifier: Classifier
    validation: Validation
    grouped: Validation | None
    tried: tuple[Candidate, ...]
    temperature: float
    sureness: Sureness
    sure_on: Origin
    prior: Prior | None
    at_shares: FiguresAtShares | None
    why_no_shares: str
    scope: ScopeCard | None
    classes: tuple[ClassFigures, ...]
    set_by: str
    is_set_by_validation: bool
    shares_effect: SharesEffect | None = None
    thresholds: tuple[float, ...] = ()
    sure_labels: SureLabels | None = None

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return the calibrated probabilities (n, k) of logits (n, k) where a row has one label."""
        return self.prior.probabilities(logits) if self.prior else softmax(logits / self.temperature)


@dataclass(frozen=True)
class Fit:
    """What a method made of rows, and its answers to others."""

    method: Method
    classifier: Classifier
    held: HeldOut


def best_fit(fits: Sequence[Fit], shares: TaskShares | None) -> Fit:
    """Return the fit with the greatest merit, at the task's `shares` if they are known; the first of equals."""
    return max(fits, key=lambda one: _merit(one.held, shares)) if len(fits) > 1 else fits[0]


def _merit(held: HeldOut, shares: TaskShares | None) -> float:
    """Return what methods are chosen by; where the shares are known it is the accuracy at them, unless pairs rank."""
    if shares is None or held.validation.average_precision:
        return held.merit
    at = held.at_shares(prior_at(shares, held).probabilities(held.logits), shares)
    return at.accuracy.value if at else held.merit


def calibrated(
    best: Fit,
    tried: Sequence[Candidate],
    by: HeldOut,
    shares: TaskShares | None,
    checked: HeldOut | None = None,
    *,
    validation: bool = False,
) -> Trained:
    """Return the `best` fit, calibrated by the answers `by`, at the task's `shares` if they are known.

    What else was `tried` is told beside it.

    Those are to `validation` rows, else to training rows. Those that it was `checked` by, if they are others, tell its
    scope too.
    """
    prior = prior_at(shares, by) if shares else None
    temperature = prior.temperature if prior else fit_temperature(by.logits, by.labels)
    proba = prior.probabilities(by.logits) if prior else softmax(by.logits / temperature)
    scope = scope_by(validation=by) if validation else scope_by(validation=checked, training=by)
    may_be_sure = (
        LabelSpace(tuple(by.setup.labels)).judge(proba, out_of_scope(by.likeness, scope, len(proba)), 0.0).sure
    )
    return Trained(
        method=best.method.name,
        classifier=best.classifier,
        validation=by.figures_of(proba),
        classes=by.classes_of(proba),
        grouped=None,
        tried=tuple(tried),
        temperature=temperature,
        sureness=sureness(proba * may_be_sure[:, None], by.labels, shares.values if shares else None),
        sure_on=by.data,
        set_by=by.measured_on,
        is_set_by_validation=validation,
        prior=prior,
        at_shares=by.at_shares(proba, shares),
        why_no_shares="",
        scope=scope,
        shares_effect=_effect(prior, by) if prior and validation else None,
    )


def _effect(prior: Prior, by: HeldOut) -> SharesEffect:
    """Return what it changes on the rows `by` that a model decides for the shares of `prior` and not for theirs."""
    own = prior_at(shares_of_rows(by), by)
    weight = row_weights(by.labels, prior.shares.values)[by.labels]
    right, right_by_own = (one.probabilities(by.logits).argmax(axis=1) == by.labels for one in (prior, own))
    at_shares, at_shares_by_own = (min(1.0, float(weight @ found)) for found in (right, right_by_own))
    return SharesEffect(by_own=right_by_own.mean(), at_shares=at_shares, at_shares_by_own=at_shares_by_own)


def beside_best(best: Fit, fits: Sequence[Fit], shares: TaskShares | None) -> list[Candidate]:
    """Return what each other one of `fits` is beside the `best`, whose lead is at the `shares` if known."""
    return [_candidate(best, one, shares) for one in fits if one.method is not best.method]


def _candidate(best: Fit, other: Fit, shares: TaskShares | None) -> Candidate:
    found = best.held.against(other.method.name, other.held)
    if shares is None or best.held.validation.average_precision:
        return found
    ours, theirs = (prior_at(shares, one).probabilities(one.logits) for one in (best.held, other.held))
    true, method = best.held.labels, other.method.name
    at_shares = None
    if shares.source != "validation rows":
        at_shares = compare_at_shares(true, ours, theirs, method, shares.values)
    comparison = at_shares or compare(true, ours, theirs, method)
    own = {"validation": other.held.figures_of(theirs), "comparison": comparison}
    return found.model_copy(update=own | {"may_be_chance": not comparison.significant})
