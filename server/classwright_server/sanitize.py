"""Sanitized text for a client or a log: no invisible character, and none that a terminal would obey."""

from __future__ import annotations

import logging
import re
import textwrap
from typing import Any

from classwright_tools.domain.excerpt import shortened
from classwright_tools.domain.invisible import INVISIBLE, plain_text

MAX_ERROR_CHARS = 2_000
# In JSON text they stand inside strings only, where an escape says the same.
_UNSEEN = re.compile(f"[\x7f-\x9f\u200c\u200d\u2028\u2029\ufe0f{INVISIBLE}]")


def sanitized(error: object) -> str:
    """Return the text of an error for a client, plain and of bounded length."""
    return shortened(plain_text(str(error)), MAX_ERROR_CHARS)


def plain_values(value: Any) -> Any:
    """Return a structure with every string in it plain, names of fields and labels included."""
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, dict):
        return {plain_text(name): plain_values(item) for name, item in value.items()}
    return [plain_values(item) for item in value] if isinstance(value, list) else value


def escaped_json(text: str) -> str:
    """Return JSON text that means the same, with escapes for what would not be seen: stored texts stay as they are."""
    return _UNSEEN.sub(lambda found: _escape(found.group()), text)


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{int.from_bytes(units[at : at + 2]):04x}" for at in range(0, len(units), 2))


class PlainFormatter(logging.Formatter):
    """Writes a record's message on one line and plain, so that no text can forge a line or move a terminal's cursor."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the library's name
        """Return the line of a record."""
        record.message = plain_text(record.message).replace("\n", "\\n")
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802  # the library's name
        """Return the traceback, whose last lines may quote a text: indented, so that none can be taken for a record."""
        return textwrap.indent(plain_text(super().formatException(ei)), "  ")


def log_plainly() -> None:
    """Have this process log to stderr, by `PlainFormatter`: to be called before a library sets up a log of its own."""
    handler = logging.StreamHandler()
    handler.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("classwright").setLevel(logging.INFO)
