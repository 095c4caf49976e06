"""Text files opened as lines, gzipped or not, within the bounds of an honest file."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

from classwright_tools.domain.noun import MAX_TEXT_CHARS
from classwright_tools.errors import InvalidInput

# A row that is longer than this cannot be a text of at most MAX_TEXT_CHARS with some other columns: it is skipped.
MAX_ROW_CHARS = 50 * MAX_TEXT_CHARS
# Texts shrink to a fifth, very regular rows to a fiftieth. What unpacks to more, and to much, was made to fill a memory
# or to last for days; a small file of equal rows is let through.
MAX_EXPANSION = 200
FREE_EXPANSION_BYTES = 256 * 2**20


class Position:
    """How far a file has been read, for the progress report."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._size = 1

    def follow(self, file: IO[bytes], size: int) -> None:
        """Take the position of `file`, which has `size` bytes, from now on."""
        self._file, self._size = file, max(1, size)

    @property
    def share(self) -> float | None:
        """The share of the bytes that have been read, 0 to 1, or None where it is not known."""
        return None if self._file is None or self._file.closed else min(1.0, self._file.tell() / self._size)


@contextmanager
def opened(path: Path, position: Position) -> Iterator[IO[str]]:
    """Open a text file, gzipped or not; a byte order mark is dropped, broken UTF-8 is read as U+FFFD."""
    source = f"file {path.name!r}"
    with path.open("rb") as raw:
        start = raw.read(2)
        raw.seek(0)
        if start in (b"\xff\xfe", b"\xfe\xff"):
            raise InvalidInput(source, "is UTF-16", "Save it as UTF-8.")
        position.follow(raw, path.stat().st_size)
        binary: Any = _Unpacked(raw, path) if start == b"\x1f\x8b" else raw
        try:
            yield TextIOWrapper(binary, encoding="utf-8-sig", errors="replace", newline="")
        except (gzip.BadGzipFile, EOFError, OSError) as error:
            if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
                raise
            raise InvalidInput(source, "is a damaged gzip file", "Check that it was copied whole.") from error


class _Unpacked(gzip.GzipFile):
    """A gzip file that ends with an `InvalidInput` where it unpacks to more than any honest one."""

    def __init__(self, raw: IO[bytes], path: Path) -> None:
        super().__init__(fileobj=raw)
        self._source = f"file {path.name!r}"
        self._most = max(FREE_EXPANSION_BYTES, MAX_EXPANSION * path.stat().st_size)

    def read1(self, size: int | None = -1) -> bytes:
        """Return the next bytes; a text wrapper reads by this method alone."""
        read = super().read1(-1 if size is None else size)
        if self.tell() > self._most:
            raise bomb(self._source)
        return read


def bomb(source: str) -> InvalidInput:
    """Return that `source` was made to fill a memory."""
    return InvalidInput(source, f"unpacks to over {MAX_EXPANSION} times its size", "Pass the rows unpacked.")


def bounded_lines(file: IO[str]) -> Iterator[str | None]:
    """Yield the lines with their ends; None for a line of over MAX_ROW_CHARS, which is never held in memory whole."""
    while line := file.readline(MAX_ROW_CHARS + 1):
        if len(line) <= MAX_ROW_CHARS:
            yield line
            continue
        while line and not line.endswith(("\n", "\r")):
            line = file.readline(MAX_ROW_CHARS)
        yield None
