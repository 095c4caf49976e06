"""Mixed precision while an encoder is tuned: products in bfloat16, weights and their steps in single precision.

Micikevicius et al. 2018, "Mixed Precision Training"; bfloat16 has the exponent of single precision, so the loss needs
no scaling (Kalamkar et al. 2019, "A Study of BFLOAT16 for Deep Learning Training"). The tuned encoder answers in single
precision, as any other does. `benchmarks/README.md` has what it saves.
"""

from __future__ import annotations

import torch

BFLOAT16_PRODUCTS = ("avx512_bf16", "amx_bf16")
"""What processors that multiply it call the instructions."""


def tuning_precision(device: torch.device) -> torch.dtype:
    """Return what `device` multiplies fastest without loss: bfloat16 where it has instructions for it."""
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        can: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # older versions of torch do not tell
        native = device.type == "cpu" and any(can.get(name) for name in BFLOAT16_PRODUCTS)
    return torch.bfloat16 if native else torch.float32
