"""Where tuning multiplies in bfloat16."""

from __future__ import annotations

import pytest
import torch

from classwright_tools.learning.mixed_precision import tuning_precision


@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, torch.bfloat16),
        ({"avx512_bf16": False, "amx_bf16": True}, torch.bfloat16),
        ({"avx512_f": True, "avx512_bf16": False}, torch.float32),  # it would be slower, not faster
        ({}, torch.float32),
    ],
)
def test_a_processor_multiplies_in_bfloat16_where_it_has_instructions_for_it(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], precision: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert tuning_precision(torch.device("cpu")) == precision


def test_a_torch_that_tells_nothing_of_the_processor_tunes_in_single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert tuning_precision(torch.device("cpu")) == torch.float32
