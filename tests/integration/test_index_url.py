"""The URL of the index: what it may be, and what is said of one that cannot be used."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from sqlalchemy import QueuePool
from sqlalchemy.exc import TimeoutError as NoneFree

from classwright_tools.errors import InvalidInput, StorageFailed
from classwright_tools.workspace.index import check_database, postgres_url
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
