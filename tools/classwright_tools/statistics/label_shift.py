"""The shares of labels in texts that nobody has labelled, told from a classifier's logits.

Label shift is assumed: texts of one label are alike in the labelled rows and in the unlabelled texts, and only the
shares of the labels differ. Nothing here needs more of the classifier than its logits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_softmax

from classwright_tools.domain.excerpt import listed
from classwright_tools.domain.figures import Estimate

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.integer]

RESAMPLES = 200
LEAST_ROWS = 5  # of each label, to calibrate by
SHORT_LISTED = 30  # labels with fewer that a sentence names
LEAST_TEXTS = 50
WIDEST = 0.4  # of an interval: a wider one says little more than that a label is there
LEAST_SINGULAR = 0.05  # under it a mixture of labels looks like another
LEAST_SHARE = 0.001
SCALES = (0.05, 20.0)  # what logits are multiplied by
_EM_STEPS = 1_000
_EM_TOLERANCE = 1e-5

Outcome = Literal["estimated", "alike", "unknown"]


@dataclass(frozen=True)
class LabelShift:
    """What unlabelled texts tell of the labels' shares.

    `outcome` is "estimated" where they differ from those of the labelled rows by more than chance, "alike" where they
    may be the same, and "unknown" where they cannot be told; `reason` says why in words, and `shares` (k) are empty
    then.
    """

    outcome: Outcome
    reason: str
    shares: tuple[Estimate, ...] = ()


@dataclass(frozen=True)
class Calibration:
    """What makes logits (n, k) calibrated on rows of known labels: softmax(scale * logits + biases).

    `shares` (k,) are the labels' shares of these rows.
    """

    scale: float
    biases: Floats
    shares: Floats

    def likelihoods(self, logits: Floats) -> Floats:
        """Return for each row (n, k) how likely it is under each label, up to a factor of the row."""
        scores = self.scale * logits + self.biases - np.log(self.shares)
        likelihoods: Floats = np.exp(scores - scores.max(axis=1, keepdims=True))
        return likelihoods

    def offsets(self, shares: Sequence[float]) -> Floats:
        """Return what makes softmax(scale * logits + offsets) the probabilities where labels have these `shares` (k,).

        Saerens, Latinne and Decaestecker 2002, eq. 2.4. A share that was told to be 0 leaves its label possible.
        """
        found: Floats = self.biases - np.log(self.shares) + np.log(np.maximum(shares, LEAST_SHARE))
        return found


def calibrate(logits: Floats, labels: Labels, counts: Floats | None = None) -> Calibration:
    """Return the bias-corrected temperature scaling of logits (n, k) by the `labels` (n,) of the rows.

    Alexandari, Kundaje and Shrikumar 2020, "Maximum Likelihood with Bias-Corrected Calibration is Hard-to-Beat at
    Label Shift Adaptation". `counts` (n,) say how many rows each row stands for, one by default; each label
    has some. A penalty of half the squared biases keeps few rows from moving them far.
    """
    n, k = logits.shape
    counts = np.ones(n) if counts is None else counts
    targets = np.eye(k)[labels]

    def loss(parameters: Floats) -> tuple[float, Floats]:
        scale, biases = np.exp(parameters[0]), parameters[1:]
        logs = log_softmax(scale * logits + biases, axis=1)
        slopes = counts[:, None] * (np.exp(logs) - targets)
        value = -float(counts @ (targets * logs).sum(axis=1)) + float(biases @ biases) / 2
        return value, np.append((slopes * logits).sum() * scale, slopes.sum(axis=0) + biases)

    bounds = [tuple(np.log(SCALES)), *[(None, None)] * k]
    found = minimize(loss, np.zeros(1 + k), jac=True, method="L-BFGS-B", bounds=bounds).x
    shares = np.bincount(labels, counts, k) / counts.sum()
    return Calibration(scale=float(np.exp(found[0])), biases=found[1:], shares=shares)


def most_likely_shares(likelihoods: Floats, counts: Floats, start: Floats) -> Floats:
    """Return the shares (k,) under which rows of these `likelihoods` (n, k) are likeliest.

    Expectation maximisation (Saerens, Latinne and Decaestecker 2002, "Adjusting the Outputs of a Classifier to New a
    Priori Probabilities", eq. 2.9), from `start` (k,), which has no zeros. `counts` (n,) say how often each row occurs.
    """
    shares, weights = start, counts / counts.sum()
    for _ in range(_EM_STEPS):
        better: Floats = shares * (likelihoods.T @ (weights / (likelihoods @ shares)))
        if np.abs(better - shares).max() < _EM_TOLERANCE:
            return better
        shares = better
    return shares


def estimate_shares(
    logits: Floats, labels: Labels, unlabelled: Floats, names: Sequence[str], *, seed: int = 0
) -> LabelShift:
    """Return the shares of the labels in texts of unknown labels, with intervals, or why they cannot be told.

    `logits` (n, k) are a classifier's of rows that it was not trained on, `labels` (n,) the numbers of their labels,
    `unlabelled` (m, k) its logits of the texts, and `names` those of the k labels. The intervals are percentiles of
    the bootstrap over both: a resample draws as many texts as there are, and as many rows of each label. They hold the
    shares in about nine cases of ten.
    """
    from threadpoolctl import threadpool_limits

    if refused := too_few(labels, len(unlabelled), names):
        return LabelShift("unknown", refused)
    calibration = calibrate(logits, labels)
    if refused := _too_alike(calibration, logits, labels, names):
        return LabelShift("unknown", refused)
    even = np.full(len(names), 1 / len(names))
    shares = most_likely_shares(calibration.likelihoods(unlabelled), np.ones(len(unlabelled)), even)
    with threadpool_limits(1):  # on matrices this small, threads wait for each other twenty times longer than they work
        drawn = np.stack(list(_resampled(logits, labels, unlabelled, 0.9 * shares + 0.1 * even, seed)))
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    widest = int((high - low).argmax())
    if high[widest] - low[widest] > WIDEST:
        where = f"{low[widest]:.0%} to {high[widest]:.0%}"
        return LabelShift("unknown", f"the share of {names[widest]!r} can only be told to lie in {where}")
    found = tuple(
        Estimate(value=float(share), low=float(min(share, least)), high=float(max(share, most)))
        for share, least, most in zip(shares, low, high, strict=True)
    )
    by_chance = np.quantile(np.abs(drawn - shares).sum(axis=1), 0.95)
    if np.abs(calibration.shares - shares).sum() <= by_chance:
        return LabelShift("alike", "the shares may well be those of the labelled rows", found)
    return LabelShift("estimated", "the shares differ from those of the labelled rows by more than chance", found)


def _resampled(logits: Floats, labels: Labels, unlabelled: Floats, start: Floats, seed: int) -> Iterator[Floats]:
    """Yield the shares (k,) that `RESAMPLES` draws of the rows and the texts give."""
    generator = np.random.default_rng(seed)
    sizes = np.bincount(labels)
    even = np.full(len(unlabelled), 1 / len(unlabelled))
    for _ in range(RESAMPLES):
        counts = np.zeros(len(labels))
        for label, rows in enumerate(sizes):
            counts[labels == label] = generator.multinomial(rows, np.full(rows, 1 / rows))
        likelihoods = calibrate(logits, labels, counts).likelihoods(unlabelled)
        yield most_likely_shares(likelihoods, generator.multinomial(len(unlabelled), even).astype(np.float64), start)


def too_few(labels: Labels, texts: int, names: Sequence[str]) -> str:
    """Return why there are too few rows or texts to tell shares; nothing where there are enough."""
    if short := short_labels(np.bincount(labels, minlength=len(names)), names):
        return short
    return f"these are {texts}, and {LEAST_TEXTS} are needed" if texts < LEAST_TEXTS else ""


def short_labels(counts: Labels, names: Sequence[str]) -> str:
    """Return which labels have too few rows to calibrate by, the fewest first; nothing where none has."""
    short = [place for place in np.argsort(counts, kind="stable").tolist() if counts[place] < LEAST_ROWS]
    if not short:
        return ""
    has = "1 has" if len(short) == 1 else f"{len(short)} have"
    named = listed((f"{names[place]!r} {counts[place]}" for place in short), SHORT_LISTED)
    return f"each label needs {LEAST_ROWS} labelled rows that were held out to calibrate by, and {has} fewer: {named}"


def _too_alike(calibration: Calibration, logits: Floats, labels: Labels, names: Sequence[str]) -> str:
    """Return which labels the classifier confuses so much that their shares cannot be told; nothing where it is none.

    Shares are told by how the probabilities differ between labels: of each label's rows, their mean. Where a mixture
    of labels looks like another, the smallest singular value of these means (k, k) is near 0 (Lipton, Wang and Smola
    2018, "Detecting and Correcting for Label Shift with Black Box Predictors", of the confusion matrix).
    """
    likelihoods = calibration.likelihoods(logits)
    answers = likelihoods / likelihoods.sum(axis=1, keepdims=True)
    means = np.stack([answers[labels == label].mean(axis=0) for label in range(len(names))])
    mixtures, values, _ = np.linalg.svd(means)
    if values[-1] >= LEAST_SINGULAR:
        return ""
    mixture = mixtures[:, -1]
    one, other = names[int(mixture.argmax())], names[int(mixture.argmin())]
    return f"the model hardly tells {one!r} from {other!r}, so how many there are of each cannot be told either"
