"""Text files in an encoding that cannot be told from their bytes: they are refused by the first line that shows it."""

from __future__ import annotations

from pathlib import Path

from classwright_tools.errors import InvalidInput
from classwright_tools.reading.opening import lines_of


def check_encoding(path: Path, *, every_line: bool) -> str:
    """Return what is to be told of the encoding of a text file, gzipped or not; with `every_line` all of it is read.

    That is "" for Unicode, and of Windows-1252 that it is read so. Without `every_line`, lines with broken characters
    are let through beside lines with letters of UTF-8: the file is in UTF-8, and its rows are each to be told of.

    Raises:
        InvalidInput: it is in no encoding that is read, and the first line that shows it is named; or it is of another
            kind.
        OSError: it cannot be opened.
    """
    found = lines_of(path, every_line=every_line)
    if found.broken and not found.is_western and (every_line or not found.has_utf_8):
        reason = f"is not in UTF-8 (line {found.broken[0]:,})"
        raise InvalidInput(f"file {path.name!r}", reason, "Save it as UTF-8; in Excel that is called 'CSV UTF-8'.")
    return found.remark(f"File {path.name!r}")
