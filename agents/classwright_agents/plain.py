"""Plain text for a terminal, of a server's or a file's: nothing in it moves the cursor or hides."""

from __future__ import annotations

import re

# Characters that Unicode calls letters or marks and nobody sees: the fillers of Hangul, vowels of Khmer, the selectors
# of variants. The other invisible ones are not printable for Python.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0e\uffa0\U000e0100-\U000e01ef]|\ufe0f{2,}"
)


def plain(text: str) -> str:
    """Return `text` on one line and without what is not printed: control, direction and zero-width characters."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "" for c in _UNSEEN.sub("", text))
