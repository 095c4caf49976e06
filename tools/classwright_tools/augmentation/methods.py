"""Methods of generating rows, by name, and how many rows they make."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from classwright_tools.augmentation.base_classes import same_names
from classwright_tools.domain.augmentation import GenerationMethod
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.task import TaskKind
from classwright_tools.errors import InvalidInput
from classwright_tools.learning.generated import Generated

if TYPE_CHECKING:
    from classwright_tools.augmentation.gan_fitting import Pretrained

GENERATION_METHODS: tuple[GenerationMethod, ...] = ("distribution_calibration", "gan", "smote", "mixup")
DEFAULT_WEIGHT = 1.0
DRAWN = 1_000  # rows over all labels where only their weight was asked for: more make the same classifier
LEAST_DRAWN = 50  # a label's
LEAST_REAL = 2  # rows of a label: of one no others can be made
MOST_GENERATED = 100_000


@dataclass(frozen=True)
class Material:
    """Scarce rows: embeddings (n, d), label numbers (n,), groups (n,) that stay together, and the labels' names (K,).

    The embeddings have unit length; those of pairs are on the sphere of `pair_sphere.py`. `pretrained` is what a large
    corpus taught, if there is one.
    """

    embeddings: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    groups: npt.NDArray[np.int64]
    names: tuple[str, ...]
    pretrained: Pretrained | None = None
    kind: TaskKind = "text"

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def label_vectors(self) -> npt.NDArray[np.float32]:
        """The labels as one-hot vectors (n, K)."""
        return np.eye(len(self.names), dtype=np.float32)[self.labels]

    @property
    def known(self) -> tuple[bool, ...]:
        """Whether the corpus has a label of the same name, (K,); False without a corpus."""
        names = self.pretrained.base.names if self.pretrained else ()
        return tuple(place is not None for place in same_names(self.names, names))

    def with_pretrained(self, pretrained: Pretrained) -> Material:
        """Return the rows with what a corpus taught."""
        return replace(self, pretrained=pretrained)

    def take(self, places: npt.NDArray[np.int64]) -> Material:
        """Return the rows at `places` (m,)."""
        return replace(self, embeddings=self.embeddings[places], labels=self.labels[places], groups=self.groups[places])


@dataclass(frozen=True)
class Recipe:
    """How rows are generated. With `target` every label is brought to so many rows, each as good as a real one.

    Else all generated rows together weigh `weight` times what the real rows do, each label alike.
    """

    method: GenerationMethod
    target: int | None
    weight: float
    seed: int


def recipes_for(
    method: GenerationMethod | Literal["auto"], target: int | None, weight: float | None, seed: int, material: Material
) -> list[Recipe]:
    """Return the recipe of the method that was asked for, or those that `auto` chooses from.

    Raises:
        InvalidInput: every label has the target already, or it asks for more rows than are generated at once.
    """
    methods = GENERATION_METHODS if method == "auto" else (method,)
    recipes = [Recipe(one, target, weight or DEFAULT_WEIGHT, seed) for one in methods]
    wanted = int(rows_to_generate(recipes[0], material.labels, len(material.names)).sum())
    if not 0 < wanted <= MOST_GENERATED:
        reason = "every label has that many rows" if wanted == 0 else f"asks for {counted(wanted, 'row')}"
        raise InvalidInput(f"target {target}", reason, f"Choose one that asks for 1 to {MOST_GENERATED:,} rows in all.")
    return recipes


def generate(recipe: Recipe, material: Material) -> Generated:
    """Return rows made from `material` alone, and from what its corpus taught."""
    counts = rows_to_generate(recipe, material.labels, len(material.names))
    if not counts.sum():
        return Generated(
            np.zeros((0, material.embeddings.shape[1]), np.float32), np.zeros(0, np.int64), np.zeros(0, np.float32)
        )
    labels = np.repeat(np.arange(len(counts)), counts)
    embeddings = _made(recipe, material, labels)
    weight = 1.0 if recipe.target else recipe.weight * len(material) / len(labels)
    return Generated(embeddings, labels, np.full(len(labels), weight, np.float32))


def rows_to_generate(recipe: Recipe, labels: npt.NDArray[np.int64], k: int) -> npt.NDArray[np.int64]:
    """Return how many rows (K,) to generate of each of `k` labels beside the real ones with `labels` (n,).

    It is 0 for a label with fewer real rows than there must be to make others of; a part of the rows may have such.
    """
    real = np.bincount(labels, minlength=k)
    wanted = np.maximum(recipe.target - real, 0) if recipe.target else np.full(k, max(LEAST_DRAWN, DRAWN // k))
    return np.where(real < LEAST_REAL, 0, wanted)


def _made(recipe: Recipe, material: Material, labels: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    wanted = np.eye(len(material.names), dtype=np.float32)[labels]
    rows, own = material.embeddings, material.label_vectors
    if recipe.method == "gan":
        from classwright_tools.augmentation.gan_fitting import fit_gan
        from classwright_tools.augmentation.gan_form import GanForm

        # What a corpus taught gains nothing by fine-tuning, which takes ten times the time (benchmarks/RESULTS.md, s1).
        form = GanForm(tuning_steps=0) if material.pretrained else GanForm()
        gan = fit_gan(rows, own, material.names, material.pretrained, form, recipe.seed, groups=material.groups)
        return gan.draw(wanted, recipe.seed)
    if recipe.method == "smote":
        from classwright_tools.augmentation.interpolation import smote_rows

        return smote_rows(rows, material.labels, np.bincount(labels, minlength=len(material.names)), recipe.seed)[0]
    if recipe.method == "mixup":
        from classwright_tools.augmentation.interpolation import mixed_rows

        return mixed_rows(rows, own, wanted, recipe.seed)
    from classwright_tools.augmentation.distribution_calibration import calibrated_rows

    base = material.pretrained.base if material.pretrained else None
    return calibrated_rows(rows, own, material.names, base, wanted, recipe.seed)
