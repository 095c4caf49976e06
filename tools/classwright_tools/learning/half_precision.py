"""Half precision for the weights of tuned encoders: half the bytes on the disk, and the same answers.

A tuned encoder is rounded before its head is fitted and calibrated, so what is stored loses nothing. It computes in
single precision all the same.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer

from classwright_tools.learning.encoder_checks import WEIGHTS


def round_to_half(model: SentenceTransformer) -> None:
    """Round the weights of `model`, in place, to what half precision holds; none if one of them is too large for it."""
    weights = [tensor for tensor in model.state_dict().values() if tensor.is_floating_point()]
    rounded = [tensor.half().to(tensor.dtype) for tensor in weights]
    if all(bool(tensor.isfinite().all()) for tensor in rounded):
        with torch.no_grad():
            for tensor, own in zip(weights, rounded, strict=True):
                tensor.copy_(own)


def store_in_half(folder: Path) -> None:
    """Write the weights of the encoder in `folder` anew in half precision, those files that lose nothing by it.

    `config.json` still names single precision, and so that is what they are read as.
    """
    for path in folder.rglob(WEIGHTS):
        halves: dict[str, torch.Tensor] = {}
        for name, tensor in load_file(path).items():
            halves[name] = tensor.half() if tensor.is_floating_point() else tensor
            if not torch.equal(halves[name].to(tensor.dtype), tensor):
                break
        else:
            save_file(halves, path, metadata={"format": "pt"})
