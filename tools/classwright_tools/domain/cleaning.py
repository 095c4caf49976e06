"""Clean text: one Unicode form, no invisible characters, single spaces."""

from __future__ import annotations

import re
import unicodedata

from classwright_tools.domain.invisible import without_invisible, without_terminal_codes

# Of the longest name that an error repeats from a source.
NAME_CHARS, NAME_WORDS = 60, 5
REPLACEMENT = "\ufffd"

# White space and the control characters that stand for it, whatever their number: they become one space.
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def clean_text(text: str) -> str:
    """Return `text` in NFC, without control, bidirectional and zero-width characters, with single spaces.

    Joiners stay where they belong to the spelling: see `without_invisible`.
    Cleaning a clean text changes nothing. Broken characters (U+FFFD) stay: `is_broken` tells of them.
    """
    if text.isascii() and text.isprintable():  # most texts: all the rest would do no more, and takes ten times as long
        return " ".join(text.split())
    # In NFC already: what a joiner stands beside must not change when marks are put in order.
    text = without_invisible(unicodedata.normalize("NFC", _SPACE.sub(" ", without_terminal_codes(text))))
    # Once more: what was between two spaces, or two marks, may have gone.
    return _SPACE.sub(" ", unicodedata.normalize("NFC", text)).strip()


def is_broken(text: str) -> bool:
    """Whether characters of `text` were lost when its bytes were decoded: it holds U+FFFD or a lone surrogate."""
    return not text.isascii() and (REPLACEMENT in text or any("\ud800" <= character <= "\udfff" for character in text))


def as_name(value: str) -> str:
    """Return a name from a source, such as a column's or a label's, as an error may say it: in quotes.

    What is too long to be a name is a text that stands in its place, and is not said: a model reads errors as the
    server's own words.
    """
    if len(value) <= NAME_CHARS and len(value.split()) <= NAME_WORDS:
        return repr(clean_text(value))
    return f"(a text of {len(value):,} characters)"
