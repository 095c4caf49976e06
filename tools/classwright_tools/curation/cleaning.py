"""Clean text: one Unicode form, no invisible characters, single spaces."""

from __future__ import annotations

import re
import unicodedata

REPLACEMENT = "\ufffd"

# White space and the control characters that stand for it, whatever their number: they become one space.
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# Soft hyphen, zero-width characters, direction marks and overrides, interlinear and tag characters, and code points
# that are not characters. The zero-width joiners (U+200C, U+200D) are looked at one by one: see `_keeps_joiner`.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"
    "\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_JOINER = re.compile("[\u200c\u200d]")
# Scripts in which a joiner changes how a word is written: Arabic and its kin, the Indic ones, Khmer, Mongolian.
_JOINING_SCRIPTS = ((0x0600, 0x08FF), (0x0900, 0x0DFF), (0x1780, 0x18AF), (0xFB50, 0xFEFC))


def clean_text(text: str) -> str:
    """Return `text` in NFC, without control, bidirectional and zero-width characters, with single spaces.

    Joiners stay where they belong to the spelling: inside words of Arabic and Indic scripts and inside emoji.
    Cleaning a clean text changes nothing. Broken characters (U+FFFD) stay: `is_broken` tells of them.
    """
    text = _SPACE.sub(" ", text)
    text = _INVISIBLE.sub("", text)
    if "\u200c" in text or "\u200d" in text:
        text = _JOINER.sub(_keeps_joiner, text)
    # Once more: what was between two spaces may have gone.
    return _SPACE.sub(" ", unicodedata.normalize("NFC", text)).strip()


def is_broken(text: str) -> bool:
    """Whether characters of `text` were lost when its bytes were decoded: it holds U+FFFD or a lone surrogate."""
    return REPLACEMENT in text or any("\ud800" <= character <= "\udfff" for character in text)


def shortened(text: str, length: int = 200) -> str:
    """Return `text` in at most `length` characters, with an ellipsis where it was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _keeps_joiner(match: re.Match[str]) -> str:
    """Return the joiner if it stands between two characters that it can join, else nothing."""
    text, at = match.string, match.start()
    if 0 < at < len(text) - 1 and _joins(text[at - 1]) and _joins(text[at + 1]):
        return match.group()
    return ""


def _joins(character: str) -> bool:
    code = ord(character)
    in_script = any(low <= code <= high for low, high in _JOINING_SCRIPTS)
    return in_script or unicodedata.category(character) in ("So", "Sk") or character == "\ufe0f"
