"""The losses of the conditional GAN, and the loop that trains it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, gumbel_softmax

from classwright_tools.augmentation.gan import JOINT_TEMPERATURE, Discriminator, Generator
from classwright_tools.augmentation.gan_settings import GanSettings
from classwright_tools.augmentation.helper_classifier import HelperClassifier
from classwright_tools.learning.torch_state import one_thread, seeded

Pairs = tuple[Tensor, Tensor]
Progress = Callable[[float], None]
Checkpoint = Callable[[int, Generator], None]
"""Is told how many steps were made and the averaged generator after them."""

BATCH = 128
NOISE = 0.3  # standard deviation of the fresh noise, in the space's whitened units
SMOOTH_TARGET = 0.9  # Salimans and others 2016, "Improved techniques for training GANs", section 3.4
BALANCE_WEIGHT = 5.0
AVERAGING = 0.995  # of the generator's weights over steps
SOFT_SHARE = 0.97  # of a real label vector before it is relaxed: else hard labels give the real rows away
CHECK_EVERY = 50  # steps


@dataclass(frozen=True)
class Pace:
    """Learning rates of both networks, and the weight of the consistency loss."""

    generator: float
    discriminator: float
    consistency: float


PRETRAINING = Pace(generator=1e-4, discriminator=4e-4, consistency=1.0)
TUNING = Pace(generator=5e-5, discriminator=2e-4, consistency=0.5)


@dataclass
class Networks:
    """A generator and its discriminator."""

    generator: Generator
    discriminator: Discriminator


def new_networks(width: int, labels: int, settings: GanSettings, seed: int) -> Networks:
    """Return untrained networks for codes (n, `width`) and label vectors (n, `labels`)."""
    with seeded(seed):
        return Networks(
            Generator(width, labels, gaussian_start=settings.gaussian_start, joint=settings.joint),
            Discriminator(width, labels, joint=settings.joint),
        )


def train_networks(
    networks: Networks,
    codes: npt.NDArray[np.float32],
    labels: npt.NDArray[np.float32],
    helper: HelperClassifier,
    settings: GanSettings,
    pace: Pace,
    steps: int,
    seed: int,
    *,
    at_checkpoint: Checkpoint | None = None,
    progress: Progress = lambda _: None,
) -> Networks:
    """Train on real `codes` (n, r) and label vectors `labels` (n, K), and return the networks.

    The generator that is returned is the running average over steps. `at_checkpoint` is called before the first step,
    after every `CHECK_EVERY` and after the last. A GPU is used where there is one.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    generator = copy.deepcopy(networks.generator).to(device).train()
    discriminator = copy.deepcopy(networks.discriminator).to(device).train()
    averaged = copy.deepcopy(generator).eval()
    update_generator = _adam(generator, pace.generator)
    update_discriminator = _adam(discriminator, pace.discriminator)
    real_codes, real_labels = (torch.from_numpy(array).to(device) for array in (codes, labels))
    batches = _balanced_batches(labels, steps, seed)
    losses = _Losses(settings, helper.on(device), pace.consistency)
    with seeded(seed), one_thread():
        for step in range(steps):
            if step % CHECK_EVERY == 0:
                progress(step / steps)
                if at_checkpoint:
                    at_checkpoint(step, averaged)
            x, y = real_codes[batches[step]], real_labels[batches[step]]
            fakes = generator(torch.randn(len(x), generator.width, device=device), y)
            _step(update_discriminator, losses.of_discriminator(discriminator, (x, y), fakes))
            discriminator.requires_grad_(False)
            _step(update_generator, losses.of_generator(discriminator, *fakes))
            discriminator.requires_grad_(True)
            _follow(averaged, generator)
        if at_checkpoint:
            at_checkpoint(steps, averaged)
    return Networks(averaged.cpu(), discriminator.cpu())


class _Losses:
    """Non-saturating cross-entropy losses (label smoothing needs these, not the hinge)."""

    def __init__(self, settings: GanSettings, helper: HelperClassifier, consistency: float) -> None:
        self._settings = settings
        self._helper = helper
        self._consistency = consistency if settings.consistency else 0.0

    def of_discriminator(self, judge: Discriminator, reals: Pairs, fakes: Pairs) -> Tensor:
        """BCE(D(x + n, y), 0.9) + BCE(D(G), 0), with n ~ N(0, 0.3^2) drawn anew."""
        x, y = reals
        if self._settings.fresh_noise:
            x = x + NOISE * torch.randn_like(x)
        if self._settings.joint:
            y = _relaxed(y)
        both = judge(torch.cat([x, fakes[0].detach()]), torch.cat([y, fakes[1].detach()]))
        real, fake = both.split(len(x))
        target = SMOOTH_TARGET if self._settings.smoothing else 1.0
        return _bce(real, target) + _bce(fake, 0.0)

    def of_generator(self, judge: Discriminator, codes: Tensor, labels: Tensor) -> Tensor:
        """BCE(D(G), 1) + lambda CE(l, C(e)), and for the joint form + 5 KL(mean l || uniform)."""
        loss = _bce(judge(codes, labels), 1.0)
        if self._consistency:
            loss = loss + self._consistency * self._helper.disagreement(codes, labels)
        if self._settings.joint and self._settings.label_balance:
            shares = labels.mean(dim=0).clamp(min=1e-6)
            loss = loss + BALANCE_WEIGHT * (shares * (shares * len(shares)).log()).sum()
        return loss


def _bce(scores: Tensor, target: float) -> Tensor:
    return binary_cross_entropy_with_logits(scores, torch.full_like(scores, target))


def _relaxed(labels: Tensor) -> Tensor:
    """Return one-hot vectors as soft as those that the joint generator draws."""
    share = SOFT_SHARE * labels + (1 - SOFT_SHARE) / labels.shape[1]
    return gumbel_softmax(share.log(), tau=JOINT_TEMPERATURE)


def _adam(network: nn.Module, rate: float) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), lr=rate, betas=(0.0, 0.99), fused=True)


def _step(optimiser: torch.optim.Adam, loss: Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]  # torch's
    optimiser.step()


@torch.no_grad()
def _follow(averaged: Generator, generator: Generator) -> None:
    """Move the running average of the weights a little towards `generator`."""
    torch._foreach_lerp_(list(averaged.parameters()), list(generator.parameters()), 1 - AVERAGING)


def _balanced_batches(labels: npt.NDArray[np.float32], steps: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the places of the rows of each batch (steps, BATCH): every label is drawn as often as every other."""
    counts = np.maximum(labels.sum(axis=0), 1)
    weights = (labels / counts).sum(axis=1) / np.maximum(labels.sum(axis=1), 1)
    share = weights / weights.sum() if weights.sum() else None
    return np.random.default_rng(seed).choice(len(labels), size=(steps, BATCH), p=share)
