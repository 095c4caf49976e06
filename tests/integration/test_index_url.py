"""The URL of the index: what it may be, and what is said of one that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from classwright_tools.errors import InvalidInput, StorageFailed
from classwright_tools.workspace.index import postgres_url
from classwright_tools.workspace.workspace import Workspace
from support.postgres import PostgresServer
from support.writing import dead_port


def test_a_url_without_a_driver_gets_the_one_that_is_installed(postgres: PostgresServer, tmp_path: Path) -> None:
    url = postgres.new_database().replace("+psycopg", "")

    workspace = Workspace(tmp_path, url)

    assert workspace.tasks() == []
    workspace.engine.dispose()


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
