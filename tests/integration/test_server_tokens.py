"""Who gets in over HTTP: tokens of an authorization server and the operator's own, checked on real sockets."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
import jwt
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from starlette.testclient import TestClient

from classwright_server.config.settings import AuthorizationServer, ServerSettings, settings_from
from classwright_server.http import open_sessions, tokens
from classwright_server.http.failed_logins import LINES_A_MINUTE
from classwright_server.http.serving import http_app
from classwright_server.http.tokens import SharedToken
from classwright_tools.errors import InvalidInput
from support.clock import Clock
from support.server import ERAS, TASK, ServerProcess, call, make_settings
from support.tokens import ISSUER, Authority, bearer
from support.writing import HANG, ScriptedEndpoint

URL = "https://box.example/mcp"  # by which clients reach the server
PLACE = "https://box.example/.well-known/oauth-protected-resource/mcp"
TOKEN = "TOKEN_OF_THE_TEST"  # the variable's name
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


@pytest.fixture
def authority() -> Iterator[Authority]:
    """An authorization server."""
    with Authority(URL) as made:
        yield made


def trusting(authority: Authority, workspace: Path, **changes: Any) -> ServerSettings:
    """The settings of a server that trusts `authority`."""
    fields = {"jwks_url": authority.url, "issuer": ISSUER, "public_url": URL, "audience": URL, **changes}
    return make_settings(workspace, http=True, authorization=AuthorizationServer(**fields))


@pytest.fixture
def client(authority: Authority, tmp_path: Path) -> Iterator[TestClient]:
    """An HTTP client of a server that trusts `authority` and wants the scope "classify"."""
    settings = trusting(authority, tmp_path, required_scopes=("classify",))
    with TestClient(http_app(settings, {}), base_url="http://127.0.0.1:8931") as made:
        yield made


def greeted(client: TestClient, headers: dict[str, str]) -> httpx.Response:
    """What the server answers to a client's first message."""
    accepted = {"Accept": "application/json, text/event-stream", **headers}
    return client.post("/mcp", json=HELLO, headers=accepted)  # type: ignore[return-value]  # a response all the same


MADE: dict[str, Callable[[Authority], dict[str, str]]] = {
    "no token": lambda _: {},
    "another scheme": lambda by: {"Authorization": f"Basic {by.token(scope='classify')}"},
    "not a token": lambda _: bearer("x.y.z"),
    "of nobody": lambda by: bearer(by.token(None, client_id=None, scope="classify")),
    "expired": lambda by: bearer(by.token(exp=1_700_000_000, scope="classify")),
    "without an end": lambda by: bearer(by.token(exp=None, scope="classify")),
    "not yet valid": lambda by: bearer(by.token(nbf=9_000_000_000, scope="classify")),
    "for another server": lambda by: bearer(by.token(aud="https://other.example/mcp", scope="classify")),
    "for nobody in particular": lambda by: bearer(by.token(aud=None, scope="classify")),
    "of another issuer": lambda by: bearer(by.token(iss="https://other.example", scope="classify")),
    "unsigned": lambda by: bearer(jwt.encode(by.claims(scope="classify"), "", "none", {"kid": by.kid})),
    "signed with the public key": lambda by: bearer(by.token_by_public_key()),
    "signed with a leaked secret": lambda by: bearer(by.token_by_leaked_secret()),
    "signed with another key": lambda by: bearer(jwt.encode(by.claims(), Authority(URL).key, "ES256", {"kid": by.kid})),
    "of an unknown key": lambda by: bearer(by.token(headers={"kid": "third"}, scope="classify")),
}


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_without_a_good_token_one_is_told_where_tokens_come_from(
    client: TestClient, authority: Authority, made: Callable[[Authority], dict[str, str]]
) -> None:
    answer = greeted(client, made(authority))

    assert answer.status_code == 401
    assert f'resource_metadata="{PLACE}"' in answer.headers["WWW-Authenticate"]
    told = "The token has expired" if made is MADE["expired"] else "Authentication required"
    assert f'error_description="{told}"' in answer.headers["WWW-Authenticate"]
    assert answer.json() == {"error": "invalid_token", "error_description": told}
    assert int(answer.headers["Content-Length"]) == len(answer.content)


def test_a_token_in_the_address_is_no_token(client: TestClient, authority: Authority) -> None:
    token = authority.token(scope="classify")

    assert client.post(f"/mcp?access_token={token}&token={token}", json=HELLO).status_code == 401
    assert client.post("/mcp", data={"access_token": token}).status_code == 401


