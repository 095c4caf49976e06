"""The two servers that are judged: the product, and the runner's own tools on the product's protocol."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from classwright_server.vllm import free_port

SERVE = (sys.executable, "-m", "classwright_server.cli", "serve", "--workspace")
FIXTURE = str(Path(__file__).parent / "fixture_server.py")
START_SECONDS = 60.0


@contextmanager
def product(workspace: Path) -> Iterator[str]:
    """Serve the product on a workspace; yields its URL."""
    port = free_port()
    with _serving([*SERVE, str(workspace), "--http", "--port", str(port)], port):
        yield f"http://127.0.0.1:{port}/mcp"


@contextmanager
def fixture() -> Iterator[str]:
    """Serve the runner's own tools; yields the URL."""
    port = free_port()
    with _serving([sys.executable, FIXTURE, str(port)], port):
        yield f"http://127.0.0.1:{port}/mcp"


@contextmanager
def _serving(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # the runner provokes warnings by the dozen
    try:
        wait_for(process, port)
        yield
    finally:
        process.terminate()
        process.wait()


def wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    """Return as soon as the port is open."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit(f"conformance: {process.args!r} did not start")
