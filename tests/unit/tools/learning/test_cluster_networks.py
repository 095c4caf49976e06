"""The network that the cluster loss trains: an adapter that reads back to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from classwright_tools.learning.adapter import Adapter
from classwright_tools.learning.imbalance.networks import AdapterNetwork, embed_all


def test_an_adapter_keeps_its_networks_embeddings_and_reads_back_to_the_bit(tmp_path: Path) -> None:
    network = AdapterNetwork(384)
    inputs = torch.nn.functional.normalize(torch.randn(5, 384), dim=1)
    adapter = network.adapter()
    np.testing.assert_allclose(adapter.apply(inputs.numpy()), embed_all(network, inputs).numpy(), atol=1e-5)
    adapter.save(tmp_path / "adapter.safetensors")
    again = Adapter.load(tmp_path / "adapter.safetensors")
    assert (again.apply(inputs.numpy()) == adapter.apply(inputs.numpy())).all()
