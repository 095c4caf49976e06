"""Estimates as a client sees them: alone with dry_run, and in the answers about a job."""

from __future__ import annotations

from pathlib import Path

import pytest

from classwright_server.config.settings import ServerSettings, ToolSettings
from classwright_tools.writing.backends.endpoint_settings import EndpointSettings
from support.server import LONG, TASK, call, call_failing, connected, make_settings, rows, topics

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


async def test_a_server_that_runs_no_jobs_estimates_and_takes_texts_without_the_writers_key(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path)) as client:
        await call(client, "propose_topics", {**TASK, **topics(1)})
        await call(client, "synthesize_examples", task="support", rows=2, wait_seconds=LONG)
    writer = EndpointSettings(base_urls=("http://localhost/v1",), model="m", key_env="CLASSWRIGHT_NO_SUCH_KEY")
    settings = ServerSettings(tool_settings=ToolSettings(workspace=tmp_path, writer=writer), jobs=())
    async with connected(settings) as client:
        told = await call(client, "synthesize_examples", task="support", rows=10, dry_run=True)
        taken = await call(client, "submit_examples", assignment="support-a1", texts={"b1": ["My parcel is late."]})

    assert told["estimate"]["tokens_in"] > 0
    assert taken["accepted"] == 1
