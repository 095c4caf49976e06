"""The networks of the conditional GAN over (code, label vector).

A code is a point (r,) of a `WhitenedSpace`; a label vector (K,) is one-hot, or holds several ones for rows with several
labels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

HIDDEN = 256
SLOPE = 0.2  # of the leaky rectifiers
JOINT_TEMPERATURE = 0.5  # of the relaxed one-hot labels that the joint variant draws
LABEL_SCALE = 2.0  # one-hot entries beside whitened codes: their variance would else be a fraction of a code's


class Generator(nn.Module):
    """Makes codes (n, r) from noise (n, r) and label vectors (n, K).

    With `gaussian_start` it returns mu_y + z + f(z, y), where f is zero at first: training starts at the Gaussian of
    each label and corrects it. Without, it is the plain network f(z, y), which collapses onto few points.
    With `joint` it draws the label vector too, as the article has it: (z + f(z), gumbel_softmax(g(z))).
    """

    def __init__(self, width: int, labels: int, *, gaussian_start: bool = True, joint: bool = False) -> None:
        super().__init__()
        self.width, self.labels = width, labels
        self.gaussian_start, self.joint = gaussian_start, joint
        self.body = _layers(width + (0 if joint else labels), width)
        self.means = nn.Parameter(torch.zeros(labels, width))
        self.label_body = _layers(width, labels) if joint else nn.Identity()
        if gaussian_start:
            last = self.body[-1]
            nn.init.zeros_(last.weight)  # type: ignore[arg-type]  # the last layer is linear
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    def forward(self, noise: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the codes (n, r) and their label vectors (n, K): `labels` themselves unless `joint`."""
        if self.joint:
            drawn = nn.functional.gumbel_softmax(self.label_body(noise), tau=JOINT_TEMPERATURE)
            return self.body(noise) + (noise if self.gaussian_start else 0.0), drawn
        moved = self.body(torch.cat([noise, labels], dim=1))
        if self.gaussian_start:
            moved = moved + noise + mean_of_labels(labels) @ self.means
        return moved, labels


class Discriminator(nn.Module):
    """Scores pairs of a code and a label vector: the higher, the more real.

    The label enters by projection, w'h(x) + <E y, h(x)> (Miyato and Koyama 2018, "cGANs with projection
    discriminator", equation 3); with `joint` beside the code, as in the article. Spectral normalisation after Miyato
    and others 2018.
    """

    def __init__(self, width: int, labels: int, *, joint: bool = False) -> None:
        super().__init__()
        self.joint = joint
        self.trunk = nn.Sequential(
            spectral_norm(nn.Linear(width + (labels if joint else 0), HIDDEN)),
            nn.LeakyReLU(SLOPE),
            spectral_norm(nn.Linear(HIDDEN, HIDDEN)),
            nn.LeakyReLU(SLOPE),
        )
        self.score = spectral_norm(nn.Linear(HIDDEN, 1))
        self.label_vectors = nn.Parameter(torch.randn(labels, HIDDEN) / HIDDEN**0.5)

    def forward(self, codes: Tensor, labels: Tensor) -> Tensor:
        """Return a logit (n,) for each pair."""
        if self.joint:
            joined: Tensor = self.score(self.trunk(torch.cat([codes, LABEL_SCALE * labels], dim=1)))
            return joined.squeeze(1)
        hidden = self.trunk(codes)
        projected: Tensor = self.score(hidden).squeeze(1) + (hidden * (labels @ self.label_vectors)).sum(dim=1)
        return projected


def mean_of_labels(labels: Tensor) -> Tensor:
    """Return label vectors (n, K) that sum to one, so that a row of two labels lies between their means."""
    return labels / labels.sum(dim=1, keepdim=True).clamp(min=1.0)


def _layers(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, HIDDEN),
        nn.LeakyReLU(SLOPE),
        nn.Linear(HIDDEN, HIDDEN),
        nn.LeakyReLU(SLOPE),
        nn.Linear(HIDDEN, outputs),
    )
