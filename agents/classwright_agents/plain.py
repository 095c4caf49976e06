"""Text from a server or a file on its way to a terminal: nothing in it moves the cursor or hides."""

from __future__ import annotations


def plain(text: str) -> str:
    """Return `text` on one line and without what is not printed: control, direction and zero-width characters."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "" for c in text)
