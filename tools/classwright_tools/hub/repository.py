"""A public repository of the hub: listed at one commit, its files fetched by name under a limit of bytes.

Nothing that a repository holds says where its files are: they come from the hub's own host, or from the hosts that it
sends to over https. No token is sent, so that nobody reaches through the server what its operator may see.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import httpx
from pydantic import BaseModel, Field, ValidationError

from classwright_tools.errors import InvalidInput, NotFound, StorageFailed
from classwright_tools.workspace.atomic import storage_errors

if TYPE_CHECKING:
    from classwright_tools.context import ToolContext

MAX_BYTES = 8 * 2**30
"""Of the files of one call; a text is some hundred bytes, and the largest encoders of sentences have 2 to 3 GB."""
MAX_LISTING_BYTES = 64 * 2**20
_MAX_REDIRECTS = 5
_MAX_PART_BYTES = 255  # of one part of a path, as file systems have it
_MOST_PARTS = 16
_CHUNK_BYTES = 2**20
_SECONDS = 30.0  # without a byte
# Where the hub keeps large files; it signs the addresses.
_HUB_DOMAINS = ("huggingface.co", "hf.co")
_BY_HAND = "Download it with `hf download`, put the files into an import folder, and pass them as `path`."
_REPAIRS = {
    "dataset": _BY_HAND,
    "model": "Fetch it with `hf download` on the server's machine, and start the server with its name as --encoder.",
}

Kind = Literal["dataset", "model"]


class _Large(BaseModel):
    """A large file as the hub describes it."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class HubFile(BaseModel):
    """A file as the hub lists it."""

    name: str = Field(alias="rfilename")
    size: int = Field(ge=0)
    lfs: _Large | None = None


class _Listed(BaseModel):
    """The hub's own list of a repository's files."""

    sha: str = Field(pattern=r"^[0-9a-f]{40}$")
    siblings: tuple[HubFile, ...]


@dataclass(frozen=True)
class HubRepository:
    """The files of a repository at the commit `sha`: those whose names lead nowhere else."""

    kind: Kind
    name: str
    sha: str
    files: tuple[HubFile, ...]

    @property
    def subject(self) -> str:
        """Its name in errors."""
        return subject_of(self.kind, self.name)

    def fetch(self, files: Iterable[HubFile], folder: Path, context: ToolContext) -> None:
        """Write `files` into `folder` under their own names.

        Raises:
            Cancelled: the caller asked to stop.
            InvalidInput: they have more bytes than may be fetched, or what comes is not what is listed.
            NotFound: the hub cannot be reached, or leads elsewhere.
            StorageFailed: the caller's workspace has no room for them.
        """
        from huggingface_hub import hf_hub_url

        wanted = list(files)
        size = sum(file.size for file in wanted)
        self._check_size(size, context)
        done = 0
        with _client() as client:
            for file in wanted:
                url = hf_hub_url(self.name, file.name, repo_type=self.kind, revision=self.sha)
                with _answer(client, url, self.kind, self.name) as answer:
                    path = folder / file.name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    for chunk_size in self._write(file, answer, path):
                        done += chunk_size
                        context.progress(None, f"{done / 2**20:,.0f} of {size / 2**20:,.0f} MiB of {self.name} fetched")

    def _check_size(self, size: int, context: ToolContext) -> None:
        """Return if `size` bytes may be fetched."""
        if size > MAX_BYTES:
            reason = f"has {size / 2**30:.1f} GiB to fetch, and at most {MAX_BYTES / 2**30:.0f} are fetched at once"
            raise InvalidInput(self.subject, reason, _REPAIRS[self.kind])
        room = context.room()
        if size > room:
            reason = f"has room for {max(0, room) / 2**20:,.0f} MiB more, and {self.name!r} has {size / 2**20:,.0f} MiB"
            raise StorageFailed(
                "your workspace",
                reason,
                "Remove what is not needed, raise --workspace-gb where the server is started, or pass fewer rows.",
            )

    def _write(self, file: HubFile, answer: httpx.Response, path: Path) -> Iterator[int]:
        """Write what comes, yielding the sizes of its parts; it must be what is listed."""
        wrong = InvalidInput(
            self.subject,
            f"sends something else than is listed as {file.name[:80]!r} ({file.size:,} bytes)",
            "Try again; if it stays, choose another repository.",
        )
        digest, count = hashlib.sha256(), 0
        with storage_errors(f"the files of {self.name!r}"), path.open("xb") as written:
            for chunk in answer.iter_raw(_CHUNK_BYTES):  # as it is sent: nothing is unpacked
                count += len(chunk)
                if count > file.size:
                    raise wrong
                digest.update(chunk)
                written.write(chunk)
                yield len(chunk)
        if count != file.size or (file.lfs and file.lfs.sha256 != digest.hexdigest()):
            raise wrong


