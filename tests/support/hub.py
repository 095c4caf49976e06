"""A stand-in of the hub's HTTP API on loopback: honest where nothing is said, hostile where a file is a trick."""

from __future__ import annotations

import base64
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
    """Serves `repositories`: by '(datasets|models)/owner/name', the files by name; `asked` is what it was asked for.

    Who has a token of the hub may make repositories and commit files to them; `refuses` answers in their place.
    """

    repositories: dict[str, dict[str, bytes | Trick]] = field(default_factory=dict)
    private: dict[str, dict[str, bytes | Trick]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    refuses: int | None = None

    def __post_init__(self) -> None:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

            def do_GET(self) -> None:
                hub._answer(self)

            def do_POST(self) -> None:
                hub._take(self)

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
            if "/tree/" in path:
                files = [{"type": "file", "path": file, "size": 1, "oid": SHA} for file in there[name]]
                _end(handler, 200, json.dumps(files).encode())
            else:
                self._list(handler, there.get(name))
        else:
            name, _, file = path.partition(f"/resolve/{SHA}/")
            self._send(handler, there.get(name if name.startswith("datasets/") else f"models/{name}", {}).get(file))

    def _list(self, handler: BaseHTTPRequestHandler, files: dict[str, bytes | Trick] | None) -> None:
        if files is None:
            return _end(handler, 401, b'{"error":"Invalid username or password."}')
        listed = [_listed(name, file) for name, file in files.items()]
        told = {"id": "shop/it", "sha": SHA, "siblings": listed, "private": files in self.private.values()}
        return _end(handler, 200, json.dumps(told).encode())

    def _take(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one who writes, as `HfApi.create_repo` and `HfApi.upload_folder` do."""
        body = handler.rfile.read(int(handler.headers["content-length"]))
        self.asked.append(handler.path)
        self.tokens.append(token := handler.headers.get("authorization", ""))
        if self.refuses or not token.startswith("Bearer hf_"):
            return _end(handler, self.refuses or 401, b'{"error":"no"}')
        if handler.path == "/api/repos/create":
            return self._make(handler, json.loads(body))
        if handler.path == "/api/validate-yaml":
            return _end(handler, 200, b'{"errors":[],"warnings":[]}')
        name, _, what = handler.path.removeprefix("/api/").removesuffix("/main").rpartition("/")
        files = (self.repositories | self.private)[name]
        if what == "preupload":
            named = [{**file, "uploadMode": "regular", "shouldIgnore": False} for file in json.loads(body)["files"]]
            return _end(handler, 200, json.dumps({"files": named}).encode())
        assert what == "commit", handler.path
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            elif line["key"] == "deletedFile":
                del files[line["value"]["path"]]
        told = {"commitUrl": f"{self.url}/{name}/commit/{SHA}", "commitOid": SHA, "success": True}
        return _end(handler, 200, json.dumps(told).encode())

    def _make(self, handler: BaseHTTPRequestHandler, wanted: dict[str, Any]) -> None:
        owner, name = wanted.get("organization") or "shop", wanted["name"]
        kind = f"{wanted.get('type') or 'model'}s"
        address = {"url": f"{self.url}/{'datasets/' if kind == 'datasets' else ''}{owner}/{name}"}
        if f"{kind}/{owner}/{name}" in self.repositories | self.private:
            return _end(handler, 409, json.dumps(address).encode())
        is_private = wanted.get("private") or wanted.get("visibility") == "private"
        (self.private if is_private else self.repositories)[f"{kind}/{owner}/{name}"] = {}
        return _end(handler, 200, json.dumps(address).encode())

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
