"""The lanes of a server: how many jobs run beside each other, and how often it looks for new ones."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path

from dbos import DBOS

from classwright_server.config.settings import ToolSettings
from classwright_server.jobs.launch import configured, jobs_at_once
from classwright_server.vllm import share_with
from classwright_tools.writing.backends.endpoint_settings import EndpointSettings
from classwright_tools.writing.backends.local_settings import LocalSettings


def test_one_job_writes_at_a_time_where_each_would_load_the_model(tmp_path: Path) -> None:
    local = ToolSettings(workspace=tmp_path, writer=LocalSettings(model="some/model"))
    endpoint = ToolSettings(workspace=tmp_path, writer=EndpointSettings(base_urls=("http://one/v1",), model="m"))

    assert jobs_at_once("writing", local) == 1
    assert jobs_at_once("writing", endpoint) > 1
    assert jobs_at_once("short", local) == jobs_at_once("short", endpoint) > 1


def test_where_each_would_load_the_model_the_second_job_waits_whatever_the_queue_lets_through() -> None:
    share, begun = share_with(LocalSettings(model="some/model")), threading.Event()

    def write() -> None:
        with share.of("writing"):
            begun.set()

    with share.of("writing"):
        second = threading.Thread(target=write)
        second.start()
        with share.of("short"), share.of("long"):
            assert not begun.is_set()
    second.join()
    assert begun.is_set()
    for writer in (EndpointSettings(base_urls=("http://one/v1",), model="m"), None):
        free = share_with(writer)
        with free.of("writing"), free.of("writing"):
            pass


def test_an_idle_server_looks_seldom_and_short_jobs_begin_within_half_a_second(tmp_path: Path) -> None:
    try:
        configured(ToolSettings(workspace=tmp_path), "one")
    finally:
        DBOS.destroy(workflow_completion_timeout_sec=0)
    with contextlib.closing(sqlite3.connect(tmp_path / "jobs.sqlite")) as jobs:
        waits = dict(jobs.execute("SELECT name, polling_interval_sec FROM queues"))

    assert max(waits["short"], waits["writing"]) * 1.05 < 0.5  # DBOS waits up to a twentieth longer
    assert sum(1 / seconds for seconds in waits.values()) <= 6
