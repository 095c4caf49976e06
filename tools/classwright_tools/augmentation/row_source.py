"""An augmentation as a training sees it: rows beside the real ones, and never any made from a held-out row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from classwright_tools.augmentation.files import Augmentation, load_augmentation
from classwright_tools.augmentation.methods import Material, Recipe, generate
from classwright_tools.augmentation.pair_sphere import as_features, on_sphere
from classwright_tools.domain.cards import EncoderRef
from classwright_tools.errors import InvalidInput
from classwright_tools.learning.encoders import shown_name
from classwright_tools.learning.generated import Generated
from classwright_tools.learning.methods.registry import METHODS
from classwright_tools.learning.rows import Rows
from classwright_tools.workspace.workspace import Workspace


@dataclass(frozen=True)
class AugmentationSource:
    """Gives the stored rows to a training on all rows, and rows generated anew to one on a part of them."""

    augmentation: Augmentation

    @property
    def penalty(self) -> float:
        """The classifier's C that the gain was measured with."""
        return self.augmentation.card.measured.penalty

    def beside(self, rows: Rows, embeddings: np.ndarray) -> Generated:
        """Return the rows to train on beside `rows`, whose `embeddings` or pairs' features are (n, d).

        The stored ones were generated from all training rows. In a fold they would bring the held-out rows in by the
        back door, so the same recipe is followed on the fold's rows.
        """
        card = self.augmentation.card
        if len(rows) == card.real_rows:
            made = self.augmentation.rows
        else:
            real = on_sphere(card.kind, embeddings)
            pretrained = self.augmentation.pretrained
            material = Material(real, rows.labels, rows.groups, card.labels, pretrained, card.kind)
            made = generate(Recipe(card.method, card.target, card.weight or 0.0, card.seed), material)
        return replace(made, embeddings=as_features(card.kind, made.embeddings))


def row_source(
    workspace: Workspace,
    id_: str,
    dataset: str,
    labels: Sequence[str],
    encoder: EncoderRef,
    *,
    method: str,
    imbalance: str,
) -> AugmentationSource:
    """Return the augmentation `id_` as a source of rows for a training by `method` on `dataset`.

    Raises:
        NotFound: there is no such augmentation.
        InvalidInput: it is for another method, treatment of imbalance, dataset, list of labels or encoder.
        DamagedArtifact: it does not read back.
    """
    subject = f"augmentation {id_!r}"
    able = [one.name for one in METHODS.values() if one.takes_generated]
    if method not in able:
        reason = f"holds embeddings, which method {method!r} cannot train on"
        raise InvalidInput(subject, reason, f"Use method={' or '.join(map(repr, able))}.")
    if imbalance not in ("none", "class_weights"):
        raise InvalidInput(
            subject,
            f"does not go with imbalance={imbalance!r}, which looks at the shares of real rows",
            "Leave `imbalance` out: the generated rows have each label alike.",
        )
    found = load_augmentation(workspace, id_)
    card = found.card
    if card.dataset != dataset:
        raise InvalidInput(
            subject,
            f"was generated from {card.dataset!r}, not from {dataset!r}",
            f"Train on {card.dataset!r}, or call `gan_augment` with dataset={dataset!r}.",
        )
    if card.labels != tuple(labels):
        raise InvalidInput(subject, "has not the labels that the task has now", "Call `gan_augment` again.")
    if card.encoder.digest != encoder.digest:
        raise InvalidInput(
            subject,
            f"was generated with the encoder {shown_name(card.encoder.name)!r}, not with {shown_name(encoder.name)!r}",
            "Leave `encoder` out: `gan_augment` takes the server's. If that has changed since, call it again.",
        )
    return AugmentationSource(found)
