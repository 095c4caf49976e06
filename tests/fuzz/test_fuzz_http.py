"""Raw requests to a real server over HTTP: it refuses what is broken, tells nothing of itself, and goes on serving."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest
from mcp import Client

from support.fuzz.bodies import Sent, sent
from support.fuzz.limits import IS_LONG, MAX_GROWTH_BYTES, SECONDS, leak_in, report, resident_bytes
from support.server import ServerProcess, call

READ_BYTES = 64 * 2**10
WARM_UP_SECONDS = SECONDS / 5
ANSWER_SECONDS = 60
"""Far more than any answer takes on a busy machine: a request that hangs is a fault."""


def answer_to(client: httpx.Client, url: str, request: Sent) -> tuple[int, str]:
    """Send a request and return the status and the beginning of what comes back."""
    text = b""
    stream = client.stream(request.method, url + request.path, headers=request.headers, content=request.body)
    with stream as response:
        for part in response.iter_raw():
            text += part
            if len(text) > READ_BYTES or asks_to_listen(request):  # whose stream is held open
                break
        return response.status_code, text.decode("utf-8", "replace")


def asks_to_listen(request: Sent) -> bool:
    """Whether a stream may answer that never ends; the body may be in UTF-16 or UTF-32, which the server reads too."""
    return b"listen" in request.body.replace(b"\0", b"")


@pytest.mark.anyio
@pytest.mark.timeout(300 + 2 * SECONDS)
async def test_no_request_breaks_the_server(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32) if IS_LONG else 1
    dice = random.Random(seed)
    print(f"\nseed {seed}")  # noqa: T201  # to send the same again
    statuses: Counter[int] = Counter()
    with ServerProcess(tmp_path / "workspace") as server:
        url = server.url.removesuffix("/mcp")
        memory: list[int] = []
        async with Client(server.url) as mcp:  # it opens its workspace with the first call
            await call(mcp, "list_jobs")
        started = time.monotonic()
        with httpx.Client(trust_env=False, timeout=ANSWER_SECONDS) as client:
            while (spent := time.monotonic() - started) < SECONDS:
                request = sent(dice)
                status, text = answer_to(client, url, request)
                statuses[status] += 1
                assert status < 500 or status == 501, (request, text[:2000])
                assert leak_in(text, tmp_path, Path.cwd()) is None, (request, text[:2000])
                if not memory and spent > WARM_UP_SECONDS:
                    memory.append(resident_bytes(server.process.pid))
        assert server.process.poll() is None
        assert server.is_ready()
        async with Client(server.url) as mcp:
            assert (await call(mcp, "list_jobs"))["jobs"] == []
        after = resident_bytes(server.process.pid)
        told = server.log()
    report(f"{statuses.total()} raw requests {dict(sorted(statuses.items()))}, memory of the server", memory[0], after)

    assert "Traceback" not in told, told[-4000:]
    assert after - memory[0] < MAX_GROWTH_BYTES
    assert len(statuses) >= 5, "every request is answered alike: they try little"
