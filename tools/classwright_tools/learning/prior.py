"""A model's prior: the shares of the labels where it is used, and what they change in its probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax
from scipy.stats import chi2, chisquare

from classwright_tools.domain.example import REAL_TEXTS
from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.shares import LabelShare, ShareSource, TaskShares
from classwright_tools.learning.calibration import fit_temperature, softmax
from classwright_tools.learning.held_out import HeldOut
from classwright_tools.learning.setup import Setup
from classwright_tools.learning.training_data import ENOUGH_REAL, MOST_UNLABELLED, counts_real_alone
from classwright_tools.statistics.label_shift import calibrate, estimate_shares, short_labels, too_few
from classwright_tools.statistics.share_interval import wilson

MORE_VALIDATION = "annotate_examples(split='validation')"
BY_PERSON = "decided_by='person'"
CHANCE = 0.05  # what a difference that is none may come out as one by


@dataclass(frozen=True)
class Prior:
    """Shares, and what makes softmax(logits / temperature + offsets) the probabilities at them; offsets are (k,)."""

    shares: TaskShares
    temperature: float
    offsets: np.ndarray

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return the probabilities (n, k) of logits (n, k)."""
        return softmax(logits / self.temperature + self.offsets)


def prior_at(shares: TaskShares, held: HeldOut) -> Prior:
    """Return the prior at `shares` of the model that answered the rows `held`, of which each label has some."""
    calibration = calibrate(held.logits, held.labels)
    return Prior(shares, 1 / calibration.scale, calibration.offsets(shares.values))


def known_shares(held: HeldOut, logits: Callable[[], np.ndarray], *, validation: bool) -> tuple[TaskShares | None, str]:
    """Return the labels' shares where the model will be used, None if they are not known; and in words what is not.

    They are the setup's where it knows them; else those that a model with the answers `held` tells from the setup's
    unlabelled texts, of which it gives the `logits` (m, k); else those of the rows in `held` if these are the real
    `validation` rows, and the model leans to other shares. Validation rows that are not equally many a label came with
    shares of their own: these were counted, and go before what a model tells.
    """
    setup = held.setup
    asked = bool(setup.known or setup.unlabelled)
    if setup.imbalance != "none" or setup.pairs:
        reason = f"With imbalance {setup.imbalance!r} labels count alike, so their shares are not used."
        return None, reason if asked else ""
    counts = np.bincount(held.labels, minlength=setup.k)
    bare = short_labels(counts, setup.labels)
    enough = not bare
    get_more = _get_more(held, validation=validation)
    if setup.known:
        return (setup.known, "") if enough else (None, f"The shares that are known are not used: {bare}. {get_more}")
    of_rows = None
    if validation and enough and _leans(held):
        of_rows = shares_of_rows(held)
    if not setup.unlabelled:
        return of_rows, ""
    unknown = f"How many of the {_texts(setup)} that came without labels are of each label cannot be told"
    if held.data not in REAL_TEXTS:
        return None, (
            f"{unknown} without {ENOUGH_REAL} real validation rows, some of each label: how sure the model is of a "
            f"written text says too little of real ones. To get them: {MORE_VALIDATION}."
        )
    if refused := too_few(held.labels, len(setup.unlabelled), setup.labels):  # before embedding them, which takes long
        return of_rows, " ".join(filter(None, [_untold(unknown, refused, of_rows), get_more if bare else ""]))
    found = estimate_shares(held.logits, held.labels, logits(), setup.labels, seed=setup.seed)
    if found.outcome == "estimated" and validation and not _balanced(counts):
        far = max(range(setup.k), key=lambda place: abs(found.shares[place].value - counts[place] / counts.sum()))
        return of_rows, (
            f"By this model's answers the {_texts(setup)} that came without labels have other shares "
            f"than the validation rows: {setup.labels[far]!r} {found.shares[far].value:.0%} against "
            f"{counts[far] / counts.sum():.0%}. Those of the validation rows, which were counted, go before. If these "
            "rows were picked by their label, state the shares: propose_topics(expected_shares=...), or have them "
            "counted: annotate_examples(order='random')."
        )
    if found.outcome == "estimated":
        return _shares("estimated", setup.labels, found.shares, len(setup.unlabelled)), ""
    if found.outcome == "alike":
        follows = ": these are taken" if of_rows else ", so nothing is changed by them"
        return of_rows, f"In the {_texts(setup)} that came without labels {found.reason}{follows}."
    return of_rows, _untold(unknown, found.reason, of_rows)


