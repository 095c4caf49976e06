"""Models on disk that were changed, cut or replaced: refused by the name of the file, and no pickle is opened."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from classwright_tools.context import ToolContext
from classwright_tools.domain.task import Task
from classwright_tools.errors import DamagedArtifact
from classwright_tools.learning.model import load_model
from support.learning import save_rows, written_rows
from support.training import trained


def damaged(context: ToolContext, model_id: str) -> Path:
    return context.workspace.artifact(model_id, "model").path


OTHER_HEADS: tuple[bytes | dict[str, np.ndarray], ...] = (
    b"no tensors at all",
    {"weights": np.zeros((2, 384), np.float32), "biases": np.zeros(2, np.float32)},
    {"weights": np.zeros((3, 383), np.float32), "biases": np.zeros(3, np.float32)},
    {"weights": np.zeros((3, 384), np.float32), "biases": np.zeros((3, 1), np.float32)},
    {"weights": np.zeros(384, np.float32), "biases": np.zeros(3, np.float32)},
    {"weights": np.zeros((3, 384), np.float32)},
)


def test_a_head_that_is_not_that_of_its_card_is_damaged(context: ToolContext, task: Task) -> None:
    """Its checksum in the card is right: whoever changed the one has changed the other."""
    save_rows(context.workspace, written_rows())
    model_id = trained(context, method="probe").model
    folder = damaged(context, model_id)
    card = json.loads((folder / "card.json").read_text())
    for head in OTHER_HEADS:
        content = head if isinstance(head, bytes) else safetensors.numpy.save(head)
        (folder / "head.safetensors").write_bytes(content)
        card["files"]["head.safetensors"] = hashlib.sha256(content).hexdigest()
        (folder / "card.json").write_text(json.dumps(card))
        with pytest.raises(DamagedArtifact, match=r"does not read back|shapes are not those of its card"):
            load_model(context.workspace, model_id)


def test_a_damaged_model_is_refused_with_the_name_of_the_file(context: ToolContext, task: Task) -> None:
    save_rows(context.workspace, written_rows())
    model_id = trained(context, method="probe").model
    folder = damaged(context, model_id)
    head, card = (folder / "head.safetensors").read_bytes(), (folder / "card.json").read_bytes()

    (folder / "head.safetensors").write_bytes(head[:-1] + bytes([head[-1] ^ 1]))
    with pytest.raises(DamagedArtifact, match=r"'head.safetensors' has changed"):
        load_model(context.workspace, model_id)
    (folder / "head.safetensors").unlink()
    with pytest.raises(DamagedArtifact, match=r"'head.safetensors' is missing"):
        load_model(context.workspace, model_id)
    (folder / "head.safetensors").write_bytes(head)
    (folder / "card.json").write_bytes(card[: len(card) // 2])
    with pytest.raises(DamagedArtifact, match=r"card.json"):
        load_model(context.workspace, model_id)
    changed = json.loads(card)
    changed["encoder"]["digest"] = "0" * 64
    (folder / "card.json").write_text(json.dumps(changed))
    with pytest.raises(DamagedArtifact, match=r"encoder .* changed"):
        load_model(context.workspace, model_id)


@pytest.mark.parametrize("name", ["head.pkl", "pytorch_model.bin", "encoder/pytorch_model.bin"])
def test_a_pickle_that_was_slipped_in_is_refused_and_never_opened(
    context: ToolContext, task: Task, tmp_path: Path, name: str
) -> None:
    import hashlib
    import pickle

    class Canary:
        def __reduce__(self) -> tuple[object, tuple[str, str]]:
            return open, (str(tmp_path / "sang"), "w")

    save_rows(context.workspace, written_rows())
    model_id = trained(context, method="probe").model
    folder = damaged(context, model_id)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(pickle.dumps(Canary()))
    with pytest.raises(DamagedArtifact, match="not opened"):
        load_model(context.workspace, model_id)
    # Nor when the card was forged to list it.
    card = json.loads((folder / "card.json").read_text())
    card["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(DamagedArtifact, match="not opened"):
        load_model(context.workspace, model_id)
    assert not (tmp_path / "sang").exists()
