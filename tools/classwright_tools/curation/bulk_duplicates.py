"""Exact and near-duplicates among a million short texts: fingerprints in memory, texts on the disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from classwright_tools.curation.shingles import (
    BANDS,
    HASHES,
    NEAR_DUPLICATE,
    band_keys,
    digest,
    folded,
    grams_of,
    minhashes,
    similarity,
)
from classwright_tools.domain.pair import Content

N = TypeVar("N", bound=np.generic)
Rows = NDArray[np.int64]
Allowed = NDArray[np.bool_]
# Each row is compared with so many rows before it in a bucket, and with the bucket's first: what a bucket of a
# thousand texts of one template costs grows with its size, not with its square.
WINDOW = 8
# A pair goes on to the true similarity if its signatures estimate at least this much: four standard deviations
# (0.036 each, for 96 hashes at 0.85) below the threshold.
ESTIMATE_MARGIN = 0.15
# A signature is verified against so many others in a pass, and no longer once so many of them are near-duplicates. Only
# large families of one template come so far; without the bound they would take hours.
VERIFIED, FOUND = 24, 4
# Removing rows brings others next to each other in the large buckets, so there is a second look, and a third.
PASSES = 3


@dataclass(frozen=True)
class Repeat:
    """Row `row` repeats the earlier row `of`, which is kept; `similarity` is their Jaccard similarity, 1.0 if equal."""

    row: int
    of: int
    similarity: float


class BulkDuplicates:
    """Collects texts in the order of precedence, then says which of them repeat an earlier one.

    A text costs about 175 bytes of memory. Time grows as n log n: texts are compared within buckets that a sort finds.
    """

    def __init__(self, exact: Allowed, near: Allowed) -> None:
        """Say what may be removed: by the (groups, groups) tables, [group of the earlier row, group of the later]."""
        self._exact, self._near = exact, near
        self._rows = 0
        self._digests: list[NDArray[np.uint64]] = []
        self._groups: list[NDArray[np.uint8]] = []
        # Of every signature, in the order of the rows; a few rows have several.
        self._keys: list[NDArray[np.uint32]] = []
        self._sketches: list[NDArray[np.uint8]] = []
        self._signed: list[NDArray[np.uint32]] = []  # the row that it is of

    def add(self, contents: Sequence[Content], group: int) -> None:
        """Take the next `contents`, all of one `group`; those added first are kept."""
        if not contents:
            return
        forms = [folded(content) for content in contents]
        signatures, places = minhashes(forms)
        self._digests.append(np.array([digest(form) for form in forms], dtype=np.uint64))
        self._keys.append((band_keys(signatures) >> np.uint64(32)).astype(np.uint32))
        self._sketches.append(signatures.astype(np.uint8))  # the low 8 bits tell two hashes apart 255 times of 256
        self._signed.append(places + np.uint32(self._rows))
        self._groups.append(np.full(len(contents), group, dtype=np.uint8))
        self._rows += len(contents)

    def repeats(self, content: Callable[[int], Content], progress: Callable[[float], None]) -> Iterator[Repeat]:
        """Yield the rows to remove; `content` returns the content of a row, `progress` gets the share done, 0 to 1."""
        if not self._digests:
            return
        digests, groups = _joined(self._digests), _joined(self._groups)
        alive = np.ones(len(digests), dtype=bool)
        for repeat in self._equal(digests, groups):
            alive[repeat.row] = False
            yield repeat
        keys, sketches, signed = _joined(self._keys), _joined(self._sketches), _joined(self._signed)
        groups = groups[signed]
        for number in range(PASSES):
            signatures, removed = np.flatnonzero(alive[signed]), False
            verifier = _Verifier(signed, content)
            crowded = False
            for band in range(BANDS):
                pairs, overfull = self._candidates(signatures, keys[signatures, band], sketches, groups)
                verifier.verify(pairs)
                crowded = crowded or overfull
                progress((number + (band + 1) / BANDS) / PASSES)
            # In the order of the later row: the fate of every earlier row is known when it is looked at.
            for later, earlier, alike in sorted(verifier.found):
                if alive[earlier] and alive[later]:
                    alive[later], removed = False, True
                    yield Repeat(later, earlier, alike)
            if not (crowded and removed):
                return

    def _equal(self, digests: NDArray[np.uint64], groups: NDArray[np.uint8]) -> Iterator[Repeat]:
        """Yield the rows whose folded form an earlier row has, as far as the tables allow it."""
        order = np.argsort(digests, kind="stable")
        first = _run_starts(digests[order])
        leaders, rows = order[first], order
        repeated = leaders != rows
        leaders, rows = leaders[repeated], rows[repeated]
        allowed = self._exact[groups[leaders], groups[rows]]
        for leader, row in zip(leaders[allowed].tolist(), rows[allowed].tolist(), strict=True):
            yield Repeat(row, leader, 1.0)

    def _candidates(
        self, signatures: Rows, keys: NDArray[np.uint32], sketches: NDArray[np.uint8], groups: NDArray[np.uint8]
    ) -> tuple[Rows, bool]:
        """Return the (m, 2) pairs (earlier, later) of `signatures` to verify, whose `keys` in one band are equal.

        They come in the order of the later one. The second value says whether a bucket was too large to compare all.
        """
        order = np.argsort(keys, kind="stable")
        ordered = signatures[order]
        first = _run_starts(keys[order])
        depth = np.arange(len(ordered)) - first
        found: list[NDArray[np.uint64]] = []
        for distance in range(WINDOW + 1):
            # Distance 0 stands for the bucket's first row, where the window does not reach it.
            later = np.flatnonzero(depth >= distance if distance else depth > WINDOW)
            earlier = later - distance if distance else first[later]
            found.append(self._similar(ordered[earlier], ordered[later], sketches, groups))
        packed = np.sort(np.concatenate(found))
        pairs = np.stack([packed & np.uint64(0xFFFFFFFF), packed >> np.uint64(32)], axis=1).astype(np.int64)
        return pairs, bool((depth > WINDOW).any())

    def _similar(
        self, earlier: Rows, later: Rows, sketches: NDArray[np.uint8], groups: NDArray[np.uint8]
    ) -> NDArray[np.uint64]:
        """Return the pairs of signatures whose rows may be removed and that are similar, as later << 32 | earlier."""
        allowed = self._near[groups[earlier], groups[later]]
        earlier, later = earlier[allowed], later[allowed]
        needed = (NEAR_DUPLICATE - ESTIMATE_MARGIN) * HASHES
        kept = np.zeros(len(later), dtype=bool)
        step = 1 << 18  # 25 MB of signatures at a time
        for at in range(0, len(later), step):
            part = slice(at, at + step)
            kept[part] = (sketches[earlier[part]] == sketches[later[part]]).sum(axis=1) >= needed
        return later[kept].astype(np.uint64) << np.uint64(32) | earlier[kept].astype(np.uint64)


class _Verifier:
    """Computes true similarities, a bounded number for each signature; `found` are (later, earlier, similarity)."""

    def __init__(self, signed: NDArray[np.uint32], content: Callable[[int], Content]) -> None:
        """Say which row each signature is of, and what returns the content of a row."""
        self.found: set[tuple[int, int, float]] = set()
        self._signed = signed
        self._compared = np.zeros(len(signed), dtype=np.uint8)
        self._matched = np.zeros(len(signed), dtype=np.uint8)
        self._grams = lru_cache(maxsize=1_000)(lambda row: grams_of(folded(content(row))))

    def verify(self, pairs: Rows) -> None:
        """Verify the (m, 2) pairs (earlier, later) of signatures; fastest if they come in the order of the later."""
        rows = self._signed[pairs]
        for (_, signature), (earlier, later) in zip(pairs.tolist(), rows.tolist(), strict=True):
            if self._compared[signature] >= VERIFIED or self._matched[signature] >= FOUND:
                continue
            self._compared[signature] += 1
            alike = similarity(self._grams(earlier), self._grams(later))
            if alike >= NEAR_DUPLICATE:
                self._matched[signature] += 1
                self.found.add((later, earlier, alike))


def _run_starts(values: NDArray[np.uint32] | NDArray[np.uint64]) -> Rows:
    """Return, for each entry of the sorted `values`, where its run of equal values begins."""
    place = np.arange(len(values))
    begins = np.concatenate(([True], values[1:] != values[:-1]))
    return np.maximum.accumulate(np.where(begins, place, 0))


def _joined(parts: list[NDArray[N]]) -> NDArray[N]:
    """Return `parts` as one array, and drop them: both at once would be twice the memory."""
    whole: NDArray[N] = np.concatenate(parts)
    parts[:] = [whole]
    return whole
