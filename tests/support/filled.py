"""Workspaces that are filled once for many tests, each of which has a copy: training takes longer than most tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest

from classwright_tools.train_classifier import TrainClassifierRequest, TrainClassifierResult, train_classifier
from classwright_tools.workspace.workspace import Workspace
from support.measurement import context_on


class Filled:
    """Two workspaces: one with a task and a dataset of it, and one with a model of that dataset, too."""

    def __init__(self, folder: Path, fill: Callable[[Workspace], str], task: str = "support") -> None:
        """Make them in `folder`; `fill` saves the `task` and what it has, and returns the dataset's id."""
        self._with_dataset, self._with_model = folder / "dataset", folder / "model"
        workspace = Workspace(self._with_dataset)
        self.dataset = fill(workspace)
        workspace.engine.dispose()
        shutil.copytree(self._with_dataset, self._with_model)
        workspace = Workspace(self._with_model)
        request = TrainClassifierRequest(task=task, dataset=self.dataset, method="probe")
        self.trained = train_classifier(request, context_on(workspace))
        workspace.engine.dispose()

    def copy(self, root: Path, fixtures: Collection[str]) -> Workspace:
        """Open a copy at `root`, with the model or only the dataset: what a test that has those `fixtures` asks for."""
        shutil.copytree(self._with_model if "trained" in fixtures else self._with_dataset, root)
        return Workspace(root)


@pytest.fixture
def workspace(request: pytest.FixtureRequest, tmp_path: Path, embedding_once: None) -> Iterator[Workspace]:
    """A workspace that no other test sees, with what the test asks for."""
    root, asked = tmp_path / "workspace", request.fixturenames
    filled: Filled | None = request.getfixturevalue("filled") if "dataset" in asked else None
    made = filled.copy(root, asked) if filled else Workspace(root)
    yield made
    made.engine.dispose()


@pytest.fixture
def dataset(workspace: Workspace, filled: Filled) -> str:
    """The id of the dataset."""
    return filled.dataset


@pytest.fixture
def trained(dataset: str, filled: Filled) -> TrainClassifierResult:
    """What the training of the model on it answered."""
    return filled.trained


@pytest.fixture
def model(trained: TrainClassifierResult) -> str:
    """The id of that model."""
    return trained.model
