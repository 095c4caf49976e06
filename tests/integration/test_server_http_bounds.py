"""What the HTTP endpoint refuses before any tool sees it, and what the server's log never holds."""

from __future__ import annotations

import json
import secrets
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from support.server import ERAS, LONG, TASK, ServerProcess, call_failing
from support.tokens import Authority, bearer
from support.writing import ScriptedEndpoint, said_status

JSON = "application/json"
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {}}
TOO_LARGE = json.dumps({**PING, "params": {"x": "y" * 4 * 2**20}})
REFUSED: dict[str, tuple[str | bytes, str]] = {
    "deep JSON": ("[" * 100_000, JSON),
    "deep JSON in a request": ('{"jsonrpc":"2.0","id":1,"method":"ping","params":' + '{"x":' * 100_000, JSON),
    "no JSON": ("ping", JSON),
    "not UTF-8": (b"\xff\xfe\x00", JSON),
    "a batch": (json.dumps([PING, PING]), JSON),
    "a number of 10,000 digits": ('{"jsonrpc":"2.0","id":' + "9" * 10_000 + ',"method":"ping"}', JSON),
    "another content type": (json.dumps(PING), "text/plain"),
    "a form": ("jsonrpc=2.0&method=ping", "application/x-www-form-urlencoded"),
    "no content type": (json.dumps(PING), ""),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server on loopback."""
    with ServerProcess(tmp_path_factory.mktemp("bounds")) as made:
        yield made


def posted(server: ServerProcess, body: str | bytes, content_type: str, version: str) -> httpx.Response:
    """What the server answers to a body."""
    headers = {"Accept": f"{JSON}, text/event-stream", "MCP-Protocol-Version": version}
    if content_type:
        headers["Content-Type"] = content_type
    return httpx.post(server.url, content=body, headers=headers, trust_env=False)


@pytest.mark.parametrize("version", ERAS.values())
@pytest.mark.parametrize(("body", "content_type"), REFUSED.values(), ids=REFUSED)
def test_a_body_that_is_not_one_message_is_refused_without_a_word_of_the_inside(
    server: ServerProcess, version: str, body: str | bytes, content_type: str
) -> None:
    answer = posted(server, body, content_type, version)

    assert answer.status_code == 400
    assert "Traceback" not in answer.text
    assert sys.prefix not in answer.text


@pytest.mark.parametrize("version", ERAS.values())
def test_a_body_over_four_mebibytes_is_too_large(server: ServerProcess, version: str) -> None:
    assert posted(server, TOO_LARGE, JSON, version).status_code == 413
    assert posted(server, json.dumps(PING), JSON, version).status_code != 413


def test_on_the_newer_revision_there_is_nothing_to_get(server: ServerProcess) -> None:
    answer = httpx.get(server.url, headers={"MCP-Protocol-Version": ERAS["auto"]}, trust_env=False)

    assert answer.status_code == 405


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/metrics", "/mcp/../health/..", "/health/x", "/.env"])
def test_there_is_nothing_beside_the_endpoint(server: ServerProcess, path: str) -> None:
    assert httpx.get(f"http://127.0.0.1:{server.port}{path}", trust_env=False).status_code == 404


@pytest.mark.anyio
async def test_the_log_holds_no_token_no_key_no_text_and_nothing_that_an_endpoint_said(tmp_path: Path) -> None:
    shared, text = secrets.token_hex(16), "xylophone-of-the-customer"
    environment = {"TOKEN_OF_THE_TEST": shared, "KEY_OF_THE_TEST": "key-of-the-writer"}
    with Authority("https://box.example/mcp") as authority, ScriptedEndpoint(lambda _: said_status(400)) as endpoint:
        token = authority.token()
        flags = (*authority.flags(), "--token-env", "TOKEN_OF_THE_TEST", "--writer-url", endpoint.url)
        flags = (*flags, "--writer-model", "m", "--writer-key-env", "KEY_OF_THE_TEST")
        with ServerProcess(tmp_path, *flags, environment=environment) as server:
            for bad in (f"{shared}x", f"{token}x", authority.token(exp=1_700_000_000), authority.token(aud="x")):
                assert httpx.post(server.url, json=PING, headers=bearer(bad), trust_env=False).status_code == 401
            for good in (shared, token):
                async with (
                    create_mcp_http_client(headers=bearer(good)) as http,
                    Client(streamable_http_client(server.url, http_client=http)) as client,
                ):
                    await provoke(client, text)
            with closing(sqlite3.connect(tmp_path / "jobs.sqlite")) as store:
                store.execute("ALTER TABLE workflow_input RENAME TO gone")
            async with (
                create_mcp_http_client(headers=bearer(shared)) as http,
                Client(streamable_http_client(server.url, http_client=http)) as client,
            ):
                told = await call_failing(client, "propose_topics", **{**TASK, "instruction": f"Find the {text}."})
            server.process.terminate()
            server.process.wait()
            log = server.log()

    incident = told.partition("(incident ")[2].partition(")")[0]
    assert f"incident {incident} in propose_topics" in log
    assert "workflow_input (workflow_uuid, inputs)" in log  # what failed, without what should have been inserted
    assert "secret" not in log.lower()  # the endpoint's answer
    for secret in (shared, token, token.split(".")[2], "key-of-the-writer", text, "Bearer", "Authorization"):
        assert secret not in log


async def provoke(client: Client, text: str) -> None:
    """Do what works and what fails, with `text` in all of it."""
    rows = [{"text": f"{text} {number}", "label": label} for number, label in enumerate(("refund", "delivery", text))]
    failing: list[tuple[str, dict[str, Any]]] = [
        ("propose_topics", {**TASK, "wait_seconds": LONG}),  # the endpoint refuses
        ("import_examples", {"task": "support", "split": text, "rows": rows}),
        ("train_classifier", {"task": "support", "wait_seconds": LONG}),
        ("classify", {"model": "support-m1", "texts": [text]}),
        ("get_job", {"job_id": text}),
        (text, {}),
    ]
    for tool, arguments in failing:
        assert (await client.call_tool(tool, arguments)).is_error, tool  # type: ignore[union-attr]  # a result
