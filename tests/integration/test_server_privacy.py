"""What a real server leaves on the disk is its user's alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from mcp import Client

from support.server import LONG, TASK, ServerProcess, call, rows


@pytest.mark.anyio
async def test_no_other_user_of_the_system_reads_what_a_server_keeps(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with ServerProcess(tmp_path / "w") as server:
            async with Client(server.url) as client:
                await call(client, "propose_topics", TASK)
                source = {"task": "support", "split": "train", "rows": rows(8), "wait_seconds": LONG}
                await call(client, "import_examples", source)
                kept = list((tmp_path / "w").rglob("*"))
    finally:
        os.umask(before)

    assert {path.suffix for path in kept} >= {".sqlite", ".json"}
    assert [path for path in kept if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077] == []
