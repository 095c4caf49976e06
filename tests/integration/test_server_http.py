"""The server over HTTP: both eras, who may connect, and clients that come and go."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from starlette.testclient import TestClient

from classwright_server.config.settings import settings_from
from classwright_server.http.serving import http_app
from classwright_tools.errors import InvalidInput
from support.server import ERAS, TASK, ServerProcess, call, finished, make_settings, rows

TOKEN = "TOKEN_OF_THE_TEST"  # the variable's name
WRITER = {"writer_url": ["http://one/v1"], "writer_model": "m"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server on loopback, without authentication."""
    with ServerProcess(tmp_path_factory.mktemp("http")) as made:
        yield made


@pytest.mark.anyio
async def test_clients_of_both_eras_share_a_workspace_and_a_job_outlives_its_client(server: ServerProcess) -> None:
    ids = []
    for number, (mode, version) in enumerate(ERAS.items()):
        async with Client(server.url, mode=mode) as client:
            assert client.protocol_version == version
            await call(client, "propose_topics", TASK)
            given = {"task": "support", "split": "train", "rows": rows(4, 10 * number), "wait_seconds": 0}
            ids.append((await call(client, "import_examples", given))["job_id"])
    async with Client(server.url) as client:
        views = [await finished(client, job_id) for job_id in ids]

    assert [view["status"] for view in views] == ["completed", "completed"]


def test_health_says_nothing_but_that_it_lives(server: ServerProcess) -> None:
    answer = httpx.get(f"http://127.0.0.1:{server.port}/health", trust_env=False)

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_on_loopback_a_foreign_host_or_origin_is_refused(tmp_path: Path) -> None:
    with TestClient(http_app(make_settings(tmp_path, http=True), {}), base_url="http://127.0.0.1:8931") as client:
        assert client.post("/mcp", json={}, headers={"Host": "evil.example"}).status_code == 421
        assert client.post("/mcp", json={}, headers={"Origin": "http://evil.example"}).status_code == 403


def test_a_host_that_is_allowed_without_a_port_is_on_any_and_so_is_its_page(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, http=True, allow_hosts=("box.example",))
    with TestClient(http_app(settings, {}), base_url="http://box.example:8931") as client:
        for origin, status in (("http://box.example:8931", 400), ("https://box.example", 400), ("http://evil", 403)):
            assert client.post("/mcp", json={}, headers={"Origin": origin}).status_code == status


@pytest.mark.parametrize(("token_env", "allow_hosts"), [(None, ()), (TOKEN, ()), (None, ("box.example:8931",))])
def test_other_addresses_need_a_token_and_a_list_of_hosts(
    tmp_path: Path, token_env: str | None, allow_hosts: tuple[str, ...]
) -> None:
    settings = make_settings(tmp_path, http=True, host="0.0.0.0", token_env=token_env, allow_hosts=allow_hosts)

    with pytest.raises(InvalidInput, match="needs both a token and the host names"):
        http_app(settings, {TOKEN: secrets.token_hex(16)})


@pytest.mark.parametrize("value", ["", "short"])
def test_a_token_that_is_missing_or_short_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(InvalidInput, match=TOKEN):
        http_app(make_settings(tmp_path, http=True, token_env=TOKEN), {TOKEN: value})


def test_the_program_refuses_an_open_address_in_a_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "classwright_server.cli", "serve", "--http", "--host", "0.0.0.0"]
    ended = subprocess.run([*command, "--workspace", str(tmp_path)], capture_output=True, text=True, timeout=60)

    assert ended.returncode == 2
    assert ended.stderr.startswith("classwright: address '0.0.0.0'")
    assert "Traceback" not in ended.stderr


@pytest.mark.anyio
async def test_with_a_token_only_its_bearer_gets_in(tmp_path: Path) -> None:
    token = secrets.token_hex(16)
    with ServerProcess(tmp_path, "--token-env", TOKEN, environment={TOKEN: token}) as server:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {token}"}):
            answer = httpx.post(server.url, json={}, headers=headers, trust_env=False)
            assert answer.status_code == 401
        assert httpx.post(f"{server.url}?token={token}", json={}, trust_env=False).status_code == 401
        for mode in ERAS:
            async with (
                create_mcp_http_client(headers={"Authorization": f"Bearer {token}"}) as http,
                Client(streamable_http_client(server.url, http_client=http), mode=mode) as client,
            ):
                assert (await call(client, "list_jobs"))["jobs"] == []


def test_an_address_of_ipv6_takes_a_token_too(tmp_path: Path) -> None:
    token = secrets.token_hex(16)
    app = http_app(make_settings(tmp_path, http=True, host="::1", token_env=TOKEN), {TOKEN: token})

    with TestClient(app, base_url="http://[::1]:8931") as client:
        assert client.post("/mcp", json={}).status_code == 401
        assert client.post("/mcp", json={}, headers={"Authorization": f"Bearer {token}"}).status_code == 400


def test_flags_win_over_variables_and_lists_are_read_from_both(tmp_path: Path) -> None:
    environment = {
        "CLASSWRIGHT_WORKSPACE": str(tmp_path / "a"),
        "CLASSWRIGHT_PORT": "9000",
        "CLASSWRIGHT_WRITER_URL": "http://one/v1 http://two/v1",
        "CLASSWRIGHT_WRITER_MODEL": "m",
        "CLASSWRIGHT_ALLOW_HOST": "box.example:8931 box.example",
        "CLASSWRIGHT_IMPORT_FOLDER": f"{tmp_path / 'x'}:{tmp_path / 'y'}",
    }
    settings = settings_from({"workspace": str(tmp_path / "b"), "port": None}, environment)

    assert settings.tool_settings.workspace == tmp_path / "b"
    assert settings.port == 9000
    assert settings.allow_hosts == ("box.example:8931", "box.example")
    assert settings.tool_settings.import_folders == (tmp_path / "x", tmp_path / "y")
    assert settings.tool_settings.writer is not None
    assert settings.tool_settings.writer.base_urls == ("http://one/v1", "http://two/v1")  # type: ignore[union-attr]  # URLs


@pytest.mark.parametrize("who", [WRITER, {"writer_path": "some/model"}, {"vllm": "some/model"}])
def test_whoever_serves_the_model_it_may_be_given_tokens_to_think(who: dict[str, object]) -> None:
    settings = settings_from({**who, "writer_thinking_tokens": "4000"}, {})
    writer = settings.tool_settings.writer

    given = settings.vllm_thinking_tokens if writer is None else writer.thinking_tokens  # type: ignore[union-attr]  # no file
    assert given == 4000


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"writer_url": ["http://one/v1"]}, "Add --writer-model"),
        ({"recorded": ["f.jsonl"], "vllm": "m"}, "given twice, by --recorded and --vllm"),
        ({"port": "many"}, "--port='many'.*not a whole number"),
        (
            {"port": "99999"},
            "--port='99999': is not a whole number from 0 to 65,535. Correct --port or CLASSWRIGHT_PORT",
        ),
        ({**WRITER, "writer_thinking_tokens": "-5"}, "--writer-thinking-tokens='-5': is not a whole number from 0"),
        ({**WRITER, "writer_price_in": "-1"}, "--writer-price-in='-1': is below zero"),
        ({**WRITER, "writer_price_out": "nan"}, "--writer-price-out='nan': is not a number up to"),
    ],
)
def test_settings_that_cannot_be_used_are_named(flags: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        settings_from(flags, {})