@pytest.mark.parametrize("scopes", [{}, {"scope": "read write"}, {"scp": ["read"]}, {"scope": 5}])
def test_a_token_without_the_scope_is_forbidden(
    client: TestClient, authority: Authority, scopes: dict[str, Any]
) -> None:
    answer = greeted(client, bearer(authority.token(**scopes)))

    assert answer.status_code == 403
    assert "insufficient_scope" in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("scopes", [{"scope": "read classify"}, {"scp": ["classify"]}, {"scp": "classify"}])
def test_a_good_token_gets_in(client: TestClient, authority: Authority, scopes: dict[str, Any]) -> None:
    assert greeted(client, bearer(authority.token(**scopes))).status_code == 200


def test_who_opens_too_many_sessions_is_told_so_and_nobody_else_is(
    client: TestClient, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_sessions, "MAX_SESSIONS", 3)
    alice, bob = (bearer(authority.token(name, scope="classify")) for name in ("alice", "bob"))
    opened = [greeted(client, alice) for _ in range(3)]
    refused = greeted(client, alice)

    assert [answer.status_code for answer in (*opened, greeted(client, bob))] == [200] * 4
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1800")
    assert "Too many sessions: 3 of yours are open. End those that are not needed with DELETE" in refused.text
    session = {"mcp-session-id": opened[0].headers["mcp-session-id"]}
    assert client.delete("/mcp", headers=bob | session).status_code == 404
    assert greeted(client, alice).status_code == 429
    assert client.delete("/mcp", headers=alice | session).status_code == 200
    assert [greeted(client, alice).status_code for _ in range(2)] == [200, 429]


def test_a_session_that_was_idle_for_too_long_counts_no_longer(
    client: TestClient, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_sessions, "MAX_SESSIONS", 1)
    alice = bearer(authority.token(scope="classify"))
    assert [greeted(client, alice).status_code for _ in range(2)] == [200, 429]
    monkeypatch.setattr(open_sessions, "DEFAULT_SESSION_IDLE_TIMEOUT", 0)

    assert greeted(client, alice).status_code == 200


def test_a_client_discovers_who_issues_tokens(client: TestClient) -> None:
    told = client.get("/.well-known/oauth-protected-resource/mcp").json()

    assert told["resource"] == URL
    assert told["authorization_servers"] == [ISSUER]
    assert told["scopes_supported"] == ["classify"]
    assert told["bearer_methods_supported"] == ["header"]


def test_the_key_is_never_fetched_from_where_a_token_says(client: TestClient, authority: Authority) -> None:
    with Authority(URL) as thief:
        for name in ("jku", "x5u"):
            token = thief.token(headers={name: thief.url, "kid": "first"}, scope="classify")
            assert greeted(client, bearer(token)).status_code == 401

    assert thief.endpoint.seen == []
    assert len(authority.endpoint.seen) == 1


def test_keys_are_kept_and_tokens_of_unknown_keys_do_not_make_them_fetched_again(
    client: TestClient, authority: Authority
) -> None:
    good, unknown = (bearer(authority.token(headers=named, scope="classify")) for named in ({}, {"kid": "third"}))
    answers = [greeted(client, headers).status_code for headers in (good, unknown) * 5]

    assert answers == [200, 401] * 5
    assert len(authority.endpoint.seen) == 1
    assert "authorization" not in {name.lower() for name in authority.endpoint.seen[0].headers}


def test_a_renewed_key_is_fetched_once_the_interval_is_over(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "NEW_KEYS_EVERY_SECONDS", 0)
    with TestClient(http_app(trusting(authority, tmp_path), {}), base_url="http://127.0.0.1:8931") as client:
        old = authority.token()
        assert greeted(client, bearer(old)).status_code == 200
        authority.renew_key()
        assert greeted(client, bearer(authority.token())).status_code == 200
        assert greeted(client, bearer(old)).status_code == 401


