"""A dataset of real and written rows, one with errors, and a model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Task
from classwright_tools.workspace.workspace import Workspace
from support.filled import Filled
from support.measurement import dataset_of, real_rows, support_tree, written_rows


def with_tree(workspace: Workspace) -> None:
    workspace.publish_document("topics", "support", support_tree(), run_key="tree")


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    folder = tmp_path_factory.mktemp("filled")
    return Filled(folder, with_tree, train=written_rows(), validation=real_rows())


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


@pytest.fixture
def confused(workspace: Workspace, dataset: str) -> str:
    """A dataset with real rows of 'delivery' that read like 'refund'."""
    ends = ("now", "please", "today", "at last")
    hard = [make_example(f"give me back the money that i paid {end}", "delivery") for end in ends]
    return dataset_of(workspace, train=written_rows(), validation=[*real_rows(), *hard])