def open_repository(kind: Kind, name: str, context: ToolContext) -> HubRepository:
    """Return the files of the public repository `name`, such as 'owner/name', at its newest commit.

    Raises:
        InvalidInput: the operator does not let callers use the hub, or the hub answers with something else.
        NotFound: there is no public repository of that name, or the hub cannot be reached.
    """
    from huggingface_hub import constants

    subject = subject_of(kind, name)
    if not context.hub:
        raise InvalidInput(subject, "is on the hub, and the server was started with --no-hub", _REPAIRS[kind])
    url = f"{constants.ENDPOINT}/api/{kind}s/{name}"
    with _client() as client, _answer(client, f"{url}?blobs=true", kind, name) as answer:
        body = b""
        for chunk in answer.iter_raw(_CHUNK_BYTES):
            body += chunk
            if len(body) > MAX_LISTING_BYTES:
                raise InvalidInput(subject, "has more files than can be listed", _REPAIRS[kind])
    try:
        found = _Listed.model_validate_json(body)
    except ValidationError as error:
        raise InvalidInput(subject, "is not listed by the hub as a repository is", "Try again later.") from error
    files = {file.name: file for file in found.siblings if is_plain(file.name)}
    return HubRepository(kind, name, found.sha, tuple(files.values()))


def is_plain(name: str) -> bool:
    """Whether `name` is a path below the folder where it is put, with no hidden part and nothing to decode."""
    parts = name.split("/")
    plain = name.isprintable() and not set(name) & set("\\:%") and len(parts) <= _MOST_PARTS
    return plain and all(part and part[0] != "." and len(part.encode()) <= _MAX_PART_BYTES for part in parts)


def subject_of(kind: Kind, name: str) -> str:
    """Return what a repository is called in errors."""
    return f"hub {kind} {name!r}"


def _client() -> httpx.Client:
    """Return a client that sends no token and follows nothing by itself."""
    headers = {"user-agent": "classwright", "accept-encoding": "identity"}
    return httpx.Client(headers=headers, timeout=_SECONDS, follow_redirects=False)


@contextmanager
def _answer(client: httpx.Client, url: str, kind: Kind, name: str) -> Iterator[httpx.Response]:
    """Ask the hub for `url`, going where it sends to as long as that is a host of its own."""
    from huggingface_hub import constants, is_offline_mode

    subject = subject_of(kind, name)
    if is_offline_mode():
        raise NotFound(subject, "cannot be fetched: the server works offline (HF_HUB_OFFLINE is set)", _REPAIRS[kind])
    try:
        for _ in range(_MAX_REDIRECTS):
            with client.stream("GET", url) as answer:
                if not answer.has_redirect_location:
                    _check_status(answer.status_code, kind, name)
                    yield answer
                    return
                target = answer.url.join(answer.headers["location"])
            if not _is_of_the_hub(target, httpx.URL(constants.ENDPOINT)):
                raise NotFound(subject, "leads to a place outside the hub, where nothing is asked", _REPAIRS[kind])
            url = str(target)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = f"cannot be fetched: the hub cannot be reached, or broke off ({type(error).__name__})"
        raise NotFound(subject, reason, f"Try again, or: {_REPAIRS[kind]}") from error
    raise NotFound(subject, "leads from one place to the next", "Try again later.")


def _is_of_the_hub(url: httpx.URL, hub: httpx.URL) -> bool:
    """Whether `url` is on the hub's own host, or over https on one of those where it keeps large files."""
    if (url.scheme, url.host, url.port) == (hub.scheme, hub.host, hub.port):
        return True
    own = any(url.host == domain or url.host.endswith(f".{domain}") for domain in _HUB_DOMAINS)
    return own and url.scheme == "https" and url.port in (None, 443)


def _check_status(status: int, kind: Kind, name: str) -> None:
    """Return if the hub answered with what was asked for."""
    if status == 200:
        return
    subject = subject_of(kind, name)
    if status in (401, 403, 404, 410, 451):
        reason = "is not on the hub, or not open to everybody: no token is sent for a caller"
        raise NotFound(subject, reason, f"Check the name. If it is private or gated: {_REPAIRS[kind]}")
    again = "Try again in some minutes." if status in (408, 429) or status >= 500 else _REPAIRS[kind]
    raise NotFound(subject, f"cannot be fetched: the hub answered with status {status}", again)
