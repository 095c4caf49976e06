"""Workspaces that are filled once for many tests, each of which has a copy: training takes longer than most tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import pytest

from classwright_tools.domain.example import Example
from classwright_tools.domain.task import Task
from classwright_tools.workspace.workspace import Workspace
from support.measurement import dataset_of, trained_on
from support.shop import shop_task


class Filled:
    """Two workspaces: one with the small task and a dataset of it, and one with a model of that dataset, too."""

    def __init__(self, folder: Path, prepare: Callable[[Workspace], object], **splits: Sequence[Example]) -> None:
        """Make them in `folder`; `prepare` adds what the task has before the dataset."""
        self._with_dataset, self._with_model = folder / "dataset", folder / "model"
        workspace = Workspace(self._with_dataset)
        workspace.save_task(shop_task())
        prepare(workspace)
        self.dataset = dataset_of(workspace, **splits)
        workspace.engine.dispose()
        shutil.copytree(self._with_dataset, self._with_model)
        workspace = Workspace(self._with_model)
        self.model = trained_on(workspace, self.dataset)
        workspace.engine.dispose()

    def copy(self, root: Path, fixtures: Collection[str]) -> Workspace:
        """Open a copy at `root`, with the model or only the dataset: what a test that has those `fixtures` asks for."""
        shutil.copytree(self._with_model if "model" in fixtures else self._with_dataset, root)
        return Workspace(root)


@pytest.fixture
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace that no other test sees, with what the test asks for."""
    root, asked = tmp_path / "workspace", request.fixturenames
    filled: Filled | None = request.getfixturevalue("filled") if "dataset" in asked else None
    made = filled.copy(root, asked) if filled else Workspace(root)
    yield made
    made.engine.dispose()


@pytest.fixture
def dataset(workspace: Workspace, task: Task, filled: Filled) -> str:
    return filled.dataset


@pytest.fixture
def model(dataset: str, filled: Filled) -> str:
    return filled.model
