"""A dataset of real and written rows, and a model of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from classwright_tools.domain.task import Task
from classwright_tools.workspace.workspace import Workspace
from support.filled import Filled
from support.measurement import real_rows, written_rows


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    real = real_rows()
    folder = tmp_path_factory.mktemp("filled")
    return Filled(folder, lambda _: None, train=written_rows(), validation=real[::2], test=real[1::2])


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
