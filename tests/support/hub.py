"""A stand-in of the hub's HTTP API on loopback: honest where nothing is said, hostile where a file is a trick."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

SHA = "5" * 40


@dataclass(frozen=True)
class Trick:
    """A file that is not what is listed."""

    body: bytes = b""
    listed_size: int | None = None
    sha256: str | None = None
    redirect: str | None = None
    endless: bool = False


@dataclass
class StandInHub:
    """Serves `repositories`: by '(datasets|models)/owner/name', the files by name; `asked` is what it was asked for."""

    repositories: dict[str, dict[str, bytes | Trick]] = field(default_factory=dict)
    private: dict[str, dict[str, bytes | Trick]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

            def do_GET(self) -> None:
                hub._answer(self)

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: Any) -> None:
                """A client that goes away in the middle of an endless file is right."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> StandInHub:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(handler.path)
        token = handler.headers.get("authorization")
        if token:
            self.tokens.append(token)
        there = self.repositories | (self.private if token else {})
        path = unquote(urlsplit(handler.path).path).lstrip("/")
        if path.startswith("api/"):
            name = "/".join(path.split("/")[1:4])
            self._list(handler, there.get(name))
        else:
            name, _, file = path.partition(f"/resolve/{SHA}/")
            self._send(handler, there.get(name if name.startswith("datasets/") else f"models/{name}", {}).get(file))

    def _list(self, handler: BaseHTTPRequestHandler, files: dict[str, bytes | Trick] | None) -> None:
        if files is None:
            return _end(handler, 401, b'{"error":"Invalid username or password."}')
        listed = [_listed(name, file) for name, file in files.items()]
        return _end(handler, 200, json.dumps({"sha": SHA, "siblings": listed, "private": False}).encode())

    def _send(self, handler: BaseHTTPRequestHandler, file: bytes | Trick | None) -> None:
        if file is None:
            return _end(handler, 404, b"")
        trick = file if isinstance(file, Trick) else Trick(file)
        if trick.redirect:
            return _end(handler, 302, b"", ("Location", trick.redirect))
        if trick.endless:
            handler.send_response(200)
            handler.end_headers()
            while True:
                handler.wfile.write(b"x" * 2**16)
        return _end(handler, 200, trick.body)


def _listed(name: str, file: bytes | Trick) -> dict[str, Any]:
    trick = file if isinstance(file, Trick) else Trick(file)
    size = len(trick.body) if trick.listed_size is None else trick.listed_size
    large = {"sha256": trick.sha256 or hashlib.sha256(trick.body).hexdigest(), "size": size}
    return {"rfilename": name, "size": size} | ({"lfs": large} if trick.sha256 or size > 10**6 else {})


def _end(handler: BaseHTTPRequestHandler, status: int, body: bytes, *headers: tuple[str, str]) -> None:
    handler.send_response(status)
    for name, value in headers:
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
