"""Findings about generated rows: figures, warnings, and one sentence of advice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classwright_tools.augmentation import guards
from classwright_tools.augmentation.faithfulness import Neighbourhoods, faithfulness, real_reference
from classwright_tools.augmentation.gain import UNKNOWN_ERROR
from classwright_tools.augmentation.helper_classifier import fit_helper
from classwright_tools.augmentation.methods import Material
from classwright_tools.augmentation.pair_sphere import as_compared
from classwright_tools.domain.augmentation import FaithfulnessFigures, Likeness, MeasuredGain
from classwright_tools.learning.generated import Generated

LEAST_GAIN = 0.005  # of accuracy: less is not worth the rows


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


def helps(measured: MeasuredGain) -> bool:
    """Whether a gain is worth having and above its standard error.

    A decision, not a test: with 50 rows no gain of a few points can be told from chance at 5%, and to leave out what
    probably helps costs more than to keep what does nothing.
    """
    return measured.gain.value >= max(LEAST_GAIN, measured.standard_error)


def is_unknown(measured: MeasuredGain) -> bool:
    """Whether a gain was seen, of folds too few or too much alike to tell it from chance."""
    return measured.gain.value >= LEAST_GAIN and measured.standard_error >= UNKNOWN_ERROR


def advice_on(measured: MeasuredGain, warnings: tuple[str, ...], *, transfers: bool) -> str:
    """Return one sentence: use the rows, or do not, because of what was measured.

    `transfers` says that what was learned comes from a corpus.
    """
    gain = measured.gain
    gained = f"{100 * gain.value:+.1f} points of accuracy ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})"
    if is_unknown(measured):
        return f"Do not use it, because there are too few rows to tell whether it helps: held-out rows gain {gained}."
    if not helps(measured):
        return f"Do not use it, because held-out rows show no clear gain: {gained}."
    notes = [f"held-out rows gain {gained}"]
    if gain.low <= 0:
        notes.append("with so few rows chance cannot be ruled out")
    if transfers:
        notes.append("the corpus is what helps, so train on it directly if you may")
    notes.extend(f"{warning[0].lower()}{warning[1:].removesuffix('.')}" for warning in warnings)
    return f"Use it, because {'; '.join(notes)}."


def _likeness(found: Neighbourhoods) -> Likeness:
    return Likeness(precision=found.precision, recall=found.recall, density=found.density, coverage=found.coverage)
