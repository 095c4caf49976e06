"""The GAN from pre-training to generated embeddings: train on a corpus, adapt to a task's labels, fine-tune, draw."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from classwright_tools.augmentation.base_classes import BaseClasses, base_classes, class_means, domain_shift, same_names
from classwright_tools.augmentation.gan import Generator
from classwright_tools.augmentation.gan_settings import GanSettings
from classwright_tools.augmentation.gan_training import (
    PRETRAINING,
    TUNING,
    Checkpoint,
    Networks,
    Progress,
    new_networks,
    train_networks,
)
from classwright_tools.augmentation.helper_classifier import fit_helper, is_exclusive
from classwright_tools.augmentation.relabelling import relabelled
from classwright_tools.augmentation.space import Floats, WhitenedSpace, fit_space
from classwright_tools.errors import InvalidInput
from classwright_tools.learning.torch_state import seeded

Labels = npt.NDArray[np.float32]

SHRINKAGE = 30.0  # rows at which a label's own mean and what is known without it count alike
LEAST_STOPPING_ROWS = 40  # with fewer, a fifth held out tells nothing about when to stop
USEFULNESS_ROWS = 400  # generated to see how useful the generator is


@dataclass(frozen=True)
class Pretrained:
    """What is kept of a corpus' classes, and the networks trained on it; None where only the classes were wanted."""

    base: BaseClasses
    networks: Networks | None


@dataclass(frozen=True)
class FittedGan:
    """A generator for a task's labels: its space, and the domain's shift (d,) in it."""

    networks: Networks
    space: WhitenedSpace
    shift: npt.NDArray[np.float32]
    settings: GanSettings
    steps: int

    def draw(self, labels: Labels, seed: int) -> tuple[npt.NDArray[np.float32], Labels]:
        """Return an embedding (n, d) for each label vector (n, K), and the vectors: those drawn, if `joint`."""
        generator = self.networks.generator
        with seeded(seed), torch.no_grad():
            codes, drawn = generator(torch.randn(len(labels), generator.width), torch.from_numpy(labels))
        if self.settings.joint:
            drawn = torch.nn.functional.one_hot(drawn.argmax(dim=1), labels.shape[1]).float()
        noise = np.random.default_rng(seed)
        return self.space.decode(codes.numpy(), noise, self.shift, filler=self.settings.filler), drawn.numpy()


def pretrain(
    embeddings: Floats,
    labels: Labels,
    names: Sequence[str],
    settings: GanSettings,
    seed: int,
    progress: Progress = lambda _: None,
) -> Pretrained:
    """Train on a large corpus: `embeddings` (n, d) with label vectors (n, K) whose columns are `names`."""
    base = base_classes(embeddings, labels, names)
    codes = base.space.encode(embeddings)
    networks = _with_means(new_networks(codes.shape[1], labels.shape[1], settings, seed), class_means(codes, labels))
    _refuse_joint_multi_label(labels, settings)
    helper = fit_helper(codes, labels)
    steps = settings.pretraining_steps
    trained = train_networks(networks, codes, labels, helper, settings, PRETRAINING, steps, seed, progress=progress)
    return Pretrained(base, trained)


def fit_gan(
    embeddings: Floats,
    labels: Labels,
    names: Sequence[str],
    pretrained: Pretrained | None,
    settings: GanSettings,
    seed: int,
    groups: npt.NDArray[np.int64] | None = None,
) -> FittedGan:
    """Return the GAN fine-tuned on scarce rows: `embeddings` (n, d) with label vectors (n, K) named by `names`.

    A label whose namesake the corpus has starts from what was learned of it; another one starts at the mean of its own
    rows. Without `pretrained`, or with it switched off, the space and the networks come from the rows alone.
    `groups` (n,) are kept together when rows are held out for the early stop.
    """
    _refuse_joint_multi_label(labels, settings)
    start = _start(embeddings, labels, names, pretrained if settings.pretraining else None, settings, seed)
    steps = settings.tuning_steps
    if settings.early_stop and len(labels) >= LEAST_STOPPING_ROWS:
        steps = _useful_steps(start, embeddings, labels, groups, seed)
    return _tuned(start, embeddings, labels, steps, seed)


