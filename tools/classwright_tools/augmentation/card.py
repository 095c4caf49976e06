"""The card of generated rows: what they were made from, by what, what they gain, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np

from classwright_tools.augmentation.findings import advice_on, examine
from classwright_tools.augmentation.methods import Material, Recipe
from classwright_tools.domain.augmentation import AugmentationCard, MatchedCorpus, MeasuredGain
from classwright_tools.domain.task import Task
from classwright_tools.learning.generated import Generated

LIBRARIES = ("torch", "scikit-learn", "imbalanced-learn", "numpy")


def card_of(
    task: Task,
    given: Mapping[str, Any],
    recipe: Recipe,
    gain: MeasuredGain,
    material: Material,
    made: Generated,
    learned: MatchedCorpus | None,
) -> AugmentationCard:
    """Return the card of the rows that were `made` by `recipe`; `given` are its fields of what they were made from."""
    found = examine(material, made, given["seed"])
    counts = np.bincount(made.labels, minlength=len(material.names)).tolist()
    return AugmentationCard(
        **given,
        task=task.slug,
        task_version=task.version,
        kind=task.kind,
        method=recipe.method,
        labels=task.label_names,
        matched_labels=learned.matched if learned else (),
        target=recipe.target,
        weight=None if recipe.target else recipe.weight,
        real_rows=len(material),
        generated_rows=dict(zip(material.names, counts, strict=True)),
        measured=gain,
        faithfulness=found.figures,
        warnings=found.warnings,
        advice=advice_on(gain, found.warnings, transfers=bool(learned and recipe.method == "gan")),
        versions={name: version(name) for name in LIBRARIES},
    )