def shares_of_rows(held: HeldOut) -> TaskShares:
    """Return the shares that the labels have among the rows `held`."""
    counts = np.bincount(held.labels, minlength=held.setup.k).tolist()
    return _shares("validation rows", held.setup.labels, [wilson(n, len(held.labels)) for n in counts])


def _texts(setup: Setup) -> str:
    """Return the texts without labels in words, of very many a sample."""
    sampled = "sampled " if len(setup.unlabelled) >= MOST_UNLABELLED else ""
    return f"{len(setup.unlabelled):,} {sampled}texts"


def _get_more(held: HeldOut, *, validation: bool) -> str:
    """Return how to get more rows like those `held` for `validation`, of which a person labels those that count."""
    if not (validation and counts_real_alone(len(held.labels), held.data)):
        return f"Get more validation rows: {MORE_VALIDATION}."
    return (
        f"Get more validation rows from a person: {MORE_VALIDATION} answered with {BY_PERSON}, or "
        f"import_examples(split='validation'). Labels by a model do not count, as {len(held.labels)} real rows do."
    )


def _untold(unknown: str, reason: str, instead: TaskShares | None) -> str:
    """Return why shares are `unknown`, and that those of the validation rows are taken `instead`, if they are."""
    return f"{unknown}: {reason}." + (" Those of the validation rows are taken." if instead else "")


def _balanced(counts: np.ndarray) -> bool:
    """Return whether the `counts` (k,) of the labels may well be those of equally many rows each.

    Pearson's chi-squared test at 5%.
    """
    return float(chisquare(counts).pvalue) > CHANCE


def _leans(held: HeldOut) -> bool:
    """Return whether biases of the labels fit the rows `held` better than a temperature alone, by more than chance.

    The likelihood-ratio test (Wilks 1938) at 5%. The biases are penalised, which makes it the more careful.
    """
    rows, calibration = np.arange(len(held.labels)), calibrate(held.logits, held.labels)
    biased = log_softmax(calibration.scale * held.logits + calibration.biases, axis=1)
    plain = log_softmax(held.logits / fit_temperature(held.logits, held.labels), axis=1)
    gain = 2 * float((biased - plain)[rows, held.labels].sum())
    return gain > float(chi2.ppf(1 - CHANCE, held.setup.k - 1))


def stated_shares(stated: Mapping[str, float], names: Sequence[str]) -> TaskShares:
    """Return the shares that a person stated of the labels `names`, made to be 1 in all."""
    whole = sum(stated.values())
    values = [stated[name] / whole for name in names]
    return _shares("stated", names, [Estimate(value=value, low=value, high=value) for value in values])


def counted_shares(counts: Mapping[str, int], names: Sequence[str], fits_none: int) -> TaskShares:
    """Return the shares of the labels `names` in random texts, of which labels were given to so many.

    Of `fits_none` texts beside these it was said that no label fits.
    """
    texts = sum(counts.values())
    shares = _shares("random rows", names, [wilson(counts.get(name, 0), texts) for name in names], texts)
    return shares.model_copy(update={"fits_none": fits_none})


def _shares(source: ShareSource, names: Sequence[str], shares: Sequence[Estimate], texts: int = 0) -> TaskShares:
    labels = tuple(LabelShare(label=name, share=share) for name, share in zip(names, shares, strict=True))
    return TaskShares(source=source, texts=texts, labels=labels)
