"""Findings about generated rows: figures, warnings, and one sentence of advice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classwright_tools.augmentation import guards
from classwright_tools.augmentation.elsewhere import LEAST_GAIN
from classwright_tools.augmentation.faithfulness import Neighbourhoods, faithfulness, real_reference
from classwright_tools.augmentation.helper_classifier import fit_helper
from classwright_tools.augmentation.methods import Material
from classwright_tools.augmentation.pair_sphere import as_compared
from classwright_tools.domain.augmentation import FaithfulnessFigures, Likeness, MeasuredGain
from classwright_tools.learning.generated import Generated


@dataclass(frozen=True)
class Findings:
    """The figures of generated rows, and what is wrong with them."""

    figures: FaithfulnessFigures
    warnings: tuple[str, ...]


def examine(material: Material, made: Generated, seed: int) -> Findings:
    """Return how faithful the rows that were `made` are to the real ones."""
    real = as_compared(material.kind, material.embeddings)
    found = faithfulness(as_compared(material.kind, made.embeddings), real, seed)
    reference = real_reference(real, seed)
    # Labels count alike: without that the helper gives a label of five rows beside forty nothing, its own rows neither.
    each = 1 / np.bincount(material.labels, minlength=len(material.names))
    row_weights = len(material) / len(material.names) * each[material.labels]
    helper = fit_helper(material.embeddings, material.label_vectors, row_weights)
    wanted = np.eye(len(material.names), dtype=np.float32)[made.labels]
    warnings = (
        guards.label_collapse(helper.labels_of(made.embeddings), wanted, material.names),
        guards.mode_collapse(found, reference.recall),
        guards.copies(found),
    )
    figures = FaithfulnessFigures(
        generated=_likeness(found.neighbourhoods),
        real=_likeness(reference),
        vendi_ratio=found.vendi_ratio,
        cosine=found.cosine,
        real_cosine=found.real_cosine,
        nearest=found.nearest,
        copies=found.copies,
    )
    return Findings(figures, tuple(warning for warning in warnings if warning))


def advice_on(measured: MeasuredGain, warnings: tuple[str, ...] = (), *, transfers: bool = False) -> str:
    """Return one sentence: use the rows, do not, or it cannot be told, because of what was measured.

    `warnings` are what is wrong with the rows, `transfers` says that what was learned comes from a corpus.
    """
    gain, advice = measured.gain, measured.advice
    value, low, high, likely = (f"{100 * one:+.1f}" for one in (gain.value, gain.low, gain.high, measured.expected))
    gained = f"held-out rows gain {value} points of {measured.judged_by} ({low} to {high}), and {likely} is expected"
    if measured.judged_by == "balanced accuracy":
        gained += f", and {100 * (measured.accuracy - measured.without):+.1f} of accuracy"
    elif measured.balanced_accuracy is not None and measured.balanced_without is not None:
        change = 100 * (measured.balanced_accuracy - measured.balanced_without)
        gained += f", and {change:+.1f} where labels count alike"
    if advice.verdict == "do not use it":
        least = f"{100 * LEAST_GAIN:g} point or more, the least that is worth it,"
        return f"Do not use it, because a gain of {least} is improbable: {gained}."
    if advice.verdict == "cannot be told":
        enough = f"; about {advice.rows_to_tell:,} would tell" if advice.rows_to_tell else ""
        return f"It cannot be told from {advice.rows:,} rows whether to use it: {gained}{enough}."
    notes = [gained]
    if gain.low <= 0:
        notes.append("by itself that may be chance, but such rows gained on other sets too")
    if transfers:
        notes.append("the corpus is what helps, so train on it directly if you may")
    notes.extend(f"{warning[0].lower()}{warning[1:].removesuffix('.')}" for warning in warnings)
    return f"Use it, because {'; '.join(notes)}."


def _likeness(found: Neighbourhoods) -> Likeness:
    return Likeness(precision=found.precision, recall=found.recall, density=found.density, coverage=found.coverage)
