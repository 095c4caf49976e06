"""The server over stdio, as a host starts it: quick, light, and with nothing but messages on its output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from classwright_server.opening import OPEN_AFTER_SECONDS
from support.server import CELLS, TASK, TREE, call, call_failing, finished, rows, until, writes_sentences
from support.writing import HANG, ScriptedEndpoint

SERVE = ("-m", "classwright_server.cli", "serve", "--workspace")
STARTS = 5
HEAVY = ("torch", "transformers", "sentence_transformers", "datasets", "sklearn", "matplotlib", "numpy", "pyarrow")
OPENED_LATER = ("dbos", "sqlalchemy")


@contextmanager
def spoken_to(workspace: Path, log: IO[str], **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A server on stdio that the test speaks JSON lines to, and that writes its log to `log`."""
    process = subprocess.Popen(
        [sys.executable, *SERVE, str(workspace)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        yield process
    finally:
        process.communicate()


def say(process: subprocess.Popen[str], method: str, params: dict[str, Any], id_: int | None = None) -> Any:
    """Send a message and, if it is a request, return the answer."""
    assert process.stdin is not None
    assert process.stdout is not None
    message = {"jsonrpc": "2.0", "method": method, "params": params} | ({} if id_ is None else {"id": id_})
    process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()
    return None if id_ is None else json.loads(process.stdout.readline())


def list_tools(process: subprocess.Popen[str]) -> list[str]:
    """Shake hands and return the names of the tools."""
    client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    say(process, "initialize", client, 1)
    say(process, "notifications/initialized", {})
    return [tool["name"] for tool in say(process, "tools/list", {}, 2)["result"]["tools"]]


def test_listing_the_tools_imports_nothing_heavy_and_opens_nothing(tmp_path: Path) -> None:
    """So it costs little more than a bare server of the SDK: `benchmarks/waits.py` puts the two side by side."""
    log = tmp_path / "log"
    for _ in range(STARTS):  # a machine that stalls for seconds gives a server the time to open its workspace by itself
        with log.open("w") as errors, spoken_to(tmp_path / "w", errors, PYTHONPROFILEIMPORTTIME="1") as process:
            started = time.monotonic()
            list_tools(process)
            listed_after = time.monotonic() - started
            process.kill()
        if listed_after < OPEN_AFTER_SECONDS:
            break

    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in log.read_text().splitlines()}
    assert "mcp" in imported
    assert imported & {*HEAVY, *OPENED_LATER} == set()
    assert not (tmp_path / "w").exists()


def test_a_client_that_leaves_while_an_answer_is_on_its_way_leaves_no_traceback(tmp_path: Path) -> None:
    """Its input ends, too: whether the answer breaks off on the pipe or is never begun is a matter of moments."""
    log = tmp_path / "log"
    with log.open("w") as errors, spoken_to(tmp_path / "w", errors) as process:
        list_tools(process)
        assert process.stdout is not None
        process.stdout.close()
        assert process.stdin is not None
        process.stdin.write('{"jsonrpc": "2.0", "id": 3, "method": "tools/list"}\n')
        process.stdin.close()
        process.stdin = process.stdout = None  # nothing is left to say or to read
        assert process.wait(60) == 0

    assert "Traceback" not in log.read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="reads which libraries a process has mapped from /proc")
