"""Plain text for a terminal, of a server's or a file's: nothing in it moves the cursor or hides."""

from __future__ import annotations

from classwright_tools.domain.invisible import plain_text


def plain(text: str) -> str:
    """Return `text` on one line and without what is not printed: control, direction and zero-width characters."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "" for c in plain_text(text))
