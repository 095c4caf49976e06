"""Estimates as a client sees them: alone with dry_run, and in the answers about a job."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.server import LONG, TASK, call, call_failing, connected, make_settings, rows

pytestmark = pytest.mark.anyio


async def test_a_dry_run_tells_what_a_training_would_take_and_makes_nothing(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path)) as client:
        await call(client, "propose_topics", TASK)
        await call(client, "import_examples", task="support", split="train", rows=rows(), wait_seconds=LONG)
        told = await call(client, "train_classifier", task="support", method="probe", dry_run=True)
        jobs = await call(client, "list_jobs")
        trained = await call(client, "train_classifier", task="support", method="probe", wait_seconds=LONG)
        refused = await call_failing(client, "train_classifier", task="supprt", dry_run=True)

    assert (told["status"], told["job_id"], told["result"]) == ("completed", "", None)
    assert told["estimate"]["seconds_low"] < told["estimate"]["seconds"] < told["estimate"]["seconds_high"]
    assert told["summary"].startswith("Nothing was done. train_classifier would take about ")
    assert [job["tool"] for job in jobs["jobs"]] == ["import_examples"]
    assert trained["estimate"]["seconds"] > 0
    assert "rests_on" in trained["estimate"]
    assert "supprt" in refused
