"""The server's own vLLM, with a stand-in: a program named `vllm` that answers on loopback and logs what it is asked.

The real program needs a GPU. What is tested here is the watching: starting, restarting, sleeping, ending.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import psutil
import pytest

from classwright_server import vllm
from classwright_server.cli import main
from classwright_server.config.settings import ToolSettings
from classwright_server.jobs.environment import child_environment
from classwright_server.runtime import Runtime
from classwright_server.vllm import VllmServer
from classwright_tools.errors import InvalidInput, StorageFailed, WriterFailed
from support.server import PATIENCE_SECONDS, is_alive, make_settings, until

STAND_IN = """#!{python}
import http.server, json, os, sys, time
folder = {folder!r}
at = lambda name: os.path.join(folder, name)
open(os.path.join(folder, "starts"), "a").write(" ".join([str(os.getpid()), *sys.argv[1:]]) + "\\n")
assert os.environ["VLLM_SERVER_DEV_MODE"] == os.environ["DO_NOT_TRACK"] == "1"
if os.path.exists(os.path.join(folder, "broken")):
    sys.exit(3)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write(json.dumps(dict(is_sleeping=os.path.exists(at("sleeps")))).encode())
    def do_POST(self):
        open(at("asked"), "a").write(self.path + "\\n")
        failed = False
        if self.path == "/wake_up":
            failed = os.path.exists(at("stubborn"))
            os.remove(at("stubborn" if failed else "sleeps"))
        else:
            open(at("sleeps"), "w").close()
            while os.path.exists(at("slow")):
                time.sleep(0.01)
        self.send_response(500 if failed else 200); self.end_headers()
    def log_message(self, *_): pass
port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment whose PATH begins with the stand-in."""
    program = tmp_path / "bin" / "vllm"
    program.parent.mkdir()
    program.write_text(STAND_IN.format(python=sys.executable, folder=str(tmp_path)))
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    return {**os.environ, "DO_NOT_TRACK": "1", "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture
def server(environment: dict[str, str]) -> Iterator[VllmServer]:
    """A running stand-in."""
    made = VllmServer("some/model", environment, 4000)
    made.wait_until_ready()
    yield made
    made.close()


def starts(folder: Path) -> list[list[str]]:
    return [line.split() for line in (folder / "starts").read_text().splitlines()]


def asked(folder: Path) -> list[str]:
    path = folder / "asked"
    return path.read_text().split() if path.exists() else []


def test_it_is_started_on_loopback_with_sleep_mode_and_is_the_writer(server: VllmServer, tmp_path: Path) -> None:
    [[_, *arguments]] = starts(tmp_path)

    assert arguments[:4] == ["serve", "some/model", "--host", "127.0.0.1"]
    assert "--enable-sleep-mode" in arguments
    assert server.endpoint.base_urls == (f"{server.url}/v1",)
    assert server.endpoint.thinking_tokens == 4000
    assert httpx.get(f"{server.url}/health", trust_env=False).is_success


def test_it_sleeps_while_a_job_computes_and_writing_waits_until_it_is_awake(server: VllmServer, tmp_path: Path) -> None:
    wrote = threading.Event()

    def write() -> None:
        with server.writing():
            wrote.set()

    with server.computing():
        assert asked(tmp_path) == ["/sleep?level=1"]
        writer = threading.Thread(target=write)
        writer.start()
        assert not wrote.wait(0.3)
    assert wrote.wait(PATIENCE_SECONDS)
    writer.join()
    assert asked(tmp_path) == ["/sleep?level=1", "/wake_up"]


def test_a_model_that_did_not_wake_up_is_woken_again_before_anything_is_written(
    server: VllmServer, tmp_path: Path
) -> None:
    with server.computing():
        (tmp_path / "stubborn").touch()
    assert (tmp_path / "sleeps").exists()

    with server.writing():
        assert not (tmp_path / "sleeps").exists()
    assert asked(tmp_path) == ["/sleep?level=1", "/wake_up", "/wake_up"]


def test_a_model_that_takes_long_to_fall_asleep_is_woken_all_the_same(
    server: VllmServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slow").touch()
    monkeypatch.setattr(vllm, "CALL_SECONDS", 0.5)
    with server.computing():
        monkeypatch.undo()
        (tmp_path / "slow").unlink()
        assert (tmp_path / "sleeps").exists()

    assert not (tmp_path / "sleeps").exists()
    assert asked(tmp_path) == ["/sleep?level=1", "/wake_up"]


def test_it_stays_awake_while_it_writes(server: VllmServer, tmp_path: Path) -> None:
    with server.writing(), server.computing():
        pass

    assert asked(tmp_path) == []


@pytest.mark.anyio
async def test_it_is_started_again_when_it_ends(server: VllmServer, tmp_path: Path) -> None:
    os.kill(int(starts(tmp_path)[0][0]), 9)
    await until(lambda: len(starts(tmp_path)) > 1)
    await anyio.to_thread.run_sync(server.wait_until_ready)


def test_it_is_given_up_when_it_ends_again_and_again(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vllm, "LOOK_SECONDS", 0.05)
    (tmp_path / "broken").touch()
    server = VllmServer("some/model", environment)
    try:
        with pytest.raises(WriterFailed, match="did not come up"), server.writing():
            pass
    finally:
        server.close()
    assert len(starts(tmp_path)) == 3


@pytest.mark.anyio
async def test_it_ends_with_the_server(environment: dict[str, str], tmp_path: Path) -> None:
    server = VllmServer("some/model", environment)
    server.wait_until_ready()
    process = int(starts(tmp_path)[0][0])
    server.close()

    await until(lambda: not is_alive(process))


@pytest.mark.parametrize("file", ["workspace", "workspace/jobs.sqlite"])
def test_it_ends_when_what_else_the_server_needs_cannot_be_opened(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    """A server tries again at each call, here twice."""
    for name in ("PATH", "DO_NOT_TRACK"):
        monkeypatch.setenv(name, environment[name])
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("neither a folder nor a database, but more than a hundred bytes of it. " * 2)
    settings = make_settings(tmp_path / "workspace", vllm="some/model")
    before = psutil.Process().children()
    for _ in range(2):
        with pytest.raises((StorageFailed, sqlite3.DatabaseError)):
            Runtime(settings)

    assert not [child for child in psutil.Process().children() if child not in before and is_alive(child.pid)]


def test_a_machine_without_vllm_is_told_so_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InvalidInput, match="not on the PATH"):
        VllmServer("some/model", {"PATH": str(tmp_path)})
    monkeypatch.setenv("PATH", str(tmp_path))

    assert main(["serve", "--vllm", "some/model", "--workspace", str(tmp_path)]) == 2
    assert "pip install 'classwright[vllm]'" in capsys.readouterr().err


def test_the_libraries_that_would_tell_their_makers_what_runs_here_are_asked_not_to_unless_the_operator_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for before, after in ((None, "1"), ("0", "0")):
        monkeypatch.setenv("DO_NOT_TRACK", before or "")
        if before is None:
            monkeypatch.delenv("DO_NOT_TRACK")
        assert main(["serve", "--vllm", "some/model", "--workspace", str(tmp_path)]) == 2
        passed = child_environment(ToolSettings(workspace=tmp_path), os.environ, "long")
        assert passed["DO_NOT_TRACK"] == after
