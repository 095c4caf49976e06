"""The networks of the conditional GAN over (code, label vector).

A code is a point (r,) of a `WhitenedSpace`; a label vector (K,) is one-hot.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

HIDDEN = 256
SLOPE = 0.2  # of the leaky rectifiers


class Generator(nn.Module):
    """Makes codes (n, r) from noise (n, r) and label vectors (n, K).

    It returns mu_y + z + f(z, y), where f is zero at first: training starts at the Gaussian of each label and corrects
    it.
    """

    def __init__(self, width: int, labels: int) -> None:
        super().__init__()
        self.width, self.labels = width, labels
        self.body = layers(self.inputs(), width)
        self.means = nn.Parameter(torch.zeros(labels, width))
        self.start()

    def inputs(self) -> int:
        """Return how many numbers the network reads of a row."""
        return self.width + self.labels

    def start(self) -> None:
        """Make f zero."""
        last = self.body[-1]
        nn.init.zeros_(last.weight)  # type: ignore[arg-type]  # the last layer is linear
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    def forward(self, noise: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the codes (n, r) and the label vectors (n, K) that they are of, `labels` themselves."""
        moved = self.body(torch.cat([noise, labels], dim=1))
        return moved + noise + labels @ self.means, labels


class Discriminator(nn.Module):
    """Scores pairs of a code and a label vector: the higher, the more real.

    The label enters by projection, w'h(x) + <E y, h(x)> (Miyato and Koyama 2018, "cGANs with projection
    discriminator", equation 3). Spectral normalisation after Miyato and others 2018.
    """

    def __init__(self, width: int, labels: int) -> None:
        super().__init__()
        self.width, self.labels = width, labels
        self.trunk = nn.Sequential(
            spectral_norm(nn.Linear(self.inputs(), HIDDEN)),
            nn.LeakyReLU(SLOPE),
            spectral_norm(nn.Linear(HIDDEN, HIDDEN)),
            nn.LeakyReLU(SLOPE),
        )
        self.score = spectral_norm(nn.Linear(HIDDEN, 1))
        self.label_vectors = nn.Parameter(torch.randn(labels, HIDDEN) / HIDDEN**0.5)

    def inputs(self) -> int:
        """Return how many numbers the trunk reads of a pair."""
        return self.width

    def forward(self, codes: Tensor, labels: Tensor) -> Tensor:
        """Return a logit (n,) for each pair."""
        hidden = self.trunk(codes)
        projected: Tensor = self.score(hidden).squeeze(1) + (hidden * (labels @ self.label_vectors)).sum(dim=1)
        return projected


def layers(inputs: int, outputs: int) -> nn.Sequential:
    """Return the three layers of a generator."""
    return nn.Sequential(
        nn.Linear(inputs, HIDDEN),
        nn.LeakyReLU(SLOPE),
        nn.Linear(HIDDEN, HIDDEN),
        nn.LeakyReLU(SLOPE),
        nn.Linear(HIDDEN, outputs),
    )
