"""Text files in an encoding that cannot be told from their bytes, such as Windows-1252: they are refused by name."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from shlex import quote

from classwright_tools.errors import InvalidInput
from classwright_tools.reading.opening import SAMPLE_BYTES, encoding_of, refuse_other_kinds, telling_damage, unpacked

_WESTERN = " looks like Windows-1252"
_UTF_8 = "utf-8-sig"
_AT_ONCE = 2**20


def check_encoding(path: Path, *, every_line: bool) -> None:
    """Return if a text file, gzipped or not, is in an encoding that is read; with `every_line` all of it.

    Without, lines with broken characters are let through beside lines with letters of UTF-8: the file is in UTF-8,
    and its rows are each to be told of.

    Raises:
        InvalidInput: it is not, and the first line that shows it is named; or it is of another kind.
        OSError: it cannot be opened.
    """
    source = f"file {path.name!r}"
    first = ""
    with path.open("rb") as raw, telling_damage(source):
        binary = unpacked(raw, path)
        sample = binary.peek(SAMPLE_BYTES)[:SAMPLE_BYTES]
        refuse_other_kinds(sample, source)
        if encoding_of(sample) != _UTF_8:
            return
        decoder = codecs.getincrementaldecoder("utf-8")()
        number = 1
        while line := binary.readline(_AT_ONCE):
            if not line.isascii():
                try:
                    decoder.decode(line, final=len(line) < _AT_ONCE)
                    if not every_line:
                        return
                except UnicodeDecodeError:
                    decoder.reset()
                    first = first or _told(line, number)
            number += line.endswith(b"\n")
    if first:
        repair = "Save it as UTF-8; in Excel that is called 'CSV UTF-8'."
        if _WESTERN in first and path.suffix != ".gz":
            repair += f" Or where a shell is at hand: iconv -f WINDOWS-1252 -t UTF-8 {quote(path.name)} > utf8.csv"
        raise InvalidInput(source, first, repair)


def _told(line: bytes, number: int) -> str:
    """Return that a file is not in UTF-8, by a `line` of it, and what it looks like.

    In the languages that Windows-1252 is for, letters beyond ASCII stand alone or in twos.
    """
    try:
        line.decode("cp1252")
    except UnicodeDecodeError:
        is_western = False
    else:
        is_western = not re.search(rb"[\x80-\xff]{3}", line)
    return f"is not in UTF-8 (line {number:,}{_WESTERN if is_western else ''})"
