"""True similarities of many pairs of folded forms at once, by one sort: what `shingles.similarity` returns of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from classwright_tools.curation.shingles import LEAST_DIFFERENT, Grams, similarity
from classwright_tools.domain.pair import parts

# Pairs are compared so many characters at a time, and at most so many pairs. A chunk then has fewer than 2 ** 17
# different characters, so a pair's number, a 3-gram and the side that it is of fit into 64 bits.
CHUNK_CHARS, CHUNK_PAIRS = 16_000, 2_048


def similarities(forms: Sequence[str], pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the (m,) Jaccard similarities, 0 to 1, of the (m, 2) `pairs` of places in the folded `forms`.

    All forms are of single texts, or all of pairs of texts.
    """
    alike = np.ones(len(pairs))
    for texts in zip(*map(parts, forms), strict=False):
        for begin, end in _chunks(texts, pairs):
            chunk = slice(begin, end)
            alike[chunk] = np.minimum(alike[chunk], _of_texts(texts, pairs[chunk]))
    return alike


def _chunks(texts: Sequence[str], pairs: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield the (begin, end) of runs of `pairs` that are compared at a time."""
    ends = np.cumsum(np.array([len(text) + 3 for text in texts])[pairs].sum(axis=1))
    begin = 0
    while begin < len(pairs):
        before = ends[begin - 1] if begin else 0
        fitting = int(np.searchsorted(ends, before + CHUNK_CHARS, side="right"))
        end = min(max(fitting, begin + 1), begin + CHUNK_PAIRS)
        yield begin, end
        begin = end


def _of_texts(texts: Sequence[str], pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the similarities of the (m, 2) `pairs` of places in `texts`, which are no pairs of texts."""
    sides = [texts[place] for place in pairs.ravel().tolist()]
    padded = [f" {text} " if text else "   " for text in sides]  # as `ngrams` does
    lengths = np.array([len(text) for text in padded])
    codes = np.frombuffer("".join(padded).encode("utf-32-le"), dtype=np.uint32)
    there = np.zeros(int(codes.max()) + 1, dtype=bool)
    there[codes] = True
    numbers = (np.cumsum(there, dtype=np.uint64) - np.uint64(1))[codes]  # of the characters that occur
    bits = np.uint64(int(there.sum()).bit_length())
    side = np.repeat(np.arange(len(sides), dtype=np.uint64), lengths)
    grams = (numbers[:-2] << bits | numbers[1:-1]) << bits | numbers[2:]
    pair = (side >> np.uint64(1)) << np.uint64(3) * bits
    keys = ((pair[:-2] | grams) << np.uint64(1) | side[:-2] & np.uint64(1))[side[:-2] == side[2:]]
    keys.sort()
    keys = keys[np.concatenate(([True], keys[1:] != keys[:-1]))]
    of_pair = (keys >> np.uint64(3) * bits + np.uint64(1)).astype(np.int64)
    different = np.bincount(2 * of_pair + (keys & np.uint64(1)).astype(np.int64), minlength=len(sides))
    shared = keys[1:] >> np.uint64(1) == keys[:-1] >> np.uint64(1)
    common = np.bincount(of_pair[1:][shared], minlength=len(pairs))
    alike: NDArray[np.float64] = common / (different.reshape(-1, 2).sum(axis=1) - common)
    # Texts with few different 3-grams may be compared by longer ones.
    few = different < LEAST_DIFFERENT * np.array([len(text) for text in sides])
    for place in np.flatnonzero(few.reshape(-1, 2).any(axis=1)).tolist():
        earlier, later = sides[2 * place : 2 * place + 2]
        alike[place] = similarity((Grams(earlier),), (Grams(later),))
    return alike