def _start(
    embeddings: Floats,
    labels: Labels,
    names: Sequence[str],
    pretrained: Pretrained | None,
    settings: GanSettings,
    seed: int,
) -> FittedGan:
    """Return the GAN before its first step of fine-tuning."""
    if pretrained is None:
        space, shift = fit_space(embeddings), np.zeros(embeddings.shape[1], np.float32)
        networks = new_networks(space.components, labels.shape[1], settings, seed)
        own = class_means(space.encode(embeddings), labels)
        return FittedGan(_with_means(networks, own), space, shift, settings, 0)
    if pretrained.networks is None:
        raise InvalidInput("the corpus", "was not pre-trained on", "Pre-train a GAN on it first.")
    base = pretrained.base
    matched = same_names(names, base.names)
    shift = domain_shift(base, matched, embeddings, labels)
    own = class_means(base.space.encode(embeddings, shift), labels)
    counts = labels.sum(axis=0)
    networks = relabelled(pretrained.networks, matched)
    learned = networks.generator.means.detach().numpy()
    trust = (counts / (counts + SHRINKAGE))[:, None]
    is_new = np.array([place is None for place in matched])[:, None]
    known = trust * own + (1 - trust) * learned if settings.moved_means else learned
    means = np.where(is_new, own, known)
    return FittedGan(_with_means(networks, means.astype(np.float32)), base.space, shift, settings, 0)


def _tuned(start: FittedGan, embeddings: Floats, labels: Labels, steps: int, seed: int) -> FittedGan:
    networks = _train(start, embeddings, labels, steps, seed)
    return FittedGan(networks, start.space, start.shift, start.settings, steps)


def _train(
    start: FittedGan, embeddings: Floats, labels: Labels, steps: int, seed: int, note: Checkpoint | None = None
) -> Networks:
    codes = start.space.encode(embeddings, start.shift)
    helper = fit_helper(codes, labels)
    return train_networks(
        start.networks, codes, labels, helper, start.settings, TUNING, steps, seed, at_checkpoint=note
    )


def _useful_steps(
    start: FittedGan, embeddings: Floats, labels: Labels, groups: npt.NDArray[np.int64] | None, seed: int
) -> int:
    """Return the number of steps after which generated rows help a classifier most on a held-out fifth of the rows.

    The fewest of equals. The held-out groups take no part in the fine-tuning that is measured here.
    """
    generator = np.random.default_rng(seed)
    groups = np.arange(len(labels)) if groups is None else groups
    names = generator.permutation(np.unique(groups))
    is_held = np.isin(groups, names[: max(1, len(names) // 5)])
    kept, kept_labels = embeddings[~is_held], labels[~is_held]
    if not (kept_labels.any(axis=0) == labels.any(axis=0)).all():
        return start.settings.tuning_steps  # a label would be without rows: nothing to be learned from this
    wanted = kept_labels[generator.integers(0, len(kept_labels), USEFULNESS_ROWS)]
    scores: dict[int, float] = {}

    def note(step: int, averaged: Generator) -> None:
        networks = Networks(copy.deepcopy(averaged).cpu(), start.networks.discriminator)
        made, made_labels = replace(start, networks=networks).draw(wanted, seed)
        weights = np.concatenate([np.ones(len(kept)), np.full(len(made), len(kept) / len(made))])
        classifier = fit_helper(np.concatenate([kept, made]), np.concatenate([kept_labels, made_labels]), weights)
        scores[step] = float((classifier.labels_of(embeddings[is_held]) == labels[is_held]).mean())

    _train(start, kept, kept_labels, start.settings.tuning_steps, seed, note)
    return min(scores, key=lambda step: (-scores[step], step))


def _with_means(networks: Networks, means: npt.NDArray[np.float32]) -> Networks:
    """Return the networks with the generator's means (K, r) set."""
    with torch.no_grad():
        networks.generator.means.copy_(torch.from_numpy(means))
    return networks


def _refuse_joint_multi_label(labels: Labels, settings: GanSettings) -> None:
    if settings.joint and not is_exclusive(labels):
        raise InvalidInput(
            "the joint GAN",
            "draws one label a row, and these rows have several",
            "Use the conditional GAN: leave `joint` off.",
        )
