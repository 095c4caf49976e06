"""A writer that answers from files of completions: for demonstrations and tests, at no cost and without a model."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from classwright_tools.domain.noun import Noun
from classwright_tools.domain.usage import FREE, Prices, TokenCount
from classwright_tools.domain.writer import Completion, Writer, WritingKind, WritingRequest
from classwright_tools.errors import InvalidInput, NotFound, WriterFailed
from classwright_tools.writing.backends.settings import Flag, WriterSettings

_FIELDS = ("label", "topic", "subtopic", "source_type", "item", "contrast")


class RecordedSettings(WriterSettings):
    """Completions that were recorded before."""

    kind: Literal["recorded"] = "recorded"
    files: Annotated[tuple[Path, ...], Flag("recorded", "FILE", "files of recorded completions")] = Field(min_length=1)

    def open(self, environment: Mapping[str, str]) -> Writer:  # noqa: ARG002 - it needs no key
        """Return the writer that answers from the files.

        Raises:
            NotFound: a file does not exist.
            InvalidInput: a line is not a recording.
        """
        return RecordedWriter(self.files)


class Recording(Noun):
    """One line of a file: the items that were once written for a request like this."""

    kind: WritingKind
    label: str | None = None
    topic: str | None = None
    subtopic: str | None = None
    source_type: str | None = None
    item: str | None = None
    contrast: str | None = None
    round: int = Field(default=0, ge=0)
    items: tuple[str, ...] = Field(min_length=1)


class RecordedWriter:
    """Answers a request with what was recorded for its kind, cell, contrast and round.

    A field that the request, or the recording, leaves open matches anything; the recordings that match are joined
    in the files' order. A recording holds one completion a request: whoever asks for more of the same gets an error.
    Requests of several topics share a recording of texts that names none: each gets the next ones.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        """Read the JSON lines of `paths`.

        Raises:
            NotFound: a file does not exist.
            InvalidInput: a line is not a recording; the file and the line are named.
        """
        if not paths:
            raise InvalidInput("the recorded writer", "was given no file", "Name at least one file of completions.")
        digest = hashlib.sha256()
        self._recordings: dict[WritingKind, list[Recording]] = {}
        for path in paths:
            content = _content(path)
            digest.update(content)
            for recording in _recordings(path.name, content):
                self._recordings.setdefault(recording.kind, []).append(recording)
        self._digest = digest.hexdigest()
        self._given: Counter[Recording] = Counter()  # items that requests took of a recording that they share

    @property
    def name(self) -> str:
        """The name that provenance records."""
        return "recorded"

    @property
    def identity(self) -> str:
        """The name with the digest of the files."""
        return f"recorded {self._digest}"

    @property
    def prices(self) -> Prices:
        """Nothing is paid for a recording."""
        return FREE

    def most_tokens(self, request: WritingRequest) -> TokenCount:  # noqa: ARG002 - the same for every request
        """Return (0, 0): no model is asked."""
        return TokenCount(0, 0)

    def prompt_digest(self, kind: WritingKind) -> str:  # noqa: ARG002 - the same for every kind
        """Return the digest of the files: they stand in for the prompt."""
        return self._digest

    async def check(self) -> str:
        """Return that it is ready: the files were read."""
        return f"Writer {self.name!r} is ready."

    async def write(self, request: WritingRequest) -> Completion:
        """Return the recorded items; there may be fewer or more than `request.count`.

        Raises:
            WriterFailed: nothing was recorded for `request`, or it asks for more than was.
        """
        if request.attempt:
            raise WriterFailed(
                f"the recorded writer, {_wanted(request)}",
                "the recording holds no further completion",
                "Ask for fewer rows, or use a writer with a language model.",
            )
        found = [recording for recording in self._recordings.get(request.kind, ()) if _matches(recording, request)]
        if not found:
            raise WriterFailed(
                f"the recorded writer, {_wanted(request)}",
                "was not recorded",
                "Record it, or use a writer with a language model.",
            )
        items = tuple(dict.fromkeys(item for recording in found for item in self._items(recording, request)))
        if not items:
            raise WriterFailed(
                f"the recorded writer, {_wanted(request)}",
                "other topics have used up what was recorded",
                "Ask for fewer rows, or use a writer with a language model.",
            )
        return Completion(items=items)

    def _items(self, recording: Recording, request: WritingRequest) -> tuple[str, ...]:
        """Return the items of `recording`, or the next ones of a recording that requests of several topics share."""
        cell = request.cell
        if request.kind not in ("examples", "contrast") or recording.topic or not (cell and cell.topic):
            return recording.items
        start = self._given[recording]
        self._given[recording] += request.count
        return recording.items[start : start + request.count]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFound(
            f"recording {path.name!r}", "cannot be read", "Check the path that the server was started with."
        ) from error


def _recordings(name: str, content: bytes) -> Iterator[Recording]:
    """Yield the recordings in `content`, the bytes of the file `name`; empty lines are skipped."""
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            yield Recording.model_validate(json.loads(line))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"])) or "the line"
            raise _broken(name, number, f"{field}: {first['msg']}") from error
        except ValueError as error:  # not JSON, or not UTF-8
            raise _broken(name, number, "is not JSON in UTF-8") from error


def _broken(name: str, number: int, reason: str) -> InvalidInput:
    return InvalidInput(f"recording {name!r}, line {number}", reason, "Correct or remove the line.")


def _matches(recording: Recording, request: WritingRequest) -> bool:
    wanted = _fields(request)
    if request.kind in ("examples", "contrast", "mismatch") and recording.round != request.round:
        return False
    for field in _FIELDS:
        recorded = getattr(recording, field)
        if recorded is not None and wanted.get(field) is not None and recorded != wanted[field]:
            return False
    return True


def _fields(request: WritingRequest) -> dict[str, str | None]:
    cell = request.cell.model_dump() if request.cell else {}
    return {**cell, "contrast": request.contrast}


def _wanted(request: WritingRequest) -> str:
    """Describe `request` as a person would look for it in the files."""
    fields = [f"{name} {value!r}" for name, value in _fields(request).items() if value is not None]
    return ", ".join([f"kind {request.kind!r}", *fields, f"round {request.round}"])
