"""The route /ready where something that is stored in is lacking, is no folder, or says nothing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from classwright_server.config.settings import ToolSettings
from classwright_server.http import ready_route

GONE = "the workspace is not there, or cannot be written"


@pytest.fixture(autouse=True)
def _each_request_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready_route, "LOOK_SECONDS", 0)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port of this machine that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def _client(folder: Path, index_url: str | None = None) -> TestClient:
    settings = ToolSettings(workspace=folder, index_url=index_url)
    return TestClient(Starlette(routes=[Route("/ready", ready_route.ready_route(settings, lambda: False))]))


def _reason(client: TestClient) -> str | None:
    answer = client.get("/ready")
    assert answer.status_code == (503 if "reason" in answer.json() else 200)
    return answer.json().get("reason")  # type: ignore[no-any-return]  # JSON


def test_a_workspace_that_was_deleted_is_not_ready_and_not_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "workspace"
    folder.mkdir()
    client = _client(folder)
    assert _reason(client) is None

    folder.rmdir()
    assert _reason(client) == GONE
    assert not folder.exists()

    folder.touch()
    assert _reason(client) == GONE


def test_a_workspace_that_hangs_is_named_and_one_thread_alone_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = threading.Event()
    looked: list[Path] = []

    def hang(folder: Path) -> None:
        looked.append(folder)
        back.wait()

    monkeypatch.setattr(ready_route, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(ready_route, "_look_at_workspace", hang)
    with _client(tmp_path) as client:  # one event loop for all requests
        try:
            assert [_reason(client) for _ in range(3)] == ["the workspace does not answer"] * 3
            assert looked == [tmp_path]
        finally:
            back.set()


def test_a_database_that_is_cut_off_is_named_within_the_time_of_a_look(
    tmp_path: Path, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ready_route, "PATIENCE_SECONDS", 0.5)
    url = f"postgresql://classwright@127.0.0.1:{silent_port}/classwright?connect_timeout=2"  # for the thread's sake
    assert _reason(_client(tmp_path, url)) == "the database of the index does not answer"
