"""The number of jobs that a server runs beside each other."""

from __future__ import annotations

from pathlib import Path

from classwright_server.config.settings import ToolSettings
from classwright_server.jobs.launch import jobs_at_once
from classwright_tools.writing.backends.local import LocalSettings
from classwright_tools.writing.backends.openai_compatible import EndpointSettings


def test_one_job_writes_at_a_time_where_each_would_load_the_model(tmp_path: Path) -> None:
    local = ToolSettings(workspace=tmp_path, writer=LocalSettings(model="some/model"))
    endpoint = ToolSettings(workspace=tmp_path, writer=EndpointSettings(base_urls=("http://one/v1",), model="m"))

    assert jobs_at_once("writing", local) == 1
    assert jobs_at_once("writing", endpoint) > 1
    assert jobs_at_once("short", local) == jobs_at_once("short", endpoint) > 1
