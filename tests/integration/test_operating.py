"""The recipes for operators: their commands are run beside a server at work, and what they leave is used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mcp import Client

from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.console import as_printed, run_page
from support.paths import ROOT
from support.postgres import PostgresServer, postgres_programs
from support.server import (
    LONG,
    TASK,
    call,
    connected,
    finished,
    make_settings,
    rows,
    signed_in,
    topics,
)

pytestmark = pytest.mark.anyio
PAGE = ROOT / "docs/guides/operating.md"
LIMIT_SECONDS = 120


def section(*headings: str) -> str:
    """The parts of the page under these headings."""
    parts = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return "".join(part for part in parts if part.startswith(headings))


async def fill(client: Client) -> str:
    """Make a task with a dataset, and queue a job that no server takes; return its id."""
    await call(client, "propose_topics", {**TASK, **topics(1)})
    await call(client, "import_examples", task="support", split="train", rows=rows(4), wait_seconds=LONG)
    return str((await call(client, "train_classifier", task="support", method="contrastive", wait_seconds=0))["job_id"])


async def test_a_backup_that_is_made_at_work_is_a_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path / '.venv/bin'}:/usr/bin:/bin")
    async with connected(make_settings(tmp_path / "workspace", jobs=("short",))) as client:
        waits = await fill(client)
        ran = run_page(section("Back up on SQLite", "Restore"), tmp_path, LIMIT_SECONDS)
        for one in ran:
            as_printed(one)
        with pytest.raises(AssertionError, match=f"has 1 job that waits or runs: {waits}"):
            run_page(section("Delete what"), _folder(tmp_path), LIMIT_SECONDS)
    async with connected(make_settings(tmp_path / "backup", jobs=())) as client:
        assert (await call(client, "get_job", job_id=waits, wait_seconds=0))["status"] == "queued"
        await call(client, "cancel_job", job_id=waits)
    async with connected(make_settings(tmp_path / "backup")) as client:
        found = await call(client, "find_examples", task="support", wait_seconds=LONG)
    for one in run_page(section("Delete what"), _folder(tmp_path), LIMIT_SECONDS):
        as_printed(one)

    assert found["result"]["total"] == 4
    assert not (tmp_path / "backup" / "support").exists()


async def test_a_backup_of_a_postgresql_is_a_workspace(
    tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = (postgres.new_database().replace("+psycopg", "") for _ in range(2))
    monkeypatch.setenv("PATH", f"{tmp_path / '.venv/bin'}:{postgres_programs()}:/usr/bin:/bin")
    monkeypatch.setenv("DATABASE", before)
    monkeypatch.setenv("NEW_DATABASE", after)
    async with connected(make_settings(tmp_path / "workspace", index_url=before, jobs=("short",))) as client:
        waits = await fill(client)
        for one in run_page(section("Back up and restore on PostgreSQL"), tmp_path, LIMIT_SECONDS):
            as_printed(one)
    async with connected(make_settings(tmp_path / "backup", index_url=after, jobs=("short",))) as client:
        job = await call(client, "get_job", job_id=waits, wait_seconds=0)
        found = await call(client, "find_examples", task="support", wait_seconds=LONG)

    assert job["status"] == "queued"
    assert found["result"]["total"] == 4


async def test_a_workspace_moves_from_sqlite_to_postgresql_with_what_waits(
    tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.new_database()
    monkeypatch.setenv("PATH", f"{tmp_path / '.venv/bin'}:/usr/bin:/bin")
    monkeypatch.setenv("DATABASE", url)
    page, root = section("From SQLite to PostgreSQL"), tmp_path / "workspace"
    async with connected(make_settings(root, jobs=("short",))) as client:
        trains = await fill(client)
        with signed_in("ann"):
            await call(client, "propose_topics", TASK)
    workspace = Workspace(root)
    for number in range(2, 12):  # in the order of their ids the tenth stands before the ninth, which it refers to
        parent = f"support-d{number - 1}"
        save_dataset(workspace, "support", {}, parent=parent, run_key=f"r{number}", made_by="test")
    workspace.engine.dispose()
    async with connected(make_settings(root, jobs=())) as client:
        given = {"task": "support", "split": "train", "rows": rows(4, 90), "wait_seconds": 0}
        imports = (await call(client, "import_examples", given))["job_id"]
        with pytest.raises(AssertionError, match="workspace 'workspace': is in use"):
            run_page(page, tmp_path, LIMIT_SECONDS)

    for one in run_page(page, _folder(tmp_path), LIMIT_SECONDS):
        as_printed(one)
    async with connected(make_settings(root, index_url=url, jobs=("short",))) as client:
        done = await finished(client, imports)
        waits = await call(client, "get_job", job_id=trains, wait_seconds=0)
        await call(client, "propose_topics", {**TASK, "task": "another"})  # which gets a number of its own
        with signed_in("ann"):
            [anns] = (await client.read_resource("classwright://support")).contents

    assert done["result"]["dataset"] == "support-d12"
    assert waits["status"] == "queued"
    assert "Classify a message" in anns.text  # type: ignore[union-attr]  # it is JSON
    assert {path.suffix for path in root.glob("*.sqlite*")} == {".moved"}
    with pytest.raises(AssertionError, match="has no index in SQLite"):
        run_page(page, _folder(tmp_path), LIMIT_SECONDS)


def _folder(tmp_path: Path) -> Path:
    """The folder for the commands of one more part of the page."""
    for name in (".venv", "examples"):
        (tmp_path / name).unlink()
    return tmp_path
