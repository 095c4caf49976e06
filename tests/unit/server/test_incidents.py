"""What a client hears of a failure that is not its own: a defect's number, or that the database is away."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from classwright_server.incidents import masked
from support.postgres import PostgresServer


def test_a_postgresql_that_is_away_is_told_as_such(own_postgres: PostgresServer) -> None:
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
        assert "database does not answer" in masked("evaluate", failure.value)


def test_a_defect_of_sqlite_stays_an_incident(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'file'}")
    with engine.connect() as connection, pytest.raises(OperationalError) as missing:
        connection.execute(text("SELECT * FROM nothing"))
    engine.dispose()

    assert "incident" in masked("evaluate", missing.value)
