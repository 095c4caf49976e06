"""The gains of generated rows on other sets, by `benchmarks/advice.py`: what is expected before any is measured."""

from __future__ import annotations

from dataclasses import replace

from classwright_tools.augmentation.methods import Material, Recipe
from classwright_tools.domain.augmentation import GenerationMethod
from classwright_tools.statistics.advising import DifferencePrior

LEAST_GAIN = 0.01  # of accuracy: less is not worth the rows
DOUBT = 0.1  # that the corpus means something else by the names of its labels: to train on its rows then costs much
# Where the corpus has all labels of the task; with some it is less. Without any, and without a corpus, nothing gained.
TRANSFERRED: dict[GenerationMethod, DifferencePrior] = {
    "gan": DifferencePrior(0.045, 0.03, DOUBT),
    "distribution_calibration": DifferencePrior(0.012, 0.02, DOUBT),
}
NOTHING = DifferencePrior(0.0, 0.0075)
FULL_GAIN_ROWS = 25  # of a label: the gain is the same with fewer, and half as large with each doubling of them


def prior_of(recipe: Recipe, material: Material) -> DifferencePrior:
    """Return what rows by `recipe` gained on other sets, with as many real rows a label as `material` has."""
    found, known = TRANSFERRED.get(recipe.method), sum(material.known) / len(material.names)
    if found is None or not known:
        return NOTHING
    each = len(material) / len(material.names)
    return replace(found, mean=found.mean * known * min(1.0, FULL_GAIN_ROWS / each))
