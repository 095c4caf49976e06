"""Bare texts, as they were typed: without links, handles and the marks of tokenisers and exports."""

from __future__ import annotations

import html
import re
import unicodedata

from classwright_tools.curation.shingles import folded
from classwright_tools.domain.pair import SEPARATOR, parts

_LINK = re.compile(
    r"\b(?:https?|ftp)://\S*|\bwww\.\S+|\b[\w-]+\.[a-z]{2,4}/\S+|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.IGNORECASE
)
_HANDLE = re.compile(r"(?<!\w)@\w+:?")
_REPOST = re.compile(r"^\W*RT\b\W*")
_HASH = re.compile(r"(?<!\w)#(?=\w)")
# Tokenisers of English part these from the word before: "do n't", "it 's", "it ' s", "over ."
_PARTED_NOT = re.compile(r"(?<=\w)\s+n\s?'\s?t\b", re.IGNORECASE)
_PARTED_END = re.compile(r"(?<=\w)\s*'\s*(s|re|ve|ll|d|m)\b(?!')", re.IGNORECASE)
_PARTED_MARK = re.compile(r"\s+(?=(?:[,;:?!]|\.(?!\d))(?:\s|$|[\"')\]]))|\s+(?=[)\]](?:\s|$))|(?<=[(\[])\s+")
_QUOTES = re.compile(r"``|''")


def bare_text(text: str) -> str:
    """Return `text` with plain apostrophes, without links, addresses, handles, hash signs and tokenisation blanks."""
    text = html.unescape(unicodedata.normalize("NFKC", text)).replace("\u2019", "'")
    for unwanted in (_LINK, _HANDLE, _REPOST):
        text = unwanted.sub(" ", text)
    text = _QUOTES.sub('"', text)
    text = _PARTED_END.sub(r"'\1", _PARTED_NOT.sub("n't", _HASH.sub("", text)))
    return " ".join(_PARTED_MARK.sub("", text).split())


def bare_form(content: str) -> str:
    """Return the form in which rows are equal that differ by links and handles alone, "" if nothing else is in them."""
    return SEPARATOR.join(folded(bare_text(part)) for part in parts(content)).strip(SEPARATOR)