def test_keys_that_cannot_be_fetched_let_nobody_in_and_are_not_asked_for_in_a_storm(
    client: TestClient, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    authority.is_down = True
    answers = [greeted(client, bearer(authority.token(scope="classify"))) for _ in range(10)]

    assert {(one.status_code, one.headers["Retry-After"]) for one in answers} == {(503, "5")}
    assert "WWW-Authenticate" not in answers[0].headers  # by which clients have their users log in anew
    assert answers[0].json()["error"] == "temporarily_unavailable"
    assert greeted(client, {}).status_code == 401
    assert len(authority.endpoint.seen) == 1  # within the seconds that a fetch may take
    assert f"cannot be fetched from {authority.url}" in caplog.text


@pytest.mark.anyio
async def test_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def compare_digest(one: bytes, two: bytes) -> bool:
        compared.append((one, two))
        return hmac.compare_digest(one, two)

    monkeypatch.setattr(tokens, "hmac", type("Spy", (), {"compare_digest": staticmethod(compare_digest)}))
    verifier = SharedToken("the operator's token", None)

    assert await verifier.verify_token("the operator's tokem") is None
    assert await verifier.verify_token("the operator's token") is not None
    assert [len(one) for one, _ in compared] == [20, 20]


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ERAS)
async def test_two_people_and_the_operator_have_a_workspace_each_over_the_wire(tmp_path: Path, mode: str) -> None:
    shared = secrets.token_hex(16)
    with Authority(URL) as authority:
        flags = (*authority.flags(), "--token-env", TOKEN)
        with ServerProcess(tmp_path, *flags, environment={TOKEN: shared}) as server:
            seen = []
            for number, token in enumerate((authority.token("alice"), authority.token("bob"), shared)):
                async with (
                    create_mcp_http_client(headers=bearer(token)) as http,
                    Client(streamable_http_client(server.url, http_client=http), mode=mode) as client,
                ):
                    await call(client, "propose_topics", {**TASK, "task": f"task{number}"})
                    [tasks] = (await client.read_resource("classwright://tasks")).contents
                    seen.append(json.loads(tasks.text)["tasks"])  # type: ignore[union-attr]  # it is JSON

    assert seen == [["task0"], ["task1"], ["task2"]]
    assert len(list((tmp_path / "principals").iterdir())) == 2


@pytest.mark.anyio
async def test_a_callers_token_is_never_sent_on(tmp_path: Path) -> None:
    with Authority(URL) as authority, ScriptedEndpoint(lambda _: HANG) as endpoint:
        token = authority.token()
        writer = ("--writer-url", endpoint.url, "--writer-model", "scripted", "--writer-key-env", "KEY_OF_THE_TEST")
        environment = {"KEY_OF_THE_TEST": "key-of-the-writer"}
        with ServerProcess(tmp_path, *authority.flags(), *writer, environment=environment) as server:
            async with (
                create_mcp_http_client(headers=bearer(token)) as http,
                Client(streamable_http_client(server.url, http_client=http)) as client,
            ):
                await call(client, "propose_topics", {**TASK, "wait_seconds": 0})
                await anyio.to_thread.run_sync(endpoint.arrived.wait)

    sent = [json.dumps([seen.headers, seen.body]) for seen in endpoint.seen]
    assert sent
    assert all("key-of-the-writer" in text for text in sent)
    assert not any(part in text for text in sent for part in token.split("."))


def test_an_authorization_server_is_enough_to_be_reached_from_outside(authority: Authority, tmp_path: Path) -> None:
    outside = {"host": "0.0.0.0", "allow_hosts": ("box.example",)}
    http_app(trusting(authority, tmp_path).model_copy(update=outside), {})
    with pytest.raises(InvalidInput, match="needs both a token and the host names"):
        http_app(trusting(authority, tmp_path).model_copy(update={"host": "0.0.0.0"}), {})


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"jwks_url": "https://login.example/keys"}, "only half set. Give --jwks-url, --jwt-issuer and --public-url"),
        ({"required_scope": ["classify"]}, "only half set"),
        ({"jwks_url": "file:///etc/passwd"}, "--jwks-url='file:///etc/passwd': is not a URL over http or https"),
        ({"public_url": "box.example/mcp"}, "--public-url='box.example/mcp': is not a URL"),
        ({"jwt_issuer": "https://user:word@login.example"}, "--jwt-issuer=.*is not a URL"),
    ],
)
def test_an_authorization_server_that_cannot_be_used_is_told(flags: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        settings_from(flags, {})


def test_each_failed_login_has_a_line_with_the_address_and_no_token(
    client: TestClient, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    greeted(client, {})
    greeted(client, bearer("SECRET"))
    greeted(client, bearer(authority.token(scope="other")))
    greeted(client, bearer(authority.token(scope="classify")))

    lines = [record.getMessage() for record in caplog.records if record.name == "classwright.logins"]
    assert lines == [
        "refused a request from testclient: it has no token (401)",
        "refused a request from testclient: its token is not accepted (401)",
        "refused a request from testclient: its token lacks a scope (403)",
    ]
    assert "SECRET" not in caplog.text


def test_a_flood_of_failed_logins_does_not_fill_the_log(
    client: TestClient, caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    for _ in range(LINES_A_MINUTE + 30):
        greeted(client, {})
    flood = [record.getMessage() for record in caplog.records if record.name == "classwright.logins"]
    clock.now += 60
    greeted(client, {})

    assert len(flood) == LINES_A_MINUTE
    assert "it has no token (401); 30 more were refused since the line before" in caplog.text
