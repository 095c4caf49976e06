"""What `classwright doctor` says of a workspace, such as one that was just restored: it counts, and makes nothing."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from classwright_server.config.settings import ToolSettings
from classwright_server.runtime import Runtime
from classwright_server.workspace_check import workspace_told
from classwright_tools.errors import ClasswrightError, StorageFailed
from classwright_tools.workspace.workspace import Workspace
from support.server import TASK, call, connected, make_settings, rows, signed_in

pytestmark = pytest.mark.anyio


def told(root: Path) -> str:
    """What the doctor says of the workspace at `root`, in which nothing is made."""
    before = set(root.rglob("*"))
    try:
        return workspace_told(ToolSettings(workspace=root))
    except ClasswrightError as error:
        return f"WRONG {error}"
    finally:
        assert set(root.rglob("*")) <= before  # SQLite takes in and removes the log of a file that nobody has open


async def fill(root: Path) -> None:
    """Make a task with a dataset, by a job, and a task of a principal."""
    async with connected(make_settings(root)) as client:
        await call(client, "propose_topics", TASK)
        imported = await call(client, "import_examples", task="support", split="train", rows=rows(4), wait_seconds=50)
        assert imported["status"] == "completed"
        with signed_in("ann"):
            await call(client, "propose_topics", TASK)


def backup_of(root: Path) -> Path:
    """Copy the workspace `root` as operating.md says, and return the copy."""
    copy = root.with_name("backup")
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns("*.sqlite*", "executors"))
    for file in root.rglob("*.sqlite"):
        with contextlib.closing(sqlite3.connect(file)) as connection:
            connection.execute("VACUUM INTO ?", [str(copy / file.relative_to(root))])
    return copy


async def test_what_it_holds_is_counted_and_what_is_missing_or_damaged_named(tmp_path: Path) -> None:
    await fill(tmp_path / "workspace")
    root = backup_of(tmp_path / "workspace")
    whole = told(root)
    shutil.move(root / "support" / "support-d1", tmp_path)
    without_rows = told(root)
    shutil.move(tmp_path / "support-d1", root / "support")
    index = (root / "index.sqlite").read_bytes()
    (root / "index.sqlite").unlink()
    (root / "numpy" / "numpy-1.26").mkdir(parents=True)  # no artifact
    without_index = told(root)
    Workspace(tmp_path / "other").engine.dispose()
    shutil.copy(tmp_path / "other" / "index.sqlite", root)
    another_index = told(root)
    (root / "index.sqlite").write_bytes(index[:4096] + bytes(4096) + index[8192:])
    torn = told(root)
    (root / "index.sqlite").write_bytes(index)
    (root / "jobs.sqlite").unlink()
    without_jobs = told(root)

    assert whole.endswith("index in SQLite. It holds 2 tasks, 1 dataset, 0 models, 1 job.")
    assert "workspace 'backup': 1 of 1 artifact in the index has no folder: support-d1." in without_rows
    assert "workspace 'backup': has no index.sqlite beside jobs.sqlite, principals, support." in without_index
    assert "workspace 'backup': holds artifacts that its index does not list, of support." in another_index
    assert "index.sqlite: is damaged: " in torn
    assert without_jobs.endswith("It holds 2 tasks, 1 dataset, 0 models, 0 jobs.")


async def test_a_workspace_that_is_not_there_is_empty_and_not_made(tmp_path: Path) -> None:
    assert told(tmp_path / "new").endswith("index in SQLite. It is empty.")
    assert f"{tmp_path / 'new'} does not exist yet, and a server makes it" in told(tmp_path / "new")
    assert told(tmp_path).endswith("It is empty.")
    Workspace(tmp_path).engine.dispose()
    assert told(tmp_path).endswith("It is empty.")  # an index without a task
    (tmp_path / "principals" / "ann" / "support" / "support-d1").mkdir(parents=True)
    assert "WRONG workspace 'ann': holds artifacts that its index does not list, of support" in told(tmp_path)


@pytest.mark.parametrize("name", ["index.sqlite", "jobs.sqlite"])
async def test_a_damaged_database_is_one_sentence_with_its_repair_for_the_doctor_and_a_server(
    tmp_path: Path, name: str
) -> None:
    async with connected(make_settings(tmp_path)) as client:
        await call(client, "propose_topics", TASK)
    for file in tmp_path.glob(f"{name}*"):  # its log, too
        file.unlink()
    (tmp_path / name).write_bytes(b"\x93no database\x00" * 900)

    assert f"WRONG {name}: is damaged: file is not a database. Stop the servers" in told(tmp_path)
    with pytest.raises(StorageFailed, match="is damaged: file is not a database") as refused:
        Runtime(make_settings(tmp_path))
    assert "put them back from a backup" in str(refused.value)
    assert "\n" not in str(refused.value)
