"""Files over the wire: whole, checked, and never outside the folder that they are meant for."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import anyio
import pytest
from mcp import Client
from mcp.server.mcpserver import MCPServer

from classwright_agents.artifacts import fetch_all, fetch_named
from classwright_agents.errors import ServerError
from classwright_agents.server import Server

PART = 10


class FileServer:
    """A real MCP server with the files of one artifact."""

    def __init__(self, files: dict[str, bytes], *, damaged: bool = False, parts: int = 0) -> None:
        self.reads = 0
        self._parts = parts
        self._files = files
        self._damaged = damaged
        self.mcp = MCPServer("files")
        self.mcp.resource("classwright://{task}/artifacts/{artifact}/files")(self._list)
        self.mcp.resource("classwright://{task}/artifacts/{artifact}/files/{name}/{part}")(self._part)

    def _list(self, task: str, artifact: str) -> str:  # noqa: ARG002  # the URI's placeholders
        return json.dumps(
            {
                "artifact": artifact,
                "files": [
                    {
                        "name": name,
                        "bytes": len(content),
                        "sha256": hashlib.sha256(content).hexdigest(),
                        "parts": self._parts or max(1, -(-len(content) // PART)),
                    }
                    for name, content in self._files.items()
                ],
            }
        )

    def _part(self, task: str, artifact: str, name: str, part: int) -> bytes:  # noqa: ARG002  # as above
        self.reads += 1
        content = self._files[name][part * PART : (part + 1) * PART]
        return content[:-1] if self._damaged else content


def fetch(files: FileServer, folder: Path) -> None:
    async def go() -> None:
        async with Client(files.mcp) as client:
            await fetch_all(Server(client, log=None), "support", "support-x1", folder)

    try:
        anyio.run(go)
    except ExceptionGroup as group:  # the client's task groups wrap what is raised while they are open
        error: Exception = group
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        raise error from group


FILES = {"model.onnx": b"0123456789" * 3 + b"end", "1_Pooling/config.json": b"{}", "empty": b""}


def test_every_file_arrives_as_it_is(tmp_path: Path) -> None:
    fetch(FileServer(FILES), tmp_path / "model")

    found = {p.relative_to(tmp_path / "model").as_posix(): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    assert found == FILES


def test_a_large_file_is_on_the_disk_as_far_as_it_has_arrived_and_not_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "PART", 2**16)
    content = bytes(range(256)) * 2**10
    on_disk: list[int] = []

    class Watching(FileServer):
        def _part(self, task: str, artifact: str, name: str, part: int) -> bytes:
            on_disk.append(sum(path.stat().st_size for path in tmp_path.iterdir()))
            return super()._part(task, artifact, name, part)

    fetch(Watching({"model.onnx": content}), tmp_path)

    assert on_disk == [0, PART, 2 * PART, 3 * PART]
    assert (tmp_path / "model.onnx").read_bytes() == content


def test_what_is_there_already_is_not_fetched_again_and_wants_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(FileServer(FILES), tmp_path)
    (tmp_path / "empty").unlink()
    again = FileServer(FILES)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))

    fetch(again, tmp_path)

    assert again.reads == 1


def test_a_damaged_file_is_refused_and_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="damaged"):
        fetch(FileServer({"model.onnx": b"weights"}, damaged=True), tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{}", b"0123456789"])
def test_parts_that_are_listed_and_hold_nothing_are_not_asked_for_for_ever(tmp_path: Path, content: bytes) -> None:
    files = FileServer({"model.onnx": content}, parts=10**18)

    fetch(files, tmp_path)

    assert (tmp_path / "model.onnx").read_bytes() == content
    assert files.reads <= 2


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "a\\..\\evil", "C:evil", ""])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ServerError, match="unsafe name"):
        fetch(FileServer({name: b"x"}), tmp_path / "inner")

    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_a_named_file_is_empty_if_it_is_not_there_or_too_large() -> None:
    async def go() -> None:
        async with Client(FileServer(FILES).mcp) as client:
            server = Server(client, log=None)
            assert await fetch_named(server, "support", "support-r1", "model.onnx") == FILES["model.onnx"]
            assert await fetch_named(server, "support", "support-r1", "model.onnx", max_bytes=5) == b""
            assert await fetch_named(server, "support", "support-r1", "map.svg") == b""

    anyio.run(go)
