"""A server of the tests of a file, which each have a task of their own on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest
from mcp import Client

from classwright_tools.domain.task import Task
from classwright_tools.workspace.workspace import Workspace
from support.review import review_dataset
from support.server import APPS, make_server, make_settings

NUMBERS = count(1)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the server's workspace."""
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
async def client(root: Path, anyio_backend: str) -> AsyncIterator[Client]:
    async with Client(make_server(make_settings(root)), extensions=APPS) as connected:
        yield connected


@pytest.fixture
def workspace(root: Path) -> Iterator[Workspace]:
    """The server's workspace."""
    opened = Workspace(root)
    yield opened
    opened.engine.dispose()


@pytest.fixture
def task(workspace: Workspace, task: Task) -> Task:
    """The small task, under a name of the test's own."""
    return workspace.save_task(task.model_copy(update={"slug": f"support{next(NUMBERS)}"}))


@pytest.fixture
def dataset(workspace: Workspace, task: Task) -> str:
    return review_dataset(workspace, task)
