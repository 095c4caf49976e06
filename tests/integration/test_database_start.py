"""A server and its PostgreSQL: one of another encoding, one that is down at the start, and one that goes down later."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx
import pytest

from classwright_server.cli import main
from classwright_server.config import database_start
from classwright_server.vllm import free_port
from support.postgres import PostgresServer
from support.server import ServerProcess, on_store, until
from support.writing import dead_port

ASCII = "ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"


@pytest.mark.parametrize(
    "command", [["serve", "--http", "--port", str(free_port())], ["serve"], ["worker"]], ids=["http", "stdio", "worker"]
)
def test_a_database_that_does_not_hold_every_text_ends_the_start_and_is_named(
    postgres: PostgresServer, tmp_path: Path, capfd: pytest.CaptureFixture[str], command: list[str]
) -> None:
    code = main([*command, "--workspace", str(tmp_path), *on_store(postgres.new_database(ASCII))])

    said = capfd.readouterr().err
    assert code == 2
    assert (
        "has the encoding SQL_ASCII, and UTF8 is needed. Make a new one: createdb -O USER -E UTF8 -T template0" in said
    )
    assert "Traceback" not in said


@pytest.mark.parametrize("user", ["classwright", "nobody_such"])
def test_a_database_that_is_not_there_or_lets_the_user_not_in_ends_the_start_at_once(
    postgres: PostgresServer, tmp_path: Path, capfd: pytest.CaptureFixture[str], user: str
) -> None:
    url = postgres.url("nonesuch").replace("classwright@", f"{user}@")
    code = main(["worker", "--workspace", str(tmp_path), *on_store(url)])

    said = capfd.readouterr().err
    assert code == 2
    assert "the database of --index-url: is not there, or its user may not log in, as the log says. Correct" in said


def test_the_doctor_names_the_encoding_too(
    postgres: PostgresServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["doctor", "--workspace", str(tmp_path), *on_store(postgres.new_database(ASCII))])

    workspace = next(line for line in capsys.readouterr().out.splitlines() if "workspace" in line.split())
    assert code == 2
    assert workspace.startswith("WRONG")
    assert "createdb -O USER -E UTF8 -T template0" in workspace


@pytest.mark.parametrize("command", [["serve", "--http", "--port", str(free_port())], ["worker"]])
def test_a_database_that_stays_down_ends_the_start(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
) -> None:
    monkeypatch.setattr(database_start, "PAUSES_SECONDS", (0, 0))
    with dead_port() as port:
        url = f"postgresql://classwright:SECRET@127.0.0.1:{port}/classwright"
        code = main([*command, "--workspace", str(tmp_path), "--index-url", url])

    said = capfd.readouterr().err
    assert code == 2
    assert caplog.text.count("waiting for the database of --index-url") == 2
    assert "database of the index: does not answer. Start it, or correct --index-url." in said
    assert "serves MCP" not in said
    assert "SECRET" not in said + caplog.text


@pytest.mark.timeout(240)
def test_a_server_waits_for_a_database_that_starts_beside_it(tmp_path: Path, own_postgres: PostgresServer) -> None:
    url = own_postgres.new_database()
    own_postgres.stop()
    starting = ServerProcess(tmp_path, *on_store(url))
    later = threading.Thread(target=own_postgres.start)
    later.start()

    with starting as server:
        later.join()
        assert _ready(server) == (200, {"status": "ready"})


@pytest.mark.anyio
@pytest.mark.timeout(240)
async def test_ready_says_while_the_database_is_down_and_health_that_the_process_lives(
    tmp_path: Path, own_postgres: PostgresServer
) -> None:
    with ServerProcess(tmp_path, *on_store(own_postgres.new_database())) as server:
        assert _ready(server) == (200, {"status": "ready"})

        own_postgres.stop()
        await until(lambda: _ready(server)[0] == 503)
        assert _ready(server)[1] == {"status": "not ready", "reason": "the database of the index does not answer"}
        assert httpx.get(f"http://127.0.0.1:{server.port}/health", trust_env=False).status_code == 200

        own_postgres.start()
        await until(lambda: _ready(server)[0] == 200)


@pytest.mark.anyio
async def test_a_server_on_sqlite_is_ready_while_its_workspace_is_there(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    with ServerProcess(workspace) as server:
        assert _ready(server) == (200, {"status": "ready"})

        workspace.rename(tmp_path / "moved")
        await until(lambda: _ready(server)[0] == 503)
        assert _ready(server)[1]["reason"] == "the workspace is not there, or cannot be written"
        assert not workspace.exists()  # whoever asks makes nothing

        (tmp_path / "moved").rename(workspace)
        await until(lambda: _ready(server)[0] == 200)


def _ready(server: ServerProcess) -> tuple[int, dict[str, str]]:
    answer = httpx.get(f"http://127.0.0.1:{server.port}/ready", trust_env=False, timeout=30)
    return answer.status_code, answer.json()
