"""Several processes on one workspace, processes that are killed in the middle, and a disk that is full."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path

import pytest

from classwright_tools.domain.task import Task
from classwright_tools.errors import StorageFailed
from classwright_tools.workspace.datasets import read_card, read_rows
from classwright_tools.workspace.workspace import Workspace
from support.postgres import ON_BOTH
from support.workspace_process import ROWS, Other, refused_by_a_full_disk, rows_of, save

KILLS = 14
KILLS_ON_POSTGRES = 6


def assert_whole(workspace: Workspace, dataset: str, run_key: str) -> None:
    """Check that a dataset holds exactly the rows of the run."""
    assert [row.text for row in read_rows(workspace, dataset, "train")] == [row.text for row in rows_of(run_key)]
    assert read_card(workspace, dataset).rows("train") == ROWS


def save_many(workspace: Workspace, runs: int) -> None:
    for number in range(runs):
        save(workspace, f"run-{number}")


@ON_BOTH
def test_processes_that_publish_at_once_get_different_numbers(
    workspace: Workspace, task: Task, index_url: str | None
) -> None:
    keys = [[f"{process}-{number}" for number in range(3)] for process in range(8)]
    processes = [Other(workspace.root, index_url, *own) for own in keys]
    for process in processes:
        process.let_go()

    made = [process.finished() for process in processes]

    assert sorted(id_ for own in made for id_ in own) == sorted(f"support-d{n}" for n in range(1, 25))
    for ids, own in zip(made, keys, strict=True):
        for dataset, run_key in zip(ids, own, strict=True):
            assert_whole(workspace, dataset, run_key)


@ON_BOTH
def test_a_run_repeated_by_several_processes_at_once_makes_one_artifact(
    workspace: Workspace, task: Task, index_url: str | None
) -> None:
    keys = [f"shared-{number}" for number in range(5)]
    processes = [Other(workspace.root, index_url, *keys) for _ in range(3)]
    for process in processes:
        process.let_go()

    made = [process.finished() for process in processes]

    assert made[0] == made[1] == made[2]
    assert len(workspace.artifacts("support")) == len(keys)
    assert list(workspace.root.rglob(".staged-*")) == []


@ON_BOTH
def test_a_process_that_is_killed_at_any_moment_leaves_the_old_state_or_the_new(
    workspace: Workspace, task: Task, index_url: str | None
) -> None:
    rng = random.Random(0)
    half_written = 0
    for round_ in range(KILLS if index_url is None else KILLS_ON_POSTGRES):
        before = {artifact.id for artifact in workspace.artifacts("support")}
        keys = [f"{round_}-{number}" for number in range(30)]
        process = Other(workspace.root, index_url, *keys)
        process.let_go()
        for _ in range(rng.randint(0, 4)):
            process.next_id()
        time.sleep(rng.uniform(0.0, 0.04))  # the moment of the kill, not a wait for something
        process.kill()
        half_written += len(list(workspace.root.rglob(".staged-*")))
        for artifact in workspace.artifacts("support"):
            if artifact.id not in before:
                assert_whole(workspace, artifact.id, artifact.run_key)

    artifacts = workspace.artifacts("support")
    again = save(workspace, artifacts[0].run_key)
    new = save(workspace, "after all kills")

    assert half_written > 0, "no kill came in the middle"
    assert len(artifacts) > 0
    assert again.id == artifacts[0].id
    assert new.number == len(artifacts) + 1
    assert_whole(workspace, new.id, "after all kills")


def test_a_full_disk_is_told_and_nothing_is_lost_or_half_indexed(workspace: Workspace, task: Task) -> None:
    kept = save(workspace, "before")

    told = refused_by_a_full_disk(workspace.root)

    assert "dataset of task 'support'" in told
    assert "nothing was lost" in told
    assert str(workspace.root) not in told
    assert [artifact.id for artifact in workspace.artifacts("support")] == [kept.id]
    assert list(workspace.root.rglob(".staged-*")) == []
    assert_whole(workspace, kept.id, "before")
    assert save(workspace, "after").id == "support-d2"


@ON_BOTH
def test_processes_that_open_a_new_workspace_at_once_all_find_its_tables(tmp_path: Path, index_url: str | None) -> None:
    processes = [Other(tmp_path / "new", index_url) for _ in range(4)]
    for process in processes:
        process.let_go()
        assert process.finished() == []


def test_a_disk_with_no_space_at_all_is_told(tmp_path: Path, task: Task) -> None:
    """Run on a file system of its own of 1 MB, where the machine lets us make one."""
    mount = tmp_path / "small"
    mount.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mount)], capture_output=True, check=False
    )
    if made.returncode != 0:
        pytest.skip("file systems cannot be mounted here")
    try:
        workspace = Workspace(mount / "w")
        workspace.save_task(task)
        (mount / "filler").write_bytes(b"x" * (900 * 1024 - sum(f.stat().st_size for f in (mount / "w").iterdir())))
        with pytest.raises(StorageFailed, match="nothing was lost"):
            save_many(workspace, 50)
        (mount / "filler").unlink()
        indexed = workspace.artifacts("support")
        for artifact in indexed:
            assert_whole(workspace, artifact.id, artifact.run_key)
        assert save(workspace, "after").number == len(indexed) + 1
        workspace.engine.dispose()
    finally:
        subprocess.run(["umount", str(mount)], check=False)
