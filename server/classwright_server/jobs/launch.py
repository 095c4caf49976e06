"""DBOS on the database of a workspace's jobs, with a queue for each lane."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence

from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer

from classwright_server.config.settings import COMPUTE, ToolSettings
from classwright_tools.work import Lane
from classwright_tools.workspace.atomic import storage_errors
from classwright_tools.workspace.database import postgres_url
from classwright_tools.workspace.sqlite_files import WAIT_SECONDS, own_file, use_write_ahead_log

APPLICATION = "classwright"
JOBS_FILE = "jobs.sqlite"
JOBS_VERSION = "1"
"""The form in which jobs are stored. It does not change with the program, so an upgrade finishes the old jobs."""
POLL_SECONDS: dict[Lane, float] = {"short": 0.4, "long": 1.0, "writing": 0.45}
"""Between two looks at a lane, so that a job begins within half a second; long work can wait for a whole one.

Looks are what an idle server spends its time on: a look every 0.2 s at one lane takes a second of a processor a minute.
"""
LISTEN_SECONDS = 0.1
"""Between two looks of DBOS for messages to jobs, of which we send none. A server that stops waits for a look."""
AT_ONCE: dict[Lane, int] = {"short": 2, "long": 1, "writing": 4}
"""Jobs of a lane that a process runs beside each other."""


def configured(tool_settings: ToolSettings, executor_id: str) -> DBOS:
    """Return DBOS for the workspace's database, which has a queue for each lane. Nothing runs before it is launched."""
    url = database_url(tool_settings)
    _register_lanes(url, tool_settings)
    return DBOS(
        config={
            "name": APPLICATION,
            "system_database_url": url,
            "application_version": JOBS_VERSION,
            "executor_id": executor_id,
            "serializer": DBOSPortableJSONSerializer(),
            "db_engine_kwargs": {"hide_parameters": True},  # an error in the log holds no text of a request
            "log_level": "WARNING",
            "notification_listener_polling_interval_sec": LISTEN_SECONDS,
        }
    )


def launch(lanes: Sequence[Lane]) -> None:
    """Launch DBOS, and begin to take jobs from `lanes`."""
    DBOS.listen_queues(lanes)
    DBOS.launch()


@contextlib.contextmanager
def client_of(url: str) -> Iterator[DBOSClient]:
    """Yield a client of the jobs at `url`, which runs none; their tables are made, or brought up to date."""
    DBOS.migrate(url)
    client = DBOSClient(system_database_url=url, application_name=APPLICATION, serializer=DBOSPortableJSONSerializer())
    try:
        yield client
    finally:
        client.destroy()


def _register_lanes(url: str, tool_settings: ToolSettings) -> None:
    """Store a queue for each lane: DBOS sees those that come after its launch only a second later."""
    # SQLite is shared by the servers of one machine, PostgreSQL by hosts with a GPU each.
    one_machine = tool_settings.index_url is None
    with client_of(url) as client:
        for lane in AT_ONCE:
            most = jobs_at_once(lane, tool_settings)
            client.register_queue(
                lane,
                worker_concurrency=most,
                global_concurrency=most if one_machine and lane in COMPUTE else None,
                polling_interval_sec=POLL_SECONDS[lane],
                on_conflict="always_update",
            )


def jobs_at_once(lane: Lane, tool_settings: ToolSettings) -> int:
    """Return the number of jobs of `lane` that a process runs beside each other.

    It is one where each job that writes would load the writer's model again.
    """
    writer = tool_settings.writer
    return 1 if lane == "writing" and writer is not None and writer.loads_model else AT_ONCE[lane]


def database_url(tool_settings: ToolSettings) -> str:
    """Return where DBOS keeps its tables: in the index's PostgreSQL, else in a SQLite file of the workspace."""
    if tool_settings.index_url:
        return postgres_url(tool_settings.index_url).render_as_string(hide_password=False)
    path = own_file(tool_settings.workspace / JOBS_FILE)
    opened = sqlite3.connect(path, timeout=WAIT_SECONDS)
    with storage_errors(JOBS_FILE), contextlib.closing(opened) as connection:
        use_write_ahead_log(connection)  # kept in the file
    return f"sqlite:///{path}"
