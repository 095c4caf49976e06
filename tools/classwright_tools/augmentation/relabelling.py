"""Networks for other labels: what was learned of a label that both have is kept, the others start at nothing."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from classwright_tools.augmentation.gan import Discriminator, Generator
from classwright_tools.augmentation.gan_form import Networks
from classwright_tools.learning.torch_state import seeded

# Where labels are among a network's numbers: the dimension, and whether a code's coordinates come first in it.
_GENERATOR = {"means": (0, False), "body.0.weight": (1, True)}
_DISCRIMINATOR = {"label_vectors": (0, False)}


def relabelled(networks: Networks, matched: Sequence[int | None]) -> Networks:
    """Return the networks for len(`matched`) labels; each entry is a label's place among the former ones, or None."""
    old = networks.generator
    with seeded(0):  # their first numbers are overwritten, and the caller's stream stays as it was
        made = Networks(Generator(old.width, len(matched)), Discriminator(old.width, len(matched)))
    made.generator.load_state_dict(_moved(old.state_dict(), _GENERATOR, matched, old.width))
    judge = networks.discriminator.state_dict()
    made.discriminator.load_state_dict(_moved(judge, _DISCRIMINATOR, matched, old.width))
    return made


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
