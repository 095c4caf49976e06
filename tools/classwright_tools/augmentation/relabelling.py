"""Networks for other labels: what was learned of a label that both have is kept, the others start at nothing."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from classwright_tools.augmentation.gan import Discriminator, Generator
from classwright_tools.augmentation.gan_training import Networks
from classwright_tools.learning.torch_state import seeded

# Where labels are among a network's numbers: the dimension, and whether a code's coordinates come first in it.
_GENERATOR = {"means": (0, False)}
_CONDITIONAL_GENERATOR = {**_GENERATOR, "body.0.weight": (1, True)}
_JOINT_GENERATOR = {**_GENERATOR, "label_body.4.weight": (0, False), "label_body.4.bias": (0, False)}
_DISCRIMINATOR = {"label_vectors": (0, False)}
_JOINT_DISCRIMINATOR = {
    **_DISCRIMINATOR,
    "trunk.0.parametrizations.weight.original": (1, True),
    "trunk.0.parametrizations.weight.0._v": (0, True),
}


def relabelled(networks: Networks, matched: Sequence[int | None]) -> Networks:
    """Return the networks for len(`matched`) labels; each entry is a label's place among the former ones, or None."""
    old = networks.generator
    with seeded(0):  # their first numbers are overwritten, and the caller's stream stays as it was
        generator = Generator(old.width, len(matched), gaussian_start=old.gaussian_start, joint=old.joint)
        discriminator = Discriminator(old.width, len(matched), joint=old.joint)
    in_generator = _JOINT_GENERATOR if old.joint else _CONDITIONAL_GENERATOR
    in_discriminator = _JOINT_DISCRIMINATOR if old.joint else _DISCRIMINATOR
    generator.load_state_dict(_moved(old.state_dict(), in_generator, matched, old.width))
    discriminator.load_state_dict(_moved(networks.discriminator.state_dict(), in_discriminator, matched, old.width))
    return Networks(generator, discriminator)


def _moved(
    numbers: dict[str, Tensor], places: dict[str, tuple[int, bool]], matched: Sequence[int | None], width: int
) -> dict[str, Tensor]:
    """Return a network's `numbers` with those of labels in the order of `matched`, zeros for a new label."""
    return {
        name: _chosen(tensor, matched, places[name][0], width if places[name][1] else 0) if name in places else tensor
        for name, tensor in numbers.items()
    }


def _chosen(tensor: Tensor, matched: Sequence[int | None], dim: int, first: int) -> Tensor:
    labels = tensor.narrow(dim, first, tensor.shape[dim] - first)
    nothing = torch.zeros_like(labels.narrow(dim, 0, 1))
    parts = [nothing if place is None else labels.narrow(dim, place, 1) for place in matched]
    return torch.cat([tensor.narrow(dim, 0, first), *parts], dim=dim)
