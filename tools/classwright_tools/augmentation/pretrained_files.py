"""A pretrained GAN as one safetensors file, kept in the workspace so that a corpus is learned from once."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from classwright_tools.augmentation.base_classes import BaseClasses
from classwright_tools.augmentation.gan import Discriminator, Generator
from classwright_tools.augmentation.gan_fitting import Pretrained
from classwright_tools.augmentation.gan_form import GanForm, Networks
from classwright_tools.workspace.folders import own_folder

VERSION = 3  # rises when the same corpus and steps would teach something else


def pretraining_key(corpus: str, encoder: str, form: GanForm, seed: int) -> str:
    """Return the name of what a corpus of digest `corpus` teaches, in hexadecimal."""
    key = json.dumps([VERSION, corpus, encoder, form.pretraining_steps, seed])
    return hashlib.sha256(key.encode()).hexdigest()


def rows_digest(rows: Sequence[tuple[str, str]]) -> str:
    """Return the digest of a corpus from the ids and labels of its rows, whatever their order."""
    return hashlib.sha256(json.dumps(sorted(rows)).encode()).hexdigest()


def kept_pretrained(folder: Path, key: str, make: Callable[[], Pretrained]) -> tuple[Pretrained, bool]:
    """Return what is kept in `folder` under `key`, or what `make` returns, which is then kept; and whether it was kept.

    A file that does not read back is made anew.
    """
    path = folder / f"pretrained-{key}.safetensors"
    if path.exists():
        try:
            return read_pretrained(path), True
        except (OSError, KeyError, ValueError, RuntimeError, SafetensorError):
            path.unlink(missing_ok=True)
    made = make()
    own_folder(folder)
    beside = folder / f".{uuid.uuid4().hex}"
    write_pretrained(beside, made)
    beside.replace(path)
    return made, False


def write_pretrained(path: Path, pretrained: Pretrained) -> None:
    """Write `pretrained` as safetensors; the names of its classes are in the file's metadata."""
    networks = pretrained.networks
    tensors = {f"base.{name}": torch.from_numpy(array) for name, array in pretrained.base.tensors().items()}
    if networks:
        for prefix, network in (("generator", networks.generator), ("discriminator", networks.discriminator)):
            tensors |= {f"{prefix}.{name}": tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_file(tensors, path, metadata={"names": json.dumps(pretrained.base.names)})


def read_pretrained(path: Path) -> Pretrained:
    """Return what `write_pretrained` wrote; raises what safetensors and torch raise for a file that is none."""
    with safe_open(path, framework="pt") as file:
        names = json.loads((file.metadata() or {})["names"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a mapping
    base = BaseClasses.from_tensors(names, {k: v.numpy() for k, v in _below("base", tensors).items()})
    of_generator = _below("generator", tensors)
    if not of_generator:
        return Pretrained(base, None)
    width, labels = base.space.components, len(base.names)
    generator, discriminator = Generator(width, labels), Discriminator(width, labels)
    generator.load_state_dict(of_generator)
    discriminator.load_state_dict(_below("discriminator", tensors))
    return Pretrained(base, Networks(generator, discriminator))


def _below(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    start = f"{prefix}."
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}
