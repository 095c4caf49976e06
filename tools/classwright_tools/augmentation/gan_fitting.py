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
from classwright_tools.augmentation.gan_form import GanForm, Networks
from classwright_tools.augmentation.gan_training import (
    PRETRAINING,
    TUNING,
    Checkpoint,
    Progress,
    train_networks,
)
from classwright_tools.augmentation.helper_classifier import fit_helper
from classwright_tools.augmentation.relabelling import relabelled
from classwright_tools.augmentation.space import Floats, WhitenedSpace, fit_space
from classwright_tools.learning.torch_state import seeded

Labels = npt.NDArray[np.float32]

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
    form: GanForm
    steps: int

    def draw(self, labels: Labels, seed: int) -> npt.NDArray[np.float32]:
        """Return an embedding (n, d) for each label vector (n, K)."""
        generator = self.networks.generator
        with seeded(seed), torch.no_grad():
            codes, _ = generator(torch.randn(len(labels), generator.width), torch.from_numpy(labels))
        return self.space.decode(codes.numpy(), np.random.default_rng(seed), self.shift)


def pretrain(
    embeddings: Floats,
    labels: Labels,
    names: Sequence[str],
    form: GanForm,
    seed: int,
    progress: Progress = lambda _: None,
) -> Pretrained:
    """Train on a large corpus: `embeddings` (n, d) with one-hot `labels` (n, K) whose columns are `names`."""
    base = base_classes(embeddings, labels, names)
    codes = base.space.encode(embeddings)
    networks = _with_means(form.networks(codes.shape[1], labels.shape[1], seed), class_means(codes, labels))
    helper = fit_helper(codes, labels)
    steps = form.pretraining_steps
    trained = train_networks(networks, codes, labels, helper, form, PRETRAINING, steps, seed, progress=progress)
    return Pretrained(base, trained)


def fit_gan(
    embeddings: Floats,
    labels: Labels,
    names: Sequence[str],
    pretrained: Pretrained | None,
    form: GanForm,
    seed: int,
    groups: npt.NDArray[np.int64] | None = None,
) -> FittedGan:
    """Return the GAN fine-tuned on scarce rows: `embeddings` (n, d) with one-hot `labels` (n, K) named by `names`.

    A label whose namesake the corpus has starts from what was learned of it; another one starts at the mean of its own
    rows. Without `pretrained` the space and the networks come from the rows alone.
    `groups` (n,) are kept together when rows are held out for the early stop.
    """
    start = _start(embeddings, labels, names, pretrained, form, seed)
    steps = form.tuning_steps
    if steps and len(labels) >= form.stopping_rows:
        steps = _useful_steps(start, embeddings, labels, groups, seed)
    return _tuned(start, embeddings, labels, steps, seed)


def _start(
    embeddings: Floats,
    labels: Labels,
    names: Sequence[str],
    pretrained: Pretrained | None,
    form: GanForm,
    seed: int,
) -> FittedGan:
    """Return the GAN before its first step of fine-tuning."""
    if pretrained is None:
        space, shift = fit_space(embeddings), np.zeros(embeddings.shape[1], np.float32)
        networks = form.networks(space.components, labels.shape[1], seed)
        own = class_means(space.encode(embeddings), labels)
        return FittedGan(_with_means(networks, own), space, shift, form, 0)
    assert pretrained.networks is not None  # they are left out only where no GAN is fitted
    base = pretrained.base
    matched = same_names(names, base.names)
    shift = domain_shift(base, matched, embeddings, labels)
    own = class_means(base.space.encode(embeddings, shift), labels)
    networks = relabelled(pretrained.networks, matched)
    learned = networks.generator.means.detach().numpy()
    is_new = np.array([place is None for place in matched])[:, None]
    means = np.where(is_new, own, form.known_means(learned, own, labels.sum(axis=0)))
    return FittedGan(_with_means(networks, means.astype(np.float32)), base.space, shift, form, 0)


def _tuned(start: FittedGan, embeddings: Floats, labels: Labels, steps: int, seed: int) -> FittedGan:
    networks = _train(start, embeddings, labels, steps, seed)
    return FittedGan(networks, start.space, start.shift, start.form, steps)


def _train(
    start: FittedGan, embeddings: Floats, labels: Labels, steps: int, seed: int, note: Checkpoint | None = None
) -> Networks:
    codes = start.space.encode(embeddings, start.shift)
    helper = fit_helper(codes, labels)
    return train_networks(start.networks, codes, labels, helper, start.form, TUNING, steps, seed, at_checkpoint=note)


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
        return start.form.tuning_steps  # a label would be without rows: nothing to be learned from this
    wanted = kept_labels[generator.integers(0, len(kept_labels), USEFULNESS_ROWS)]
    scores: dict[int, float] = {}

    def note(step: int, averaged: Generator) -> None:
        networks = Networks(copy.deepcopy(averaged).cpu(), start.networks.discriminator)
        made = replace(start, networks=networks).draw(wanted, seed)
        weights = np.concatenate([np.ones(len(kept)), np.full(len(made), len(kept) / len(made))])
        classifier = fit_helper(np.concatenate([kept, made]), np.concatenate([kept_labels, wanted]), weights)
        scores[step] = float((classifier.labels_of(embeddings[is_held]) == labels[is_held]).mean())

    _train(start, kept, kept_labels, start.form.tuning_steps, seed, note)
    return min(scores, key=lambda step: (-scores[step], step))


def _with_means(networks: Networks, means: npt.NDArray[np.float32]) -> Networks:
    """Return the networks with the generator's means (K, r) set."""
    with torch.no_grad():
        networks.generator.means.copy_(torch.from_numpy(means))
    return networks
