"""Requests as no client sends them: broken JSON, broken JSON-RPC, broken HTTP, each near to what is right."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, NamedTuple

from support.hostile import LEADING_ELSEWHERE, ORDER, UNSEEN

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "fuzz", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}},
}
METHODS: dict[str, dict[str, Any]] = {
    "initialize": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "fuzz", "version": "1"}},
    "server/discover": {},
    "ping": {},
    "tools/list": {},
    "tools/call": {"name": "list_jobs", "arguments": {"limit": 2}},
    "resources/list": {},
    "resources/templates/list": {},
    "resources/read": {"uri": "classwright://tasks"},
    "prompts/list": {},
    "prompts/get": {"name": "build_classifier", "arguments": {"about": "two kinds"}},
    "completion/complete": {
        "ref": {"type": "ref/prompt", "name": "build_classifier"}, "argument": {"name": "about", "value": "x"},
    },
    "tasks/get": {"taskId": "job_00"},
    "tasks/update": {"taskId": "job_00", "inputResponses": {}},
    "tasks/cancel": {"taskId": "job_00"},
    "subscriptions/listen": {"notifications": {}},
    "logging/setLevel": {"level": "debug"},
    "notifications/initialized": {},
    "notifications/cancelled": {"requestId": 1},
    "no/such": {},
}  # fmt: skip
CALLED: tuple[dict[str, Any], ...] = (
    {"name": "list_jobs", "arguments": {"limit": 2}},
    {"name": "get_job", "arguments": {"job_id": "job_00", "wait_seconds": 0}},
    {"name": "cancel_job", "arguments": {"job_id": "job_00"}},
    {"name": "classify", "arguments": {"model": "support-m1", "texts": ["x"], "wait_seconds": 0}},
    {"name": "import_examples", "arguments": {"task": "no", "split": "train", "path": "x.csv", "wait_seconds": 0}},
    {"name": "synthesize_examples", "arguments": {"task": "no", "wait_seconds": 0}},
    {"name": "no_such_tool", "arguments": {}},
)
NASTY: tuple[Any, ...] = (
    None, True, -1, 0, 2**31, 2**64, 1e308, "", "x" * 5_000, ORDER, UNSEEN, [], {}, [[]], {"": None}, "2.0", "\ud800",
    *LEADING_ELSEWHERE,
)  # fmt: skip


class Sent(NamedTuple):
    """One HTTP request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def sent(dice: random.Random) -> Sent:
    """Return a request that is nearly right."""
    name = dice.choice([*METHODS])
    params = json.loads(json.dumps(dice.choice(CALLED) if name == "tools/call" else METHODS[name]))
    modern = dice.random() < 0.6
    if modern:
        params["_meta"] = json.loads(json.dumps(META))
    message: Any = {"jsonrpc": "2.0", "id": dice.randrange(100), "method": name, "params": params}
    if name.startswith("notifications/"):
        del message["id"]
    for _ in range(dice.choice((0, 0, 1, 1, 2))):
        message = _mutated(message, dice)
    body = json.dumps(message, ensure_ascii=dice.random() < 0.7).encode("utf-8", "surrogatepass")
    if dice.random() < 0.4:
        body = dice.choice(BREAKERS)(body, dice)
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    if modern:
        headers |= {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": name}
        if name in ("tools/call", "prompts/get", "resources/read"):
            headers["Mcp-Name"] = str(params.get("name") or params.get("uri"))
    if dice.random() < 0.25:
        headers |= dict([dice.choice(HEADERS)])
    method = dice.choice(("POST",) * 12 + ("GET", "DELETE", "PUT", "OPTIONS", "HEAD", "PATCH"))
    return Sent(method, dice.choice(("/mcp",) * 12 + PATHS), headers, body)


PATHS = (
    "/mcp/",
    "/",
    "/health",
    "/mcp/../etc/passwd",
    "/mcp?token=x",
    "/.well-known/oauth-protected-resource/mcp",
    "/%00",
    "/mcp%2f..",
)
HEADERS = (
    ("Content-Type", "text/plain"), ("Content-Type", "application/json; charset=utf-16"), ("Content-Type", ""),
    ("Accept", "application/json"), ("Accept", "text/html"), ("Accept", "*/*"), ("MCP-Protocol-Version", "1999-01-01"),
    ("MCP-Protocol-Version", "2025-11-25"), ("MCP-Protocol-Version", "x" * 2_000),
    ("Mcp-Session-Id", "no-such-session"),
    ("Mcp-Session-Id", "../../x"), ("Mcp-Method", "tools/call"), ("Mcp-Name", "=?utf-8?b?///?="),
    ("Content-Encoding", "gzip"),
    ("Last-Event-ID", "0"), ("Expect", "100-continue"), ("Authorization", "Bearer x"), ("Host", "evil.example"),
    ("Origin", "http://evil.example"), ("traceparent", "00-zz-zz-00"), ("X-Forwarded-For", "' OR 1=1"),
)  # fmt: skip


def _mutated(value: Any, dice: random.Random) -> Any:
    """Return a message with one thing in it changed, dropped, added or wrapped."""
    if isinstance(value, dict) and value and dice.random() < 0.85:
        key = dice.choice([*value])
        kind = dice.random()
        if kind < 0.5:
            return {**value, key: _mutated(value[key], dice)}
        if kind < 0.65:
            return {name: item for name, item in value.items() if name != key}
        if kind < 0.8:
            return {**value, str(dice.choice(NASTY))[:50]: dice.choice(NASTY)}
        return {**value, key: dice.choice(NASTY)}
    if dice.random() < 0.2:
        return [value] * dice.choice((1, 2, 50))
    return dice.choice(NASTY)


def _flip(body: bytes, dice: random.Random) -> bytes:
    changed = bytearray(body)
    for _ in range(dice.randrange(1, 8)):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def _nest(_body: bytes, dice: random.Random) -> bytes:
    depth = dice.choice((50, 500, 5_000, 100_000))
    return dice.choice((b"[" * depth, b'{"a":' * depth, b"[" * depth + b"]" * depth))


BREAKERS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flip,
    _nest,
    lambda body, dice: body[: dice.randrange(len(body))],
    lambda body, _: body + body,
    lambda body, _: b"[" + body + b"," + body + b"]",
    lambda _, __: b"",
    lambda _, dice: dice.randbytes(dice.randrange(1, 2_000)),
    lambda body, _: b"\xef\xbb\xbf" + body,
    lambda body, _: body.decode("utf-8", "replace").encode("utf-16"),
    lambda body, _: body.replace(b"}", b',"id":NaN}'),
    lambda body, _: body.replace(b'"2.0"', b"2.0"),
    lambda _, __: b'{"jsonrpc":"2.0","id":' + b"9" * 5_000 + b',"method":"ping"}',
    lambda body, dice: body + b" " * dice.choice((1_000, 100_000)),
)
