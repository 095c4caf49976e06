"""The choice of an encoder: of those at hand the one whose frozen embeddings tell a task's labels apart best.

Each embeds the same sample of rows. The logistic regression of `probe` is measured on validation rows of real texts
where there are enough, else on training rows held out group by group, by what models are: accuracy, balanced accuracy
where labels count alike, or where a task of pairs names its mismatch how well it ranks these. The first of equals is
kept, of which the operator's own stands first. What an encoder costs is told beside it: a large one may take many times
as long a text.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np

from classwright_tools.context import DEFAULT_ENCODER, ToolContext
from classwright_tools.curation.rows_language import languages_of_rows
from classwright_tools.domain.advice import rows_to_tell
from classwright_tools.domain.example import REAL_TEXTS
from classwright_tools.domain.figures import least_lead
from classwright_tools.domain.task import Task
from classwright_tools.errors import Cancelled, ClasswrightError, InvalidInput
from classwright_tools.learning.calibration import softmax
from classwright_tools.learning.callers_encoders import callers_encoder
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoder_folders import MULTILINGUAL, cached_encoders, kept_encoders
from classwright_tools.learning.encoders import Encoder
from classwright_tools.learning.head import CANDIDATES, fit_head
from classwright_tools.learning.methods.choice import unfit_for
from classwright_tools.learning.pair_encoder import encoder_for
from classwright_tools.learning.rows import Rows, query_numbers
from classwright_tools.learning.splits import grouped_folds, sampled_places
from classwright_tools.learning.training_data import ENOUGH_REAL, TrainingData
from classwright_tools.statistics.exact_tests import SIGNIFICANCE
from classwright_tools.statistics.paired_at_shares import sign_flips
from classwright_tools.statistics.ranking import average_precision_of
from classwright_tools.statistics.swapped_answers import ranking_gain

# Asked of the hub beside what is on this machine: small ones, so that a call that names none fetches little.
FOR_ENGLISH = "BAAI/bge-small-en-v1.5"
SAMPLE, LEAST_OF_LABEL = 500, 4  # rows that are embedded for the choice, and of a label with few
MOST_VALIDATION = 500
TIMED = 64  # texts whose embedding is timed


class Ranked(NamedTuple):
    """Which of the pairs held out (n,) are mismatches, numbers of their queries, and how far each is scored as one."""

    mismatches: np.ndarray
    queries: np.ndarray
    scores: np.ndarray

    @property
    def average_precision(self) -> float:
        """The area under the precision-recall curve."""
        return float(average_precision_of(np.ones((1, len(self.scores))), self.mismatches, self.scores)[0])


@dataclass(frozen=True)
class Trial:
    """An encoder that was tried: which rows held out (n,) it was right about, and its seconds for 1,000 texts.

    Where mismatches are among these rows it is judged by how they are `ranked`. Where labels count alike, each row
    counts for its `weight` (n,).
    """

    encoder: Encoder
    right: np.ndarray
    seconds: float
    ranked: Ranked | None = None
    weight: np.ndarray | None = None

    @property
    def accuracy(self) -> float:
        """The share of the rows held out that it was right about, where labels count alike the mean of the labels'."""
        return float(np.average(self.right, weights=self.weight))

    @property
    def quality(self) -> tuple[float, float]:
        """What it is judged by, and what decides between equals."""
        return (self.ranked.average_precision if self.ranked else self.accuracy), self.accuracy

    def lead_over(self, other: Trial) -> str:
        """Return whether the lead over the `other`, on the same rows, may be chance, and how many rows would tell."""
        chance = f"Which of the first two is better cannot be told from {len(self.right):,} rows"
        beyond = f"The lead over {_short(other.encoder)} is more than chance."
        if self.ranked and other.ranked:
            gain = ranking_gain(self.ranked.mismatches, self.ranked.scores, other.ranked.scores, self.ranked.queries)
            return (
                beyond if gain.significant else f"{chance}, of which {self.ranked.mismatches.sum():,} are mismatches."
            )
        if self.weight is not None:
            p = sign_flips(self.weight * (self.right.astype(float) - other.right))
            return beyond if p < SIGNIFICANCE else f"{chance}."
        won, lost = int((self.right & ~other.right).sum()), int((other.right & ~self.right).sum())
        if won - lost >= least_lead(won, lost):
            return beyond
        enough = rows_to_tell(len(self.right), won - lost, sqrt(won + lost))
        more = f": about {enough:,} such rows would tell" if enough else ""
        return f"{chance}{more}."

    def __str__(self) -> str:
        return f"{Path(self.encoder.ref.name).name!r} {self.quality[0]:.3f} at {self.seconds:,.1f} s a 1,000 rows"


