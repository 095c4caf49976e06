"""Weights in half precision: rounded once, stored without loss, and left alone where they do not fit."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from classwright_tools.learning.half_precision import round_to_half, store_in_half


def test_rounded_weights_are_stored_in_half_of_the_bytes_and_lose_nothing(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = torch.nn.Linear(64, 64)
    before = model.weight.detach().clone()
    round_to_half(model)  # type: ignore[arg-type]  # any module has weights
    file = tmp_path / "inner" / "model.safetensors"
    file.parent.mkdir()
    save_file(dict(model.state_dict()), file, metadata={"format": "pt"})
    size = file.stat().st_size
    store_in_half(tmp_path)
    stored = load_file(file)

    assert 0 < (model.weight - before).abs().max() < 1e-3
    assert model.weight.dtype == torch.float32
    assert file.stat().st_size < 0.6 * size
    assert all(torch.equal(stored[name].float(), tensor) for name, tensor in model.state_dict().items())


def test_weights_that_half_precision_cannot_hold_stay_as_they_are(tmp_path: Path) -> None:
    model = torch.nn.Linear(2, 2)
    with torch.no_grad():
        model.weight[0, 0] = 1e6
    before = model.weight.detach().clone()
    round_to_half(model)  # type: ignore[arg-type]
    file = tmp_path / "model.safetensors"
    save_file(dict(model.state_dict()), file)
    content = file.read_bytes()
    store_in_half(tmp_path)

    assert torch.equal(model.weight, before)
    assert file.read_bytes() == content
