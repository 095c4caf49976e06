"""A PostgreSQL of the tests' own: Debian's programs, in a temporary folder, on a free port of loopback."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from classwright_server.vllm import free_port

START_SECONDS = 60.0
# What is written need not outlive a power cut of the machine that tests. It has to outlive a crash of the server.
_UNSAFE_AND_FAST = ("fsync=off", "full_page_writes=off")


def postgres_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest one; None if it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    program = found[-1] if found else shutil.which("postgres")
    return Path(program).parent if program else None


class PostgresServer:
    """One server, with as many empty databases as are asked for. It refuses to run as root, so root lends a user."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="classwright-postgres-"))
        self._port = free_port()
        self._numbers = count()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> PostgresServer:
        if self._user:
            shutil.chown(self._folder, self._user["user"], self._user["group"])
        self._run("initdb", "-D", "data", "-U", "classwright", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Start it, and return when it answers."""
        settings = (f"port={self._port}", f"unix_socket_directories={self._folder}", *_UNSAFE_AND_FAST)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", "data", *(part for one in settings for part in ("-c", one))],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                **self._user,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, "PostgreSQL did not start"

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it and every session: cleanly, or with SIGQUIT as a crash would."""
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait()

    def log(self) -> str:
        """What it has logged."""
        return (self._folder / "log").read_text()

    def url(self, database: str) -> str:
        """Return SQLAlchemy's URL of a database."""
        return f"postgresql+psycopg://classwright@127.0.0.1:{self._port}/{database}"

    def new_database(self, options: str = "") -> str:
        """Make an empty database, with the `options` of CREATE DATABASE, and return its URL."""
        name = f"test{next(self._numbers)}"
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} {options}"))
        engine.dispose()
        return self.url(name)

    def tables_with(self, word: str) -> list[str]:
        """The files of tables that hold `word` once all is written to them."""
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("CHECKPOINT"))
        engine.dispose()
        files = (path for path in (self._folder / "data" / "base").rglob("*") if path.is_file())
        return [str(path) for path in files if word.encode() in path.read_bytes()]

    @property
    def _user(self) -> dict[str, Any]:
        return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}

    def _run(self, program: str, *arguments: str) -> None:
        command = [self._programs / program, *arguments]
        subprocess.run(command, cwd=self._folder, check=True, capture_output=True, **self._user)

    def _answers(self) -> bool:
        engine = create_engine(self.url("postgres"))
        try:
            engine.connect().close()
        except OperationalError:
            time.sleep(0.02)
            return False
        finally:
            engine.dispose()
        return True


def _started() -> Iterator[PostgresServer]:
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed; on Debian: apt-get install postgresql")
    with PostgresServer(programs) as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The tests' PostgreSQL; started by the first test that needs it."""
    yield from _started()


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL for one test, which may stop it."""
    yield from _started()


@pytest.fixture
def index_url(request: pytest.FixtureRequest) -> str | None:
    """Where the index and the jobs are: SQLite (None), or a new database of PostgreSQL where a test asks for it."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return None
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


ON_BOTH = pytest.mark.parametrize("index_url", ["sqlite", "postgres"], indirect=True)
"""Runs a test twice: on SQLite and on PostgreSQL."""
