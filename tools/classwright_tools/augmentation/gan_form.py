"""The form of the conditional GAN: its networks, its losses, where its labels start, and how long it trains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classwright_tools.augmentation.gan import Discriminator, Generator
from classwright_tools.augmentation.gan_losses import Losses
from classwright_tools.augmentation.helper_classifier import HelperClassifier
from classwright_tools.learning.torch_state import seeded


@dataclass
class Networks:
    """A generator and its discriminator."""

    generator: Generator
    discriminator: Discriminator


@dataclass(frozen=True)
class GanForm:
    """The lengths of both trainings, and what is made of networks, losses and means; a variant makes others.

    The number of fine-tuning steps, up to `tuning_steps`, is the one that helps most on rows held out of it, from
    `stopping_rows` on: a fifth of fewer tells nothing about when to stop.
    """

    pretraining_steps: int = 1000
    tuning_steps: int = 100
    stopping_rows: int = 40

    def networks(self, width: int, labels: int, seed: int) -> Networks:
        """Return untrained networks for codes (n, `width`) and label vectors (n, `labels`)."""
        with seeded(seed):
            return Networks(Generator(width, labels), Discriminator(width, labels))

    def losses(self, helper: HelperClassifier, consistency: float) -> Losses:
        """Return the losses that weigh the disagreement with `helper` by `consistency`."""
        return Losses(helper, consistency)

    def known_means(
        self,
        learned: npt.NDArray[np.float32],
        own: npt.NDArray[np.float32],  # noqa: ARG002  # for variants
        counts: npt.NDArray[np.float32],  # noqa: ARG002
    ) -> npt.NDArray[np.float32]:
        """Return where labels (K, r) that the corpus knows start: at what was `learned` of them.

        `own` (K, r) are the means of their `counts` (K,) scarce rows.
        """
        return learned
