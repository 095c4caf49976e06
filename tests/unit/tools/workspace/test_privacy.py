"""What a workspace keeps is its user's alone, and what a living process writes is not cleared away."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from classwright_server.config.settings import ToolSettings
from classwright_server.jobs.launch import database_url
from classwright_server.jobs.liveness import FileLock
from classwright_tools.curation.spool import spool_folder
from classwright_tools.domain.task import Label, Task
from classwright_tools.errors import InvalidInput
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.workspace.atomic import STALE_SECONDS, clear_stale, hidden_folder
from classwright_tools.workspace.tasks import RESERVED
from classwright_tools.workspace.workspace import Workspace


def open_to_others(folder: Path) -> list[str]:
    """The files and folders in `folder`, and itself, that another user of the system could enter, read or write."""
    found = [path for path in (folder, *folder.rglob("*")) if not path.is_symlink()]
    return [str(path) for path in found if stat.S_IMODE(path.stat().st_mode) & 0o077]


@pytest.fixture
def generous() -> Iterator[None]:
    """A umask that keeps nothing from anybody."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_databases_and_folders_are_the_users_alone_whatever_the_umask(generous: None, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    database_url(ToolSettings(workspace=workspace.root))
    EmbeddingCache(workspace.embeddings).put("d" * 64, ["a"], np.zeros((1, 2), np.float32))
    lock = FileLock(workspace.root / "executors")
    seen = []
    task = Task(slug="shop", instruction="Classify a message.", labels=(Label(name="a"), Label(name="b")))
    workspace.save_task(task)
    workspace.publish("report", "shop", lambda folder: seen.extend(open_to_others(folder)), run_key="r")
    with spool_folder(workspace.root):
        assert open_to_others(workspace.root) == []
    lock.release()
    workspace.engine.dispose()
    assert seen == []


def old(folder: Path) -> None:
    """Let `folder` have been written long ago, as it has after the clock jumped."""
    long_ago = time.time() - STALE_SECONDS - 60
    os.utime(folder, (long_ago, long_ago))


def test_a_clock_that_jumps_takes_nothing_from_a_living_process(tmp_path: Path) -> None:
    with hidden_folder(tmp_path) as folder:
        old(folder)
        clear_stale(tmp_path)
        assert folder.is_dir()
    assert not folder.exists()


def test_what_a_process_left_that_died_is_cleared_away(tmp_path: Path) -> None:
    script = (
        "import os, pathlib, sys\nfrom classwright_tools.workspace.atomic import hidden_folder\n"
        "kept = hidden_folder(pathlib.Path(sys.argv[1]))\nkept.__enter__()\nos._exit(1)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    [folder] = tmp_path.iterdir()
    clear_stale(tmp_path)
    assert folder.is_dir()
    old(folder)
    clear_stale(tmp_path)
    assert not folder.exists()


@pytest.mark.parametrize("slug", sorted(RESERVED))
def test_no_task_takes_the_name_of_a_folder_that_the_workspace_needs(slug: str, workspace: Workspace) -> None:
    with pytest.raises(InvalidInput, match=f"task '{slug}': is a name that the workspace needs.*'{slug}_task'"):
        workspace.save_task(
            Task(slug=slug, instruction="Classify a message.", labels=(Label(name="a"), Label(name="b")))
        )


def test_whatever_a_server_makes_in_its_workspace_is_no_tasks_name(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    EmbeddingCache(workspace.embeddings).put("d" * 64, ["a"], np.zeros((1, 2), np.float32))
    FileLock(workspace.root / "executors").release()
    made = {path.name for path in workspace.root.iterdir() if path.is_dir()}
    workspace.engine.dispose()
    assert made <= RESERVED
