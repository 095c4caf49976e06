"""The losses of the conditional GAN: non-saturating cross-entropies (label smoothing needs these, not the hinge)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from classwright_tools.augmentation.gan import Discriminator
from classwright_tools.augmentation.helper_classifier import HelperClassifier

Pairs = tuple[Tensor, Tensor]
"""Codes (n, r) and their label vectors (n, K)."""

NOISE = 0.3  # standard deviation of the fresh noise, in the space's whitened units
SMOOTH_TARGET = 0.9  # Salimans and others 2016, "Improved techniques for training GANs", section 3.4


class Losses:
    """What both networks lose; real rows are seen with fresh noise, and have the target 0.9 instead of 1."""

    real_target = SMOOTH_TARGET

    def __init__(self, helper: HelperClassifier, consistency: float) -> None:
        """Weigh the generator's disagreement with `helper` by `consistency`."""
        self._helper = helper
        self._consistency = consistency

    def seen(self, reals: Pairs) -> Pairs:
        """Return real rows as the discriminator sees them: each gets new noise each time."""
        x, y = reals
        return x + NOISE * torch.randn_like(x), y

    def of_discriminator(self, judge: Discriminator, reals: Pairs, fakes: Pairs) -> Tensor:
        """BCE(D(x + n, y), 0.9) + BCE(D(G), 0), with n ~ N(0, 0.3^2) drawn anew."""
        x, y = self.seen(reals)
        both = judge(torch.cat([x, fakes[0].detach()]), torch.cat([y, fakes[1].detach()]))
        real, fake = both.split(len(x))
        return _bce(real, self.real_target) + _bce(fake, 0.0)

    def of_generator(self, judge: Discriminator, codes: Tensor, labels: Tensor) -> Tensor:
        """BCE(D(G), 1) + lambda CE(l, C(e))."""
        loss = _bce(judge(codes, labels), 1.0)
        if self._consistency:
            loss = loss + self._consistency * self._helper.disagreement(codes, labels)
        return loss


def _bce(scores: Tensor, target: float) -> Tensor:
    return binary_cross_entropy_with_logits(scores, torch.full_like(scores, target))
