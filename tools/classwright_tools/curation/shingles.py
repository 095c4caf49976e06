"""Shingles for comparing two texts: a folded form, its character n-grams, and MinHash bands of them.

Character 3-grams are what prose is compared by; a text that holds nearly all that there are of them, such as a strand
of DNA or a list of numbers, is compared by longer ones: see `gram_length`.

MinHash is Broder (1997), "On the resemblance and containment of documents"; banding is Leskovec, Rajaraman and
Ullman, "Mining of Massive Datasets", section 3.4. Texts are handled in batches, by numpy: a Unicode code point has
21 bits, so a 3-gram is a 64-bit number without loss, and true Jaccard similarities are exact.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from classwright_tools.domain.pair import SEPARATOR, parts

# Chosen on labelled sets; see docs/decisions/near-duplicates.md.
NEAR_DUPLICATE = 0.85
# Each is twice the one before it: 6-grams are hashed as pairs of 3-grams, and so on.
LENGTHS = (3, 6, 12, 24)
# n-grams tell texts apart while most of those that could occur do not. Where n-grams are equally likely, two unrelated
# texts come to a Jaccard similarity of 0.8 when 0.4 of a text's n-grams are different ones and 0.3 of these occur once.
# Prose has fewer different ones in a long text, but many that occur once; a text that repeats itself the reverse.
LEAST_DIFFERENT, LEAST_SINGLE = 0.4, 0.3
DOUBT = 1.2  # two standard deviations of an estimate by HASHES minima
# Nor are texts compared by n-grams of which they have hardly any.
GRAMS_OF_A_LENGTH = 8
# How far a near copy of a text can be from it in these, about: in the shares absolutely, in length as a part of it.
SLACK_DIFFERENT, SLACK_SINGLE, SLACK_LENGTH = 0.06, 0.1, 0.15
# 16 bands of 6 rows find a pair at Jaccard 0.85 with a probability of 0.9995, one at 0.5 with 0.22.
BANDS = 16
ROWS = 6
HASHES = BANDS * ROWS
# Texts are handled so many characters at a time: the temporary arrays fit a processor's cache.
BATCH_CHARS = 8_000

_EMOTICON = re.compile(r"(?<!\w)([:;=][-'^]?[()\[\]dp/\\|o3*]+|<3)(?!\w)")
_MAY_HOLD_EMOTICON = re.compile("[:;=<]")  # most texts do not, and splitting takes long
_APOSTROPHE = re.compile("['\u2019\u2018`\u00b4]")
# Signs that carry meaning in short texts: C#, 50%, R&D, me@home.
_KEPT_SIGNS = set("#%&@")
_generator = np.random.default_rng(20_230_917)  # any fixed seed: the hash functions must be the same in every process
_MULTIPLIERS = _generator.integers(1, 2**32, size=(HASHES, 1), dtype=np.uint32) | np.uint32(1)
_OFFSETS = _generator.integers(0, 2**32, size=(HASHES, 1), dtype=np.uint32)
_SECOND_HALF = np.uint64(0x9E3779B97F4A7C15)  # any odd number
_BAND_MULTIPLIERS = _generator.integers(1, 2**63, size=ROWS, dtype=np.uint64) | np.uint64(1)


def folded(text: str) -> str:
    """Return the form in which exact duplicates are equal: NFKC, case folded, no punctuation, single spaces.

    Emoticons, "#", "%", "&" and "@" stay, for they change what a short text says; so does a text of punctuation alone.
    The texts of a pair are folded each for itself.
    """
    return SEPARATOR.join(_folded(part) for part in parts(text))


def folded_each(texts: Sequence[str]) -> list[str]:
    """Return of each of `texts` what `folded` does: the plain ones, most of prose, are folded as one string."""
    plain = [text.isascii() and text.isprintable() and not _MAY_HOLD_EMOTICON.search(text) for text in texts]
    lines = "\n".join(text for text, is_plain in zip(texts, plain, strict=True) if is_plain)
    lines = lines.encode().lower().translate(_FOLDED_BYTES, _DROPPED_BYTES).decode()
    while "  " in lines:
        lines = lines.replace("  ", " ")
    forms = iter(lines.split("\n"))
    return [
        (next(forms).strip(" ") or folded(text)) if is_plain else folded(text)
        for text, is_plain in zip(texts, plain, strict=True)
    ]


def _folded(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    pieces = _EMOTICON.split(text) if _MAY_HOLD_EMOTICON.search(text) else [text]
    kept = " ".join(map(_without_punctuation, pieces))
    return " ".join(kept.split()) or " ".join(text.split())


def _without_punctuation(text: str) -> str:
    if _EMOTICON.fullmatch(text):
        return text
    if text.isascii():
        return text.translate(_ASCII_PUNCTUATION)
    text = _APOSTROPHE.sub("", text)
    return "".join(" " if unicodedata.category(c)[0] == "P" and c not in _KEPT_SIGNS else c for c in text)


_ASCII_PUNCTUATION = {
    code: " " for code in range(128) if unicodedata.category(chr(code))[0] == "P" and chr(code) not in _KEPT_SIGNS
} | {ord(sign): "" for sign in "'`"}
# The same, for the bytes of ASCII.
_DROPPED_BYTES = bytes(code for code, sign in _ASCII_PUNCTUATION.items() if not sign)
_FOLDED_BYTES = bytes(ord(" ") if _ASCII_PUNCTUATION.get(code) else code for code in range(256))


def digest(form: str) -> int:
    """Return 64 bits that stand for a folded form: two forms share them with a probability of 5e-20."""
    return int(digests([form])[0])


def digests(forms: Iterable[str]) -> NDArray[np.uint64]:
    """Return what `digest` does of each of `forms`."""
    return np.frombuffer(b"".join(hashlib.blake2b(form.encode(), digest_size=8).digest() for form in forms), "<u8")


def gram_length(form: str) -> int:
    """Return the n of the character n-grams by which a folded form is compared: one of `LENGTHS`.

    It is the least by which unrelated texts of its kind differ: 3 for nearly all texts. It is 3, too, for a text that
    no n suits: a short one, or one that says the same again and again.
    """
    padded = f" {form} "
    return next((n for n in LENGTHS if _suits(padded, n)), LENGTHS[0])


def signed_lengths(form: str) -> list[int]:
    """Return each n by whose n-grams a folded form is signed: its `gram_length`, and those of its near copies.

    A text whose `gram_length` a changed character could make a longer one is signed by that, too: two texts are
    compared by the longer of theirs, and have to meet in a band of it.
    """
    padded, own = f" {form} ", gram_length(form)
    longest = next((n for n in LENGTHS if _suits(padded, n, slack=-1)), LENGTHS[-1])
    return [n for n in LENGTHS if n == own or (own < n <= longest and _suits(padded, n, slack=1))]


def _suits(padded: str, n: int, slack: int = 0) -> bool:
    """Whether `padded` is long enough for n-grams, and not saturated with them.

    With a `slack` of 1 that has to be so of a near copy of it only, with one of -1 of all near copies.
    """
    long_enough = len(padded) >= GRAMS_OF_A_LENGTH * n * (1 - SLACK_LENGTH * slack)
    return long_enough and not _saturated(padded, n, -slack)


def _saturated(padded: str, n: int, slack: int) -> bool:
    """Whether most n-grams that could occur in a text of this kind are in `padded`, most of them more than once."""
    total = len(padded) - n + 1
    if len({padded[at : at + n] for at in range(total)}) >= (LEAST_DIFFERENT + SLACK_DIFFERENT * slack) * total:
        return False
    counts = Counter(padded[at : at + n] for at in range(total))
    return list(counts.values()).count(1) < (LEAST_SINGLE + SLACK_SINGLE * slack) * len(counts)


def ngrams(forms: Sequence[str], n: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the `n`-grams of the folded `forms`, one array for all, and where each form's begin.

    The second array has one entry more than `forms`: form i has the n-grams from entry i up to entry i + 1. A space
    is put before and after each form, so that even a form of one character has a 3-gram; for longer n-grams no form
    may be shorter than n. Repeats are kept. 3-grams are numbers without loss, longer ones are 64 well mixed bits.
    """
    padded = [f" {form} " if form else "   " for form in forms]
    codes = np.frombuffer("".join(padded).encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    ends = np.cumsum([len(form) for form in padded])
    grams = codes[:-2] | codes[1:-1] << np.uint64(21) | codes[2:] << np.uint64(42)
    for half in LENGTHS[: LENGTHS.index(n)]:
        grams = _mixed(grams[:-half]) * _SECOND_HALF + _mixed(grams[half:])
    inside = np.ones(len(codes), dtype=bool)
    for behind in range(1, n):
        inside[ends - behind] = False
    starts = np.concatenate(([0], ends - (n - 1) * np.arange(1, len(ends) + 1)))
    return grams[inside[: len(grams)]], starts


def minhashes(forms: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return the (m, HASHES) MinHash signatures of the folded `forms`, and the number of the form that each is of.

    They are in the order of the forms. Nearly every form has one, a few have several: see `signed_lengths`. The share
    of equal entries in two estimates the Jaccard similarity, with a standard deviation of at most 0.05.
    """
    signatures, numbers = [np.empty((0, HASHES), dtype=np.uint32)], [np.empty(0, dtype=np.uint32)]
    for begin, end in _batches(forms):
        of_batch, places = _minhashes(forms[begin:end])
        signatures.append(of_batch)
        numbers.append((places + begin).astype(np.uint32))
    return np.concatenate(signatures), np.concatenate(numbers)


def band_keys(signatures: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Return the (n, BANDS) keys of MinHash signatures; near-duplicates very likely share one in the same column."""
    rows = signatures.reshape(-1, BANDS, ROWS).astype(np.uint64) + np.uint64(1)
    return np.asarray((rows * _BAND_MULTIPLIERS).sum(axis=2))


def _minhashes(forms: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return what `minhashes` does, of one batch."""
    hashes, starts = _hashed(forms)
    found = _minima(hashes, starts)
    further: list[NDArray[np.uint32]] = []
    places = list(range(len(forms)))
    # A minimum of hashes is one over the number of different ones, on average: which texts have few needs no counting.
    different = HASHES / (found / 2.0**32).sum(axis=1).clip(min=1e-9)
    few = DOUBT * (LEAST_DIFFERENT + SLACK_DIFFERENT) * np.diff(starts)
    for place in np.flatnonzero(different < few).tolist():
        if _few(hashes[starts[place] : starts[place + 1]]):
            first, *longer = signed_lengths(forms[place])
            if first != LENGTHS[0]:
                found[place] = _minima(*_hashed([forms[place]], first))[0]
            further += [_minima(*_hashed([forms[place]], n)) for n in longer]
            places += [place] * len(longer)
    if not further:
        return found, np.arange(len(forms))
    order = np.argsort(places, kind="stable")
    return np.concatenate([found, *further])[order], np.array(places)[order]


def _few(hashes: NDArray[np.uint32]) -> bool:
    """Whether the 3-grams of a text are as few, and as few of them single, as those of a nearly saturated one."""
    ordered = np.sort(hashes)
    begins = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1], [True])))
    single = int((np.diff(begins) == 1).sum())
    different = len(begins) - 1
    few = different < (LEAST_DIFFERENT + SLACK_DIFFERENT) * len(hashes)
    return few and single < (LEAST_SINGLE + SLACK_SINGLE) * different


def _hashed(forms: Sequence[str], n: int = LENGTHS[0]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return 32 bits of every n-gram, and where each form's begin."""
    grams, starts = ngrams(forms, n)
    return _mixed(grams).astype(np.uint32), starts


def _minima(hashes: NDArray[np.uint32], starts: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return the (n, HASHES) least values, by as many hash functions, of the n-grams of n forms."""
    hashed = hashes * _MULTIPLIERS
    hashed += _OFFSETS  # not in one expression: a second array takes as long as the sums
    return np.asarray(np.minimum.reduceat(hashed, starts[:-1], axis=1).T)


class Grams:
    """A folded form, the n of the n-grams that suit it (see `gram_length`), and its distinct ones of that length."""

    def __init__(self, form: str) -> None:
        self.form = form
        self.own = ngram_set(form)
        few = len(self.own) < LEAST_DIFFERENT * len(form)  # else the length needs no looking for
        self.length = gram_length(form) if few else LENGTHS[0]
        if self.length != LENGTHS[0]:
            self.own = ngram_set(form, self.length)


def grams_of(form: str) -> tuple[Grams, ...]:
    """Return what a folded form is compared by; of a pair's form that of the query and of the item."""
    return tuple(map(Grams, parts(form)))


def similarity(one: tuple[Grams, ...], other: tuple[Grams, ...]) -> float:
    """Return the Jaccard similarity, 0 to 1, of two texts; of two pairs the smaller of the two.

    Pairs repeat each other only if the queries do and the items do: one long item with two queries is two pairs.
    """
    return min(map(_alike, one, other))


def _alike(one: Grams, other: Grams) -> float:
    """Return the similarity of two forms by the longer of the n-grams that suit them."""
    if one.length == other.length:
        return jaccard(one.own, other.own)
    n = max(one.length, other.length)
    return jaccard(ngram_set(one.form, n), ngram_set(other.form, n))


def ngram_set(form: str, n: int = LENGTHS[0]) -> frozenset[str]:
    """Return the distinct character n-grams of a folded form, with a space before and after it."""
    padded = f" {form} " if form else "   "
    return frozenset(padded[at : at + n] for at in range(max(1, len(padded) - n + 1)))


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


def _mixed(grams: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return 64 well mixed bits of every n-gram (the finaliser of splitmix64, Steele, Lea and Flood 2014)."""
    mixed = (grams ^ (grams >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
