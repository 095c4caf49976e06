"""The files of an artifact, fetched over the wire in parts: a model or a dataset leaves the server this way."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import Field

from classwright_tools.domain.kinds import KINDS, kind_of
from classwright_tools.domain.noun import Noun
from classwright_tools.domain.uris import file_uri
from classwright_tools.errors import InvalidInput, NotFound, unknown_id
from classwright_tools.workspace.own_files import read_own
from classwright_tools.workspace.workspace import Artifact, Workspace

PART_BYTES = 3 * 2**20
"""4 MiB in base64: some hosts close a connection at frames of 8 MiB."""


class ArtifactFile(Noun):
    """One file of an artifact, and in how many parts it is fetched."""

    name: str = Field(description="Its path inside the artifact, with '/'; percent-encode it in a URI.")
    bytes: int = Field(ge=0)
    sha256: str
    parts: int = Field(ge=1, description="Parts are numbered from 0.")


class ArtifactFiles(Noun):
    """The files of one artifact."""

    artifact: str
    part_bytes: int = PART_BYTES
    files: tuple[ArtifactFile, ...]


def find_artifact(workspace: Workspace, task: str, id_: str) -> Artifact:
    """Return the artifact `id_` of `task`.

    Raises:
        NotFound: there is none; the nearest id is named.
    """
    kind = kind_of(id_)
    if kind is None:
        raise NotFound(f"artifact {id_[:80]!r}", "does not exist", f"Read classwright://{task} for the ids there are.")
    artifact = workspace.artifact(id_, kind.name)
    if artifact.task != task:
        raise NotFound(f"artifact {id_!r}", f"is not of task {task!r}", f"It belongs to {artifact.task!r}.")
    return artifact


def files_of(artifact: Artifact) -> ArtifactFiles:
    """Return every file of an artifact with its size and digest."""
    paths = sorted(path for path in artifact.path.rglob("*") if path.is_file() and not path.is_symlink())
    return ArtifactFiles(artifact=artifact.id, files=tuple(_described(artifact.path, path) for path in paths))


def part_of(artifact: Artifact, name: str, part: int) -> bytes:
    """Return part number `part`, from 0, of the file `name`.

    Raises:
        NotFound: there is no such file or part; the nearest name is told.
    """
    path = inner_path(artifact, name)
    parts = _parts(path.stat().st_size)
    if not 0 <= part < parts:
        raise NotFound(f"part {part} of {name!r}", "does not exist", f"Its parts are numbered 0 to {parts - 1}.")
    with path.open("rb") as file:
        file.seek(part * PART_BYTES)
        return file.read(PART_BYTES)


def file_of(artifact: Artifact, name: str) -> bytes:
    """Return the file `name` whole.

    Raises:
        NotFound: there is no such file; the nearest name is told.
        InvalidInput: it is too large for one answer.
    """
    path = inner_path(artifact, name)
    parts = _parts(path.stat().st_size)
    if parts > 1:
        uri = file_uri(artifact.id, name)
        reason = f"is larger than {PART_BYTES // 2**20} MiB, what one answer holds"
        raise InvalidInput(f"file {name!r}", reason, f"Read its {parts} parts, {uri}/0 to {uri}/{parts - 1}.")
    return path.read_bytes()


def inner_path(artifact: Artifact, name: str) -> Path:
    """Return the path of the file `name` of an artifact; nothing outside its folder is ever reached.

    Raises:
        NotFound: there is no such file; the nearest name is told.
    """
    root = artifact.path.resolve()
    names = {path.relative_to(artifact.path).as_posix() for path in artifact.path.rglob("*") if path.is_file()}
    path = root / name
    # A name is served only if the folder's own listing has it, and if no link on its way leads elsewhere.
    if name not in names or path.resolve() != path or not path.is_relative_to(root):
        raise unknown_id(f"file of {artifact.id}", name, names)
    return path


def main_document(artifact: Artifact) -> str:
    """Return the JSON that describes an artifact: its card, report or document, else the list of its files."""
    path = artifact.path / KINDS[artifact.kind].document
    if path.is_file() and not path.is_symlink():
        return read_own(path).decode()
    return files_of(artifact).model_dump_json(indent=1)


def _described(root: Path, path: Path) -> ArtifactFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    size = path.stat().st_size
    return ArtifactFile(name=path.relative_to(root).as_posix(), bytes=size, sha256=digest, parts=_parts(size))


def _parts(size: int) -> int:
    return max(1, -(-size // PART_BYTES))