@dataclass(frozen=True)
class EncoderChoice:
    """The encoder that was chosen, and the sentence that says of which, by what, and at what cost."""

    encoder: Encoder
    remark: str


@dataclass(frozen=True)
class _Sample:
    """Rows to choose by: labels (n,), and the places trained on and held out of each fold; the mismatch, if any.

    Labels may count `alike`, however many rows they have.
    """

    texts: tuple[str, ...]
    labels: np.ndarray
    folds: list[tuple[np.ndarray, np.ndarray]]
    words: str
    alike: bool
    mismatch: int | None = None


def choose_encoder(
    data: TrainingData,
    task: Task,
    method: str,
    cache: EmbeddingCache,
    seed: int,
    context: ToolContext,
    *,
    alike: bool,
) -> EncoderChoice:
    """Return the encoder of those at hand that separates the rows of `task` best; `method` is to train on it.

    Labels may count `alike`, however many rows they have, as they do in a training with an `imbalance`.
    Where no row can be held out, or one alone can be opened, the operator's own is kept. One that cannot be had, or
    that the method cannot train on, is named with the reason.

    Raises:
        InvalidInput: the method can train on none.
        Cancelled: the caller asked to stop; embeddings that were computed are kept.
    """
    spoken = languages_of_rows(task, data.rows.texts, len(data.rows))
    names = encoders_at_hand(spoken.languages, context)
    sample = _sample(data.rows, data.validation, seed, alike=alike)
    if sample and task.mismatch:
        sample = replace(sample, mismatch=task.label_names.index(task.mismatch))
    if sample is None:
        own = encoder_for(task.kind, callers_encoder(context.encoder, context))
        return EncoderChoice(own, f"Encoder {_short(own)} is kept: no row can be held out to compare it with others.")
    trials: list[Trial] = []
    missing: list[str] = []
    for number, name in enumerate(names):
        context.progress(number / len(names), f"trying the encoder {Path(name).name}")
        try:
            encoder = encoder_for(task.kind, callers_encoder(name, context))
        except ClasswrightError as error:
            if name == context.encoder or isinstance(error, Cancelled):
                raise
            missing.append(f"{name!r} {error.reason}")
            continue
        if reason := unfit_for(method, encoder):
            missing.append(f"{Path(name).name!r} {reason}")
            continue
        trials.append(
            _tried(encoder, sample, int(data.rows.labels.max()) + 1, cache, lambda: context.progress(None, ""))
        )
    if not trials:
        raise InvalidInput("encoder 'auto'", f"finds none to train on: {'; '.join(missing)}", "Use method 'probe'.")
    return EncoderChoice(max(trials, key=lambda one: one.quality).encoder, _remark(trials, sample, missing))


def encoders_at_hand(languages: Sequence[str], context: ToolContext) -> list[str]:
    """Return the names of the encoders to try: the operator's own, those on this machine, one of the hub."""
    names = [context.encoder, DEFAULT_ENCODER, *kept_encoders(context.workspace.encoders)]
    if context.is_operator:
        names += cached_encoders()
    if context.hub:
        is_english = all(tag.split("-")[0].lower() == "en" for tag in languages)
        names.append(FOR_ENGLISH if is_english else MULTILINGUAL)
    return list(dict.fromkeys(names))


