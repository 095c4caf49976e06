"""Signs of life in sessions of a PostgreSQL: held until the last process is gone, taken again when they were lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from mcp import Client
from sqlalchemy import create_engine, text

from classwright_server.jobs import sessions
from classwright_server.jobs.sessions import SessionLock
from classwright_tools.errors import StorageFailed
from support.postgres import PostgresServer
from support.server import (
    CELLS,
    TREE,
    ServerProcess,
    asks,
    call,
    compute_processes,
    connected,
    finished,
    is_alive,
    make_settings,
    on_store,
    until,
    writes_sentences,
)
from support.writing import HANG, Said, ScriptedEndpoint, Seen, dead_port

pytestmark = pytest.mark.anyio
LOCKS = "FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted"


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    """A database of the test's own."""
    return postgres.new_database()


@pytest.fixture
def other(url: str) -> Iterator[SessionLock]:
    """Who looks for the life of others."""
    made = SessionLock(url)
    yield made
    made.release()


@pytest.fixture
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that is free has no more time to be taken again."""
    monkeypatch.setattr(sessions, "GRACE_SECONDS", 0.0)


@pytest.mark.usefixtures("no_grace")
async def test_a_lock_is_held_until_the_last_process_that_inherited_it_is_gone(url: str, other: SessionLock) -> None:
    """The first process takes the lock, hands it on and is killed; the heir still works."""
    script = (
        "import subprocess, sys\n"
        "from classwright_server.jobs.sessions import SessionLock\n"
        "lock = SessionLock(sys.argv[1])\n"
        "heir = subprocess.Popen(['sleep', '600'], stdout=2, pass_fds=(lock.descriptor,), process_group=0)\n"
        "print(lock.executor_id, heir.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, url]
    first = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    executor_id, heir = first.stdout.readline().split()
    alive_at_first = other.dead([executor_id]) == []
    first.kill()
    first.communicate()
    alive_in_its_heir = other.dead([executor_id]) == []
    os.kill(int(heir), signal.SIGKILL)
    await until(lambda: other.dead([executor_id]) == [executor_id])

    assert alive_at_first
    assert alive_in_its_heir


@pytest.mark.usefixtures("no_grace")
async def test_a_lock_that_is_given_back_is_free_as_soon_as_the_database_has_closed_its_session(
    url: str, other: SessionLock
) -> None:
    lock = SessionLock(url)
    lock.release()

    await until(lambda: other.dead([lock.executor_id]) == [lock.executor_id])


async def test_nobody_counts_as_dead_because_the_database_was_started_anew(own_postgres: PostgresServer) -> None:
    url = own_postgres.new_database()
    one, other = SessionLock(url), SessionLock(url)
    own_postgres.stop(signal.SIGQUIT)
    lost = other.dead([one.executor_id])
    own_postgres.start()
    engine = create_engine(url)
    with engine.connect() as connection:
        # Taken again by both, each in a new session.
        await until(lambda: connection.scalar(text(f"SELECT count(*) {LOCKS}")) == 2)
    found = other.dead([one.executor_id])
    engine.dispose()
    one.release()
    other.release()

    assert lost == found == []


async def test_a_job_goes_on_when_its_database_is_started_anew(tmp_path: Path, own_postgres: PostgresServer) -> None:
    """It is started anew twice: while the model is asked, and when its answers are to be stored."""
    may_answer = threading.Event()

    def script(seen: Seen) -> Said:
        may_answer.wait()
        return writes_sentences(seen)

    with ScriptedEndpoint(script) as endpoint:
        flags = ("--writer-url", endpoint.url, "--writer-model", "scripted", *on_store(own_postgres.new_database()))
        with ServerProcess(tmp_path, *flags) as server:
            async with Client(server.url) as client:
                job = await call(client, "propose_topics", TREE, wait_seconds=0)
                await anyio.to_thread.run_sync(endpoint.arrived.wait)
                own_postgres.stop(signal.SIGQUIT)
                own_postgres.start()
                own_postgres.stop(signal.SIGQUIT)
                may_answer.set()
                own_postgres.start()
                view = await finished(client, job["job_id"])

    assert view["status"] == "completed", view["error"]
    assert view["result"]["cells"] == CELLS
    asked = Counter(seen.prompt for seen in endpoint.chats)
    assert max(asked.values()) == 1  # what was answered while the database was away was stored when it came back


def test_a_database_that_does_not_answer_is_told() -> None:
    with dead_port() as port, pytest.raises(StorageFailed, match=r"does not answer.*--index-url") as told:
        SessionLock(f"postgresql://classwright:SECRET@127.0.0.1:{port}/classwright")

    assert "SECRET" not in str(told.value)


async def test_a_server_that_was_out_of_reach_gives_up_the_job_that_another_took(tmp_path: Path, url: str) -> None:
    """The first server is stopped as a machine that sleeps, and the database gives its session up."""
    held: list[int] = []
    with ScriptedEndpoint(lambda seen: writes_sentences(seen) if held else HANG) as endpoint:
        flags = ("--writer-url", endpoint.url, "--writer-model", "scripted", *on_store(url))
        with ServerProcess(tmp_path, *flags) as first:
            async with Client(first.url) as client:
                job = await call(client, "propose_topics", TREE, wait_seconds=0)
                await anyio.to_thread.run_sync(endpoint.arrived.wait)
                [working] = (pid for pid in compute_processes(first.process.pid) if asks(pid, endpoint.port))
            held.append(working)
            first.process.send_signal(signal.SIGSTOP)
            engine = create_engine(url)
            with engine.connect() as connection:
                connection.execute(text(f"SELECT pg_terminate_backend(pid) {LOCKS}"))
            engine.dispose()
            async with connected(make_settings(tmp_path, writer_url=endpoint.url, index_url=url)) as client:
                view = await finished(client, job["job_id"])
                still_at_work = is_alive(working)
                first.process.send_signal(signal.SIGCONT)
                await until(lambda: not is_alive(working))
                async with Client(first.url) as back:
                    seen = await call(back, "get_job", job_id=job["job_id"])

    assert still_at_work  # nothing but the first server itself could end it
    assert view["result"]["cells"] == CELLS
    assert seen == view
