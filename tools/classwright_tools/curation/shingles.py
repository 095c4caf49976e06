"""What two texts are compared by: a folded form, its character 3-grams, and MinHash bands of them.

MinHash is Broder (1997), "On the resemblance and containment of documents"; banding is Leskovec, Rajaraman and
Ullman, "Mining of Massive Datasets", section 3.4. Texts are handled in batches, by numpy: a Unicode code point has
21 bits, so a 3-gram is a 64-bit number without loss, and true Jaccard similarities are exact.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from classwright_tools.domain.pair import SEPARATOR, parts

# Chosen on labelled sets; see docs/decisions/near-duplicates.md.
NEAR_DUPLICATE = 0.85
# 16 bands of 6 rows find a pair at Jaccard 0.85 with a probability of 0.9995, one at 0.5 with 0.22.
BANDS = 16
ROWS = 6
HASHES = BANDS * ROWS
# Texts are handled so many characters at a time: the temporary arrays fit a processor's cache.
BATCH_CHARS = 8_000

_EMOTICON = re.compile(r"(?<!\w)([:;=][-'^]?[()\[\]dp/\\|o3*]+|<3)(?!\w)")
_APOSTROPHE = re.compile("['\u2019\u2018`\u00b4]")
# Signs that carry meaning in short texts: C#, 50%, R&D, me@home.
_KEPT_SIGNS = set("#%&@")
_generator = np.random.default_rng(20_230_917)  # any fixed seed: the hash functions must be the same in every process
_MULTIPLIERS = _generator.integers(1, 2**32, size=(HASHES, 1), dtype=np.uint32) | np.uint32(1)
_OFFSETS = _generator.integers(0, 2**32, size=(HASHES, 1), dtype=np.uint32)
_BAND_MULTIPLIERS = _generator.integers(1, 2**63, size=ROWS, dtype=np.uint64) | np.uint64(1)


def folded(text: str) -> str:
    """Return the form in which exact duplicates are equal: NFKC, case folded, no punctuation, single spaces.

    Emoticons, "#", "%", "&" and "@" stay, for they change what a short text says; so does a text of punctuation alone.
    The texts of a pair are folded each for itself.
    """
    return SEPARATOR.join(_folded(part) for part in parts(text))


def _folded(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    kept = " ".join(_without_punctuation(part) for part in _EMOTICON.split(text))
    return " ".join(kept.split()) or " ".join(text.split())


def _without_punctuation(text: str) -> str:
    if _EMOTICON.fullmatch(text):
        return text
    text = _APOSTROPHE.sub("", text)
    if text.isascii():
        return text.translate(_ASCII_PUNCTUATION)
    return "".join(" " if unicodedata.category(c)[0] == "P" and c not in _KEPT_SIGNS else c for c in text)


_ASCII_PUNCTUATION = {
    code: " " for code in range(128) if unicodedata.category(chr(code))[0] == "P" and chr(code) not in _KEPT_SIGNS
}


def digest(form: str) -> int:
    """Return 64 bits that stand for a folded form: two forms share them with a probability of 5e-20."""
    return int.from_bytes(hashlib.blake2b(form.encode(), digest_size=8).digest(), "little")


def ngrams(forms: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the 3-grams of the folded `forms`, one array for all, and where each form's begin.

    The second array has one entry more than `forms`: form i has the 3-grams from entry i up to entry i + 1. A space
    is put before and after each form, so that even a form of one character has a 3-gram. Repeats are kept.
    """
    padded = [f" {form} " if form else "   " for form in forms]
    codes = np.frombuffer("".join(padded).encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    ends = np.cumsum([len(form) for form in padded])
    grams = codes[:-2] | codes[1:-1] << np.uint64(21) | codes[2:] << np.uint64(42)
    inside = np.ones(len(codes), dtype=bool)
    inside[ends - 1] = inside[ends - 2] = False
    starts = np.concatenate(([0], ends - 2 * np.arange(1, len(ends) + 1)))
    return grams[inside[:-2]], starts


def minhashes(forms: Sequence[str]) -> NDArray[np.uint32]:
    """Return the (n, HASHES) MinHash signatures of the folded `forms`.

    The share of equal entries in two rows estimates the Jaccard similarity, with a standard deviation of at most 0.05.
    """
    parts = [_minhashes(forms[begin:end]) for begin, end in _batches(forms)]
    return np.concatenate(parts) if parts else np.empty((0, HASHES), dtype=np.uint32)


def band_keys(signatures: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Return the (n, BANDS) keys of MinHash signatures; near-duplicates very likely share one in the same column."""
    rows = signatures.reshape(-1, BANDS, ROWS).astype(np.uint64) + np.uint64(1)
    return np.asarray((rows * _BAND_MULTIPLIERS).sum(axis=2))


def _minhashes(forms: Sequence[str]) -> NDArray[np.uint32]:
    grams, starts = ngrams(forms)
    hashes = _mixed(grams) * _MULTIPLIERS + _OFFSETS
    return np.asarray(np.minimum.reduceat(hashes, starts[:-1], axis=1).T)


def gram_sets(form: str) -> tuple[frozenset[str], ...]:
    """Return the distinct character 3-grams of a folded form; of a pair's form those of the query and of the item."""
    return tuple(map(ngram_set, parts(form)))


def similarity(one: tuple[frozenset[str], ...], other: tuple[frozenset[str], ...]) -> float:
    """Return the Jaccard similarity, 0 to 1, of two texts by their `gram_sets`; of two pairs the smaller of the two.

    Pairs repeat each other only if the queries do and the items do: one long item with two queries is two pairs.
    """
    return min(map(jaccard, one, other))


def ngram_set(form: str) -> frozenset[str]:
    """Return the distinct character 3-grams of a folded form, with a space before and after it."""
    padded = f" {form} " if form else "   "
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the Jaccard similarity of two sets, 0 to 1."""
    common = len(one & other)
    return common / (len(one) + len(other) - common)


def _batches(forms: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the (begin, end) of runs of forms that hold about `BATCH_CHARS` characters each."""
    begin = chars = 0
    for end, form in enumerate(forms, start=1):
        chars += len(form) + 2
        if chars >= BATCH_CHARS or end == len(forms):
            yield begin, end
            begin, chars = end, 0


def _mixed(grams: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Return 32 well mixed bits of every 3-gram (the finaliser of splitmix64, Steele, Lea and Flood 2014)."""
    mixed = (grams ^ (grams >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (mixed ^ (mixed >> np.uint64(31))).astype(np.uint32)
