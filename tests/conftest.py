"""Fixtures that every test may use: a workspace of its own, a small task, a context without a writer."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Tests train beside servers that train, on the same cores: threads would wait for one another, at thrice the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from classwright_tools.context import ToolContext
from classwright_tools.domain.task import Task
from classwright_tools.workspace.workspace import Workspace
from support.shop import shop_task

# On a busy machine an example takes long for reasons that are not ours.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

pytest_plugins = (
    "support.clock",
    "support.editing",
    "support.learning",
    "support.page_host",
    "support.postgres",
    "support.synthesize",
)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for no garbage among what is imported and collected, which stays: not now, and not in any test.

    In tests it is looked for a tenth as often as usual, where it would take a fortieth of the time.
    """
    gc.disable()
    result = yield
    gc.freeze()
    gc.set_threshold(10_000)
    gc.enable()
    return result


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """DBOS and Playwright work with asyncio alone."""
    return "asyncio"


@pytest.fixture(scope="session")
def _empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an empty workspace: to copy it takes half as long as to make another."""
    folder = tmp_path_factory.mktemp("empty") / "workspace"
    Workspace(folder).engine.dispose()
    return folder


@pytest.fixture
def workspace(tmp_path: Path, index_url: str | None, _empty: Path, embedding_once: None) -> Iterator[Workspace]:
    """A workspace that no other test sees."""
    if not index_url:
        shutil.copytree(_empty, tmp_path / "workspace")
    made = Workspace(tmp_path / "workspace", index_url)
    yield made
    made.engine.dispose()


@pytest.fixture
def task(workspace: Workspace) -> Task:
    """The small task, saved."""
    return workspace.save_task(shop_task())


@pytest.fixture
def context(workspace: Workspace) -> ToolContext:
    """A context on `workspace`, without a writer."""
    return ToolContext(workspace=workspace, run_key="test-run")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An import folder."""
    made = tmp_path / "imports"
    made.mkdir()
    return made
