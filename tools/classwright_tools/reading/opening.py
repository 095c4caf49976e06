"""Text files as lines: gzipped or not, in Unicode or Windows-1252, refused where they unpack without measure."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from classwright_tools.domain.noun import MAX_TEXT_CHARS
from classwright_tools.errors import InvalidInput

if TYPE_CHECKING:
    from classwright.predict import LineEncoding

# A row that is longer than this cannot be a text of at most MAX_TEXT_CHARS with some other columns: it is skipped.
MAX_ROW_CHARS = 50 * MAX_TEXT_CHARS
# Texts shrink to a fifth, very regular rows to a fiftieth. What unpacks to more, and to much, was made to fill a memory
# or to last for days; a small file of equal rows is let through.
MAX_EXPANSION = 200
FREE_EXPANSION_BYTES = 256 * 2**20
PARQUET = b"PAR1"
SAMPLE_BYTES = 4_096
UTF_8, WESTERN = "utf-8-sig", "cp1252"
_AT_ONCE = 2**20
_MARKS = (  # the longer first: the mark of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
MARKS = (codecs.BOM_UTF8, *(mark for mark, _ in _MARKS))
"""What text files in Unicode may begin with."""
# What a file under the ending of a text file may be instead: how it begins, its name, and what to do.
_OTHER_KINDS = (
    (rb"PK\x03\x04", "a zip archive, as Excel's workbooks are", "Unpack it, or save the sheet as CSV."),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook", "Save the sheet as CSV."),
    (rb"PAR1", "Parquet in a gzip file", "Unpack it."),
    (rb"ARROW1\x00\x00", "an Arrow file", "Save the rows as Parquet."),
    (rb"\x28\xb5\x2f\xfd", "a zstd file", "Unpack it, or pack it with gzip."),
    (rb"\xfd7zXZ\x00", "an xz file", "Unpack it, or pack it with gzip."),
    (rb"BZh[1-9]1AY&SY", "a bzip2 file", "Unpack it, or pack it with gzip."),
    (rb"7z\xbc\xaf\x27\x1c", "a 7z archive", "Unpack it."),
    (rb"\x1f\x8b", "packed twice", "Unpack it once."),
    (rb"SQLite format 3\x00", "an SQLite database", "Save the table as CSV."),
    (rb"%PDF-", "a PDF", "Save its rows as CSV."),
    (rb"(?i)\s*<(!doctype html|html)\b", "a web page, not the file that it shows", "Download the file itself."),
)


class Position:
    """The position in a file that is being read, for the progress report."""

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
def opened(path: Path, position: Position, any_line_end: bool = False) -> Iterator[Iterator[str | None]]:
    """Open the lines of a text file, gzipped or not, in UTF-8, UTF-16 or UTF-32, with or without a mark.

    One in Windows-1252 is read, too: see `LineEncoding`; whoever reads it tells so, by `files.read_as`.

    Each has its end; None stands for one of over MAX_ROW_CHARS, which is never held in memory whole. What is broken is
    U+FFFD. The lines end as the first one does, and another line end stands inside a text; with `any_line_end` each
    ends a line, and is "\\n".

    Raises:
        InvalidInput: it is of another kind, or a damaged gzip file, or unpacks to too much.
    """
    source = f"file {path.name!r}"
    with path.open("rb") as raw:
        position.follow(raw, path.stat().st_size)
        with telling_damage(source):
            binary = unpacked(raw, path)
            sample = binary.peek(SAMPLE_BYTES)[:SAMPLE_BYTES]
            refuse_other_kinds(sample, source)
            encoding = WESTERN if lines_of(path).is_western else encoding_of(sample)
            newline = None if any_line_end else _line_end(sample.decode(encoding, errors="replace"))
            file = TextIOWrapper(binary, encoding=encoding, errors="replace", newline=newline)
            yield _bounded_lines(file, newline or "\n")


def lines_of(path: Path, *, every_line: bool = False) -> LineEncoding:
    """Return what the lines of a text file say of its encoding; nothing of one in UTF-16 or UTF-32.

    Without `every_line` no more lines are looked at than decide between UTF-8 and Windows-1252.

    Raises:
        InvalidInput: it is of another kind, or a damaged gzip file, or unpacks to too much.
        OSError: it cannot be opened.
    """
    from classwright.predict import LineEncoding  # it loads numpy, if that is there, and the agent starts without it

    source = f"file {path.name!r}"
    found = LineEncoding()
    with path.open("rb") as raw, telling_damage(source):
        binary = unpacked(raw, path)
        sample = binary.peek(SAMPLE_BYTES)[:SAMPLE_BYTES]
        refuse_other_kinds(sample, source)
        if encoding_of(sample) != UTF_8:
            return found
        number = 1
        while (line := binary.readline(_AT_ONCE)) and (every_line or not found.has_utf_8):
            found.take(number, line, whole=len(line) < _AT_ONCE)
            number += line.endswith(b"\n")
    return found


@contextmanager
def telling_damage(source: str) -> Iterator[None]:
    """Tell of a gzip file that is damaged that it is."""
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InvalidInput(source, "is a damaged gzip file", "Check that it was copied whole.") from error


def unpacked(raw: BufferedReader, path: Path) -> Any:
    """Return the bytes of the text file `path` that is open as `raw`, unpacked if it is a gzip file."""
    return _Unpacked(raw, path) if raw.peek(2)[:2] == b"\x1f\x8b" else raw


def refuse_other_kinds(sample: bytes, source: str) -> None:
    """Refuse a file whose first bytes are those of another kind than text."""
    for begins, kind, repair in _OTHER_KINDS:
        if re.match(begins, sample):
            raise InvalidInput(source, f"is {kind}", repair)


def encoding_of(sample: bytes) -> str:
    """Return the encoding of a file by its mark, or by where the zero bytes of its Latin letters and line ends are."""
    marked = next((name for mark, name in _MARKS if sample.startswith(mark)), None)
    if marked:
        return marked
    if _is_utf_8(sample):  # a zero byte or two in a text is no sign
        return UTF_8
    zeros = [sample[place::4].count(0) / max(1, len(sample[place::4])) for place in range(4)]
    candidates = {
        "utf-32-le": min(zeros[2], zeros[3]) > 0.9,
        "utf-32-be": min(zeros[0], zeros[1]) > 0.9,
        "utf-16-le": zeros[1] + zeros[3] > 4 * (zeros[0] + zeros[2]),
        "utf-16-be": zeros[0] + zeros[2] > 4 * (zeros[1] + zeros[3]),
    }
    for name, is_likely in candidates.items():
        if is_likely and re.search(r'[\r\n"]', sample.decode(name, errors="replace")):
            return name
    return UTF_8


def _is_utf_8(sample: bytes) -> bool:
    """Whether a sample is UTF-8 with few control characters, or with none in its first line."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return False
    if re.match(rb"[\t\x20-\xff]+[\r\n]", sample):
        return True
    return 10 * len(re.findall(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]", sample)) < len(sample) or not sample


def _line_end(sample: str) -> str:
    """Return what ends the first line, outside of quotes; "\\r" alone is what old Macintosh programs write."""
    found = re.search(r"[\r\n]+", re.sub(r'"[^"]*"', '""', sample))
    return "\r" if found and "\n" not in found.group() else "\n"


class _Unpacked(gzip.GzipFile):
    """A gzip file that ends with an `InvalidInput` where it unpacks to more than any honest one."""

    def __init__(self, raw: IO[bytes], path: Path) -> None:
        super().__init__(fileobj=raw)
        self._source = f"file {path.name!r}"
        self._most = max(FREE_EXPANSION_BYTES, MAX_EXPANSION * path.stat().st_size)

    def read1(self, size: int | None = -1) -> bytes:
        """Return the next bytes; a text wrapper reads by this method alone."""
        return self._within(super().read1(-1 if size is None else size))

    def readline(self, size: int | None = -1) -> bytes:
        """Return the next line, or so many bytes of it."""
        return self._within(super().readline(-1 if size is None else size))

    def _within(self, read: bytes) -> bytes:
        """Return what was `read`, if that is not too much by now."""
        if self.tell() > self._most:
            raise bomb(self._source)
        return read


def bomb(source: str) -> InvalidInput:
    """Return that `source` was made to fill a memory."""
    return InvalidInput(source, f"unpacks to over {MAX_EXPANSION} times its size", "Pass the rows unpacked.")


def _bounded_lines(file: IO[str], end: str) -> Iterator[str | None]:
    while line := file.readline(MAX_ROW_CHARS + 1):
        if len(line) <= MAX_ROW_CHARS:
            yield line
            continue
        while line and not line.endswith(end):
            line = file.readline(MAX_ROW_CHARS)
        yield None
