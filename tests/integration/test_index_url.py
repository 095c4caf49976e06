"""The URL of the index: what it may be, and what is said of one that cannot be used."""

from __future__ import annotations

import socket
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from sqlalchemy import QueuePool, create_engine, select, text
from sqlalchemy.exc import TimeoutError as NoneFree

from classwright_tools.domain.task import Label, Task
from classwright_tools.errors import InvalidInput, StorageFailed
from classwright_tools.workspace.database import check_database, postgres_url
from classwright_tools.workspace.index import TaskRow, reading
from classwright_tools.workspace.moving import copy_index
from classwright_tools.workspace.workspace import Workspace
from support.postgres import PostgresServer
from support.writing import dead_port


def test_a_url_without_a_driver_gets_the_one_that_is_installed(postgres: PostgresServer, tmp_path: Path) -> None:
    url = postgres.new_database().replace("+psycopg", "")

    workspace = Workspace(tmp_path, url)

    assert workspace.tasks() == []
    workspace.engine.dispose()


def test_every_connection_has_time_limits_and_those_of_the_url_win(postgres: PostgresServer, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, f"{postgres.new_database()}?connect_timeout=9", "principal_a")
    with workspace.engine.connect() as connection:
        told = connection.connection.driver_connection.info.get_parameters()  # type: ignore[union-attr]  # psycopg's
    workspace.engine.dispose()

    assert (told["connect_timeout"], told["tcp_user_timeout"], told["keepalives_idle"]) == ("9", "25000", "10")


def test_what_the_url_sets_for_each_connection_holds_for_principals_too(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path, f"{postgres.new_database()}?options=-clock_timeout%3D7s", "principal_a")
    with workspace.engine.connect() as connection:
        told = [connection.scalar(text(f"SHOW {name}")) for name in ("lock_timeout", "search_path")]
    workspace.engine.dispose()

    assert told == ["7s", "principal_a"]


def test_times_stay_what_they_are_whatever_the_zone_of_the_database(postgres: PostgresServer, tmp_path: Path) -> None:
    url = postgres.new_database()
    elsewhere = create_engine(url, isolation_level="AUTOCOMMIT")
    with elsewhere.connect() as connection:
        connection.execute(text(f"ALTER DATABASE {elsewhere.url.database} SET timezone TO 'America/New_York'"))
    elsewhere.dispose()
    old = Workspace(tmp_path / "old")
    old.save_task(Task(slug="support", instruction="Sort.", labels=(Label(name="a"), Label(name="b"))))
    new = Workspace(tmp_path / "new", url)

    copy_index(old.engine, new.engine)
    with reading(new.engine) as session:
        [told] = session.scalars(select(TaskRow.created))

    assert told == old.made("support").replace(tzinfo=UTC)
    assert told.utcoffset() == timedelta(0)  # its date is that of an event in UTC
    new.engine.dispose()


def test_a_principal_takes_five_connections_at_most_and_keeps_one(postgres: PostgresServer, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, postgres.new_database(), "principal_a")
    pool = workspace.engine.pool
    assert isinstance(pool, QueuePool)

    several = [workspace.engine.connect() for _ in range(5)]
    pool._timeout = 0
    with pytest.raises(NoneFree):
        workspace.engine.connect()
    for one in several:
        one.close()

    assert pool.checkedin() == 1
    workspace.engine.dispose()


def test_a_user_who_may_make_no_tables_or_no_schemas_is_told_before_any_call(postgres: PostgresServer) -> None:
    admin = create_engine(postgres.new_database(), isolation_level="AUTOCOMMIT")
    url = admin.url.set(username="classwright_user").render_as_string()
    with admin.connect() as connection:
        connection.execute(text("CREATE ROLE classwright_user LOGIN"))
        for allowed in ("SCHEMA public", f"DATABASE {admin.url.database}"):
            with pytest.raises(InvalidInput, match=r"user of that URL make tables and schemas.*createdb -O USER"):
                check_database(url)
            connection.execute(text(f"GRANT CREATE ON {allowed} TO classwright_user"))
        check_database(url)
    admin.dispose()


def test_a_host_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://classwright@127.0.0.1:{silent.getsockname()[1]}/classwright?connect_timeout=2"
        with pytest.raises(StorageFailed, match="does not answer"):
            check_database(url)


@pytest.mark.parametrize(
    ("url", "reason"), [("nonsense SECRET", "is not a URL"), ("mysql://u:SECRET@h/d", "names a mysql database")]
)
def test_a_url_that_cannot_be_used_is_told_and_not_repeated(url: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=rf"--index-url: {reason}.*postgresql://USER") as told:
        postgres_url(url)

    assert "SECRET" not in str(told.value)


def test_a_database_that_does_not_answer_is_told_without_its_password(tmp_path: Path) -> None:
    with dead_port() as port, pytest.raises(StorageFailed, match=r"does not answer.*--index-url") as told:
        Workspace(tmp_path, f"postgresql://classwright:SECRET@127.0.0.1:{port}/classwright")

    assert "SECRET" not in str(told.value)
    assert str(port) not in str(told.value)
