"""The loop that trains the conditional GAN."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from classwright_tools.augmentation.gan import Generator
from classwright_tools.augmentation.gan_form import GanForm, Networks
from classwright_tools.augmentation.helper_classifier import HelperClassifier
from classwright_tools.learning.torch_state import one_thread, seeded

Progress = Callable[[float], None]
Checkpoint = Callable[[int, Generator], None]
"""Is told how many steps were made and the averaged generator after them."""

BATCH = 128
AVERAGING = 0.995  # of the generator's weights over steps
CHECK_EVERY = 50  # steps


@dataclass(frozen=True)
class Pace:
    """Learning rates of both networks, and the weight of the consistency loss."""

    generator: float
    discriminator: float
    consistency: float


PRETRAINING = Pace(generator=1e-4, discriminator=4e-4, consistency=1.0)
TUNING = Pace(generator=5e-5, discriminator=2e-4, consistency=0.5)


def train_networks(
    networks: Networks,
    codes: npt.NDArray[np.float32],
    labels: npt.NDArray[np.float32],
    helper: HelperClassifier,
    form: GanForm,
    pace: Pace,
    steps: int,
    seed: int,
    *,
    at_checkpoint: Checkpoint | None = None,
    progress: Progress = lambda _: None,
) -> Networks:
    """Train on real `codes` (n, r) and their one-hot `labels` (n, K), and return the networks.

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
    losses = form.losses(helper.on(device), pace.consistency)
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
    weights = (labels / np.maximum(labels.sum(axis=0), 1)).sum(axis=1)
    return np.random.default_rng(seed).choice(len(labels), size=(steps, BATCH), p=weights / weights.sum())