@pytest.mark.anyio
async def test_the_server_process_never_loads_torch_even_when_it_trains_and_says_where_files_are(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"
    with log.open("w") as errlog:
        async with Client(stdio_client(parameters(tmp_path), errlog=errlog)) as client:
            await call(client, "propose_topics", TASK)
            await call(client, "import_examples", task="support", split="train", rows=rows(24), wait_seconds=50)
            await call(client, "train_classifier", task="support", method="probe", wait_seconds=50)
            [server] = [
                path.parent
                for path in Path("/proc").glob("[0-9]*/cmdline")
                if str(tmp_path) in (command := _text(path)) and "classwright_server.cli" in command
            ]
            assert "torch" not in _text(server / "maps")
            own = [{"text": text} for text in ("it never came", "pay me back")]
            await call(client, "import_examples", task="support", split="unlabelled", rows=own, wait_seconds=50)
            told = await call(client, "classify", model="support-m1", dataset="support-d2", wait_seconds=50)
            folder = tmp_path / "support" / "support-r1"
            assert told["next_step"].endswith(f" On this machine its files are in {folder.resolve()}.")
            assert (folder / "answers.csv").is_file()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:  # it ended meanwhile
        return ""


def parameters(workspace: Path, *flags: str, **environment: str) -> StdioServerParameters:
    """How a host starts the server."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("HF_", "OMP_", "PYTHON"))}
    return StdioServerParameters(
        command=sys.executable, args=[*SERVE, str(workspace), *flags], env={**kept, **environment}
    )


@pytest.mark.anyio
async def test_a_library_that_prints_does_not_break_a_job(tmp_path: Path) -> None:
    """`sitecustomize` stands for the library: in the compute process it prints, before and during the work."""
    noise = tmp_path / "noise"
    noise.mkdir()
    (noise / "sitecustomize.py").write_text(
        "import os, sys, threading, time\n"
        "def shout():\n"
        "    while True:\n"
        "        os.write(1, b'noise')\n"
        "        time.sleep(0.01)\n"
        "if 'classwright_server.jobs.child' in sys.orig_argv:\n"
        "    print('a banner', end='', flush=True)\n"
        "    threading.Thread(target=shout, daemon=True).start()\n"
    )
    async with Client(stdio_client(parameters(tmp_path / "workspace", PYTHONPATH=str(noise)))) as client:
        await call(client, "propose_topics", TASK)
        view = await call(client, "import_examples", task="support", split="train", rows=rows(4), wait_seconds=50)

    assert view["result"]["imported"] == 4


def test_a_library_that_prints_in_the_server_process_does_not_break_the_stream(tmp_path: Path) -> None:
    """It prints when it is imported, before and while the server serves, by Python and past it, and at the end."""
    noise = tmp_path / "noise"
    noise.mkdir()
    (noise / "sitecustomize.py").write_text(
        "import builtins, os, sys\n"
        "bare = builtins.__import__\n"
        "def loud(name, *arguments, **more):\n"
        "    if name in ('mcp', 'dbos', 'sqlalchemy') and 'classwright_server.mcp.stdio' in sys.modules:\n"
        "        print('a banner of', name)\n"
        "        if 'classwright_server.mcp.app' in sys.modules:\n"
        "            os.write(1, b'noise')\n"
        "    return bare(name, *arguments, **more)\n"
        "if 'serve' in sys.orig_argv:\n"
        "    builtins.__import__ = loud\n"
    )
    path = f"{noise}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    with (tmp_path / "log").open("w") as log, spoken_to(tmp_path / "workspace", log, PYTHONPATH=path) as process:
        assert "train_classifier" in list_tools(process)
        listed = say(process, "tools/call", {"name": "list_jobs", "arguments": {}}, 3)
        rest, _ = process.communicate()

    written = (tmp_path / "log").read_text()
    assert listed["result"]["structuredContent"]["jobs"] == []
    assert rest == ""
    assert "a banner of dbos" in written
    assert "noise" in written


@pytest.mark.anyio
async def test_a_workspace_that_cannot_be_made_is_told_to_the_caller(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    async with Client(stdio_client(parameters(tmp_path / "file" / "workspace"))) as client:
        text = await call_failing(client, "list_jobs")

    assert "workspace" in text
    assert str(tmp_path) not in text


@pytest.mark.anyio
async def test_a_job_goes_on_at_the_next_start_when_the_host_closed_the_input(tmp_path: Path) -> None:
    may_answer: list[bool] = []
    with ScriptedEndpoint(lambda seen: writes_sentences(seen) if may_answer else HANG) as endpoint:
        start = parameters(tmp_path / "w", "--writer-url", endpoint.url, "--writer-model", "scripted")
        with (tmp_path / "first").open("w") as errlog:
            async with Client(stdio_client(start, errlog=errlog)) as client:
                job = await call(client, "propose_topics", TREE, wait_seconds=0)
                await anyio.to_thread.run_sync(endpoint.arrived.wait)
        await until(lambda: not endpoint.connections)
        may_answer.append(True)
        with (tmp_path / "second").open("w") as errlog:
            async with Client(stdio_client(start, errlog=errlog)) as client:
                found = (await call(client, "list_jobs"))["jobs"][0]
                view = await finished(client, job["job_id"])

    assert "1 job(s) are left" in (tmp_path / "first").read_text()
    assert "going on with 1 job(s)" in (tmp_path / "second").read_text()
    assert found["job_id"] == job["job_id"]
    assert found["status"] in ("running", "queued")
    assert (view["status"], view["result"]["cells"]) == ("completed", CELLS)
