"""Models that stay loaded: read once, read anew when a file was touched, and no more of them than memory allows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.task import Task
from classwright_tools.errors import DamagedArtifact, NotFound
from classwright_tools.learning import model_cache
from classwright_tools.learning.model_cache import cached_model
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.workspace import Workspace
from support.learning import save_rows, written_rows


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    model_cache._cached.clear()
    yield
    model_cache._cached.clear()


def trained(context: ToolContext, run_key: str = "training") -> str:
    """A probe on the thirty written rows."""
    request = TrainClassifierRequest(task="support", method="probe")
    return train_classifier(request, replace(context, run_key=run_key)).model


@pytest.fixture
def model(context: ToolContext, task: Task) -> str:
    """The first model of the task."""
    save_rows(context.workspace, written_rows())
    return trained(context)


def test_a_model_is_read_once(context: ToolContext, model: str) -> None:
    assert cached_model(context.workspace, model) is cached_model(context.workspace, model)


def test_a_model_that_was_touched_is_read_anew_and_one_that_was_damaged_is_told(
    context: ToolContext, model: str
) -> None:
    first = cached_model(context.workspace, model)
    head = context.workspace.artifact(model, "model").path / "head.safetensors"
    content = head.read_bytes()
    head.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(DamagedArtifact, match=r"'head.safetensors' has changed"):
        cached_model(context.workspace, model)
    head.unlink()
    with pytest.raises(DamagedArtifact, match=r"'head.safetensors' is missing"):
        cached_model(context.workspace, model)
    head.write_bytes(content)

    assert cached_model(context.workspace, model) is not first
    shutil.rmtree(head.parent)
    with pytest.raises(DamagedArtifact, match="cannot be read back"):
        cached_model(context.workspace, model)


def test_a_model_of_the_same_name_in_another_workspace_is_another(
    context: ToolContext, model: str, tmp_path: Path
) -> None:
    other = Workspace(tmp_path / "other")
    kept = cached_model(context.workspace, model)
    with pytest.raises(NotFound):
        cached_model(other, model)
    other.save_task(context.workspace.task("support"))
    save_rows(other, written_rows())
    assert trained(replace(context, workspace=other)) == model

    assert cached_model(other, model) is not kept
    assert cached_model(context.workspace, model) is kept


def test_of_models_that_take_too_much_memory_the_one_used_longest_ago_goes(
    context: ToolContext, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_cache, "MOST_BYTES", 25)
    monkeypatch.setattr(model_cache, "_own_weights", lambda _model: 10)
    others = [trained(context, run_key) for run_key in ("second", "third")]
    kept = [cached_model(context.workspace, name) for name in (model, others[0], model, others[1])]

    assert cached_model(context.workspace, model) is kept[0]
    assert cached_model(context.workspace, others[1]) is kept[3]
    assert cached_model(context.workspace, others[0]) is not kept[1]
