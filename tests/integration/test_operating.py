"""The recipes for operators: their commands are run beside a server at work, and what they leave is used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mcp import Client

from support.console import as_printed, run_page
from support.paths import ROOT
from support.postgres import PostgresServer, postgres_programs
from support.server import (
    LONG,
    TASK,
    ServerProcess,
    call,
    connected,
    make_settings,
    on_store,
    rows,
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
    with ServerProcess(tmp_path / "workspace", "--jobs", "short") as server:
        async with Client(server.url) as client:
            waits = await fill(client)
            ran = run_page(section("Back up on SQLite", "Restore"), tmp_path, LIMIT_SECONDS)
            for one in ran:
                as_printed(one)
            with pytest.raises(AssertionError, match=f"has 1 job that wait or run: {waits}"):
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
    with ServerProcess(tmp_path / "workspace", "--jobs", "short", *on_store(before)) as server:
        async with Client(server.url) as client:
            waits = await fill(client)
            for one in run_page(section("Back up and restore on PostgreSQL"), tmp_path, LIMIT_SECONDS):
                as_printed(one)
    with ServerProcess(tmp_path / "backup", "--jobs", "short", *on_store(after)) as server:
        async with Client(server.url) as client:
            job = await call(client, "get_job", job_id=waits, wait_seconds=0)
            found = await call(client, "find_examples", task="support", wait_seconds=LONG)

    assert job["status"] == "queued"
    assert found["result"]["total"] == 4


def _folder(tmp_path: Path) -> Path:
    """The folder for the commands of one more part of the page."""
    for name in (".venv", "examples"):
        (tmp_path / name).unlink()
    return tmp_path
