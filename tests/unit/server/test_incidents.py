"""What a client hears of a failure that is not its own: a defect's number, or that the database is away."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from classwright_server.config.settings import ToolSettings
from classwright_server.incidents import masked
from classwright_server.jobs.child import Bench, Reporter
from classwright_server.jobs.messages import Order
from classwright_tools.domain.writer import WritingRequest
from classwright_tools.learning.methods.matcher import MatcherMethod
from classwright_tools.learning.methods.registry import METHODS
from classwright_tools.writing.backends.scripted import ScriptedWriter
from support.postgres import PostgresServer
from support.writing import writing_request


def test_a_job_whose_method_another_server_alone_has_says_so_and_is_no_incident(
    tmp_path: Path,
) -> None:
    settings = ToolSettings(workspace=tmp_path)
    sent = {"task": "bank", "method": "centroid"}
    order = Order(run_key="job_1", tool_settings=settings, tool="train_classifier", request=sent)
    bench = Bench(settings, writes=False)
    outcome = bench.outcome_of(order, cast(Reporter, None))
    bench.clear()

    assert not outcome.defect
    assert outcome.error
    assert outcome.error.startswith("This job: was taken by a server of this workspace that has other packages")
    assert "and does not take method='centroid'. Give all servers" in outcome.error


def test_a_postgresql_that_is_away_is_told_as_such(
    own_postgres: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    engine = create_engine(own_postgres.new_database())
    with engine.connect() as connection:
        own_postgres.stop()
        with pytest.raises(OperationalError) as broken_off:
            connection.execute(text("SELECT 1"))
    with pytest.raises(OperationalError) as refused:
        engine.connect()
    engine.dispose()
    own_postgres.start()

    for failure in (broken_off, refused):
        assert "the server has no connection to its database" in masked("evaluate", failure.value)
        assert str(failure.value.orig) in caplog.messages[-1]


def test_a_postgresql_that_gives_a_query_up_or_has_no_place_left_is_told_apart_and_logged_with_its_reason(
    own_postgres: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    url = make_url(own_postgres.new_database())
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE ROLE alone LOGIN CONNECTION LIMIT 0"))
    with engine.connect() as connection:
        connection.execute(text("SET statement_timeout = 1"))
        with pytest.raises(OperationalError) as cancelled:
            connection.execute(text("SELECT pg_sleep(60)"))
    engine.dispose()
    with pytest.raises(OperationalError) as full:
        create_engine(url.set(username="alone")).connect()

    assert "the server had its work given up by its database. Nothing was lost" in masked("evaluate", cancelled.value)
    assert "canceling statement due to statement timeout" in caplog.messages[-1]
    assert "the server has no connection to its database. Nothing was lost" in masked("evaluate", full.value)
    assert "too many connections" in caplog.messages[-1]


def test_an_sqlite_that_another_process_holds_is_told_as_such(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "file"
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 0})
    with (
        contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other,
        engine.connect() as connection,
        contextlib.closing(sqlite3.connect(path, timeout=0)) as own,
    ):
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(OperationalError) as held:
            connection.execute(text("CREATE TABLE one (number INTEGER)"))
        with pytest.raises(sqlite3.OperationalError) as held_raw:
            own.execute("PRAGMA journal_mode=WAL")
    engine.dispose()

    for failure in (held, held_raw):
        told = masked("evaluate", failure.value)
        assert "the server waited in vain for another process that writes to the workspace" in told
        assert "call again in a moment" in told
        assert "database is locked" in caplog.messages[-1]


def test_a_defect_of_sqlite_stays_an_incident(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'file'}")
    with engine.connect() as connection, pytest.raises(OperationalError) as missing:
        connection.execute(text("SELECT * FROM nothing"))
    engine.dispose()

    assert "incident" in masked("evaluate", missing.value)
    assert "incident" in masked("evaluate", sqlite3.OperationalError("Could not decode to UTF-8"))  # without a code


class Own(MatcherMethod):
    """A method of a package's: this file."""

    def fit(self, *_: Any) -> Any:
        """Fail."""
        raise ValueError("no /etc/secret\nhere")


own = Own()


def careless(_request: WritingRequest) -> Sequence[str]:
    """Fail as a script."""
    raise ValueError("no /etc/secret\nhere")


async def write_in_a_group() -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(ScriptedWriter(careless).write(writing_request()))


@pytest.mark.parametrize(
    ("what", "extension"),
    [
        (own.fit, f"method 'own' ({__name__})"),
        (lambda: asyncio.run(ScriptedWriter(careless).write(writing_request())), f"script {__name__}:careless"),
        (lambda: asyncio.run(write_in_a_group()), f"script {__name__}:careless"),
    ],
    ids=["a method", "a script", "a script among others"],
)
def test_a_defect_of_an_extension_is_told_as_its_own_and_in_its_words_to_the_operator_alone(
    what: Any, extension: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(METHODS, "own", own)
    monkeypatch.setitem(METHODS, "another", Own())  # of the same module
    with pytest.raises((ValueError, ExceptionGroup)) as raised:
        what()

    operator, principal = (masked("train", raised.value, for_operator=told) for told in (True, False))

    assert operator.startswith(f"train: {extension}, an extension, raised ValueError: no /etc/secret here (incident ")
    assert principal.startswith(f"train: failed in {extension}, an extension of this server (incident ")
    assert "secret" not in principal
    assert "lies in Classwright" not in operator + principal
    assert f"in train, {extension}" in caplog.text
    assert "Traceback" in caplog.text
