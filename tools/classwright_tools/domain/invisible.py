"""Characters that a reader does not see and a terminal, a browser or a model may obey: found, and taken away."""

from __future__ import annotations

import re
import unicodedata

# What moves a terminal's cursor, colours it or sets its title, whole: without it the rest would stay as debris.
_TERMINAL = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])|\x9b[0-?]*[ -/]*[@-~]"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]+")
# All default-ignorable code points of Unicode (DerivedCoreProperties.txt): soft hyphen, zero-width characters,
# direction marks and overrides, Hangul fillers, variation selectors, tags; and interlinear marks, and code points that
# are no characters. The zero-width joiners (U+200C, U+200D) and U+FE0F, which makes an emoji of a sign, are looked at
# one by one: see `_keeps_joiner` and `_keeps_selector`.
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_INVISIBLE = re.compile(f"[{INVISIBLE}]")
# One that follows neither a sign that may be an emoji, nor a digit, "#" or "*" of a keycap.
_EMOJI_SELECTOR = re.compile("([^\ufe0f]?)\ufe0f+")
_JOINER = re.compile("[\u200c\u200d]")
# Scripts in which a joiner changes how a word is written: Arabic and its kin, the Indic ones, Khmer, Mongolian.
_JOINING_SCRIPTS = ((0x0600, 0x08FF), (0x0900, 0x0DFF), (0x1780, 0x18AF), (0xFB50, 0xFEFC))


def without_terminal_codes(text: str) -> str:
    """Return `text` without the sequences that a terminal obeys."""
    return _TERMINAL.sub("", text) if "\x1b" in text or "\x9b" in text else text


def without_invisible(text: str) -> str:
    """Return `text` without bidirectional and zero-width characters and lone surrogates.

    Joiners stay where they belong to the spelling: inside words of Arabic and Indic scripts and inside emoji. So does
    the selector that makes an emoji of a sign, once.
    """
    text = _INVISIBLE.sub("", text)
    text = _EMOJI_SELECTOR.sub(_keeps_selector, text) if "\ufe0f" in text else text
    return _JOINER.sub(_keeps_joiner, text) if "\u200c" in text or "\u200d" in text else text


def plain_text(text: str) -> str:
    """Return `text` as a reader sees it: without terminal codes and invisible characters, controls as spaces.

    Tabs and line breaks stay. A plain text is returned as it is.
    """
    if text.isascii() and text.isprintable():
        return text
    return without_invisible(_CONTROL.sub(" ", without_terminal_codes(text)))


def _keeps_selector(match: re.Match[str]) -> str:
    """Return what was found with one selector behind a sign that it can make an emoji of, else without any."""
    sign = match.group(1)
    if not sign:
        return ""
    may_be_emoji = sign in "0123456789#*" or (not sign.isascii() and unicodedata.category(sign)[0] in "SP")
    return sign + "\ufe0f" if may_be_emoji else sign


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
