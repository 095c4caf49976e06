"""Files of the server's artifacts, brought here over the wire, checked, and written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import quote

from pydantic import BaseModel, Field

from classwright_agents.answers import Rows, read_as
from classwright_agents.errors import RunError, ServerError
from classwright_agents.server import Server
from classwright_tools.contract import Example
from classwright_tools.errors import mending

# A page shows a few of a report's rows: a file beyond this is not one to read here.
MAX_READ_BYTES = 20 * 1024 * 1024
MAX_FILES = 1_000
MAX_FILE_BYTES = 8 * 2**30  # the largest encoders of sentences have 2 to 3 GB
MAX_PART_OF_NAME = 200  # bytes; a file is written beside its place, under a longer name


class RemoteFile(BaseModel):
    """A file of an artifact, as the server lists it."""

    name: str
    bytes: int = Field(ge=0, le=MAX_FILE_BYTES)
    sha256: str
    parts: int = Field(ge=0)


class RemoteFiles(BaseModel):
    """The files of an artifact."""

    files: list[RemoteFile] = Field(max_length=MAX_FILES)


async def list_files(server: Server, task: str, artifact: str) -> list[RemoteFile]:
    """Return the files of an artifact.

    Raises:
        ServerError: there is no such artifact, or the server went away.
    """
    listed = await server.read(f"classwright://{task}/artifacts/{artifact}/files")
    return read_as(RemoteFiles, listed, f"The file list of {artifact!r}").files


async def fetch_file(server: Server, task: str, artifact: str, file: RemoteFile) -> bytes:
    """Return a file's content, which is to fit into memory.

    Raises:
        ServerError: what arrived is not what the server listed.
    """
    return b"".join([part async for part in _parts(server, task, artifact, file)])


async def _parts(server: Server, task: str, artifact: str, file: RemoteFile) -> AsyncIterator[bytes]:
    """Yield a file's content as it arrives: to be used once all of it has.

    Raises:
        ServerError: after the last part, or as soon as it is seen: it is not what the server listed.
    """
    uri = f"classwright://{task}/artifacts/{artifact}/files/{quote(file.name, safe='')}"
    digest, size = hashlib.sha256(), 0
    for number in range(file.parts):
        part = await server.read(f"{uri}/{number}")
        digest.update(part)
        size += len(part)
        if not part or size > file.bytes:
            break
        yield part
    if size != file.bytes or digest.hexdigest() != file.sha256:
        raise ServerError(
            f"File {file.name!r} of {artifact!r}", "arrived damaged", "Call this again: what arrived whole is kept."
        )


async def fetch_all(server: Server, task: str, artifact: str, folder: Path) -> list[RemoteFile]:
    """Bring every file of an artifact into `folder`; files that are there already are kept.

    Raises:
        ServerError: a file did not arrive as listed, or its name leads out of the folder.
        RunError: the disk cannot be written.
    """
    files = await list_files(server, task, artifact)
    paths = [_inside(folder, file.name, artifact) for file in files]
    missing = [(file, path) for file, path in zip(files, paths, strict=True) if not _is_there(path, file)]
    _check_room(sum(file.bytes for file, _ in missing), folder, artifact)
    for file, path in missing:
        with _appearing_whole(path) as written:
            async for part in _parts(server, task, artifact, file):
                written.write(part)
    return files


async def fetch_named(server: Server, task: str, artifact: str, name: str, max_bytes: int = MAX_READ_BYTES) -> bytes:
    """Return the file `name` of an artifact; empty if it has none, or one of more than `max_bytes`."""
    for file in await list_files(server, task, artifact):
        if file.name == name and file.bytes <= max_bytes:
            return await fetch_file(server, task, artifact, file)
    return b""


async def fetch_sample(server: Server, task: str, dataset: str, rows: int) -> list[Example]:
    """Return about `rows` training rows, spread evenly over the dataset."""
    uri = f"classwright://{task}/datasets/{dataset}/train"
    total = read_as(Rows, await server.read(f"{uri}?offset=0&limit=1"), f"Dataset {dataset!r}").total
    places = sorted({(2 * n + 1) * total // (2 * rows) for n in range(rows)}) if total else []
    pages = [
        read_as(Rows, await server.read(f"{uri}?offset={place}&limit=1"), f"Dataset {dataset!r}") for place in places
    ]
    return [page.rows[0] for page in pages if page.rows]


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that appears whole.

    Raises:
        RunError: the disk is full or not writable.
    """
    with _appearing_whole(path) as file:
        file.write(content)


@contextmanager
def _appearing_whole(path: Path) -> Iterator[BinaryIO]:
    """Yield a file beside `path` that is moved there in the end, so that a kill or an error leaves no half of it there.

    Raises:
        RunError: the disk is full or not writable.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with beside.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise RunError(
            f"file {path.name!r}",
            f"cannot be written: {error.strerror}",
            f"{mending(error.errno)}, then call this again.",
        ) from error


def _check_room(size: int, folder: Path, artifact: str) -> None:
    """Return if the disk has room for `size` bytes in `folder`."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if size > shutil.disk_usage(there).free:
        reason = f"has {size / 2**30:.1f} GiB of files to bring, and the disk has no room for them"
        raise RunError(f"artifact {artifact!r}", reason, "Make room on the disk, then call this again.")


def _inside(folder: Path, name: str, artifact: str) -> Path:
    """Return the place of a file that a server named, which must lie in `folder`."""
    pure = PurePosixPath(name)
    fits = name.isprintable() and all(len(part.encode(errors="replace")) <= MAX_PART_OF_NAME for part in pure.parts)
    if pure.is_absolute() or ".." in pure.parts or "\\" in name or ":" in name or not pure.name or not fits:
        raise ServerError(f"Artifact {artifact!r}", f"lists a file with the unsafe name {name[:80]!r}", "Look into it.")
    return folder.joinpath(*pure.parts)


def _is_there(path: Path, file: RemoteFile) -> bool:
    if not path.is_file() or path.stat().st_size != file.bytes:
        return False
    with path.open("rb") as there:
        return hashlib.file_digest(there, "sha256").hexdigest() == file.sha256