def _sample(rows: Rows, validation: Rows | None, seed: int, *, alike: bool) -> _Sample | None:
    """Return the rows to choose by; None where none can be held out."""
    known = rows.take(sampled_places(rows.labels, SAMPLE, LEAST_OF_LABEL, seed))
    if validation and validation.origin in REAL_TEXTS and len(validation) >= ENOUGH_REAL:
        places = np.random.default_rng(seed).permutation(len(validation))[:MOST_VALIDATION]
        checked = validation.take(places)
        return _Sample(
            texts=(*known.texts, *checked.texts),
            labels=np.concatenate([known.labels, checked.labels]),
            folds=[(np.arange(len(known)), len(known) + np.arange(len(checked)))],
            words=f"{len(checked)} validation rows of real texts, trained on {len(known)} rows",
            alike=alike,
        )
    folds = grouped_folds(known, seed)
    words = f"{len(known)} training rows, held out group by group"
    return _Sample(known.texts, known.labels, folds, words, alike) if folds else None


def _tried(encoder: Encoder, sample: _Sample, k: int, cache: EmbeddingCache, tell: Callable[[], None]) -> Trial:
    """Return how well the embeddings of `encoder` separate the `k` labels, by the best of the probe's penalties."""
    timed = sample.texts[:: max(1, len(sample.texts) // TIMED)]
    started = time.perf_counter()
    encoder.embed(timed)
    seconds = (time.perf_counter() - started) / len(timed) * 1_000
    embeddings = encoder.embed(sample.texts, cache, lambda _: tell())
    logits: list[list[np.ndarray]] = [[] for _ in CANDIDATES]
    for train, held in sample.folds:
        for own, c in zip(logits, CANDIDATES, strict=True):
            tell()
            head = fit_head(embeddings[train], sample.labels[train], k, c=c, balanced=sample.alike)
            own.append(head.logits(embeddings[held]))
    held_out = np.concatenate([held for _, held in sample.folds])
    tried = (_trial(encoder, sample, held_out, np.concatenate(own), seconds) for own in logits)
    return max(tried, key=lambda one: one.quality)


def _trial(encoder: Encoder, sample: _Sample, held: np.ndarray, logits: np.ndarray, seconds: float) -> Trial:
    """Return the trial whose answers to the rows at the places `held` (n,) are `logits` (n, k)."""
    labels, ranked = sample.labels[held], None
    if sample.mismatch is not None and (labels == sample.mismatch).any():
        queries = query_numbers([sample.texts[place] for place in held])
        ranked = Ranked(labels == sample.mismatch, queries, softmax(logits)[:, sample.mismatch])
    weight = 1 / np.bincount(labels)[labels] if sample.alike else None
    return Trial(encoder, logits.argmax(axis=1) == labels, seconds, ranked, weight)


def _remark(trials: Sequence[Trial], sample: _Sample, missing: Sequence[str]) -> str:
    """Return what was tried and found, the best first."""
    best, *others = sorted(trials, key=lambda one: one.quality, reverse=True)
    beside = f"; {', '.join(map(str, others))}" if others else ", the only one that could be tried"
    lead = f" {best.lead_over(others[0])}" if others else ""
    lacking = f" Not tried: {'; '.join(missing)}." if missing else ""
    measure = "balanced accuracy" if sample.alike else "accuracy"
    if best.ranked:
        measure = "average precision of the mismatches"
    chosen = f"Encoder chosen by the {measure} of a simple classifier (probe) on {sample.words}"
    return f"{chosen}: {best}{beside}.{lead}{lacking}"


def _short(encoder: Encoder) -> str:
    return repr(Path(encoder.ref.name).name)
