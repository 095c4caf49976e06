"""Plain text for a terminal, of a server's or a file's: nothing in it moves the cursor or hides."""

from __future__ import annotations

import sys
from contextlib import suppress

from classwright_tools.domain.invisible import plain_text


def say(line: str) -> None:
    """Print a line on stderr, whoever reads that: stdout is for what was made."""
    with suppress(BrokenPipeError):
        print(line, file=sys.stderr, flush=True)  # noqa: T201  # the program's answer


def plain(text: str) -> str:
    """Return `text` on one line and without what is not printed: control, direction and zero-width characters."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "" for c in plain_text(text))
