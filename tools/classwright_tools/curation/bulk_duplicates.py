"""Exact and near-duplicates among millions of short texts: fingerprints and texts wait on the disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classwright_tools.curation.shingles import (
    BANDS,
    HASHES,
    NEAR_DUPLICATE,
    band_keys,
    digests,
    folded_each,
    minhashes,
)
from classwright_tools.curation.similarities import similarities
from classwright_tools.domain.pair import Content
from classwright_tools.workspace.atomic import storage_errors

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
FETCHED = 1 << 15  # pairs whose texts are in memory at a time
Contents = Callable[[Rows], Sequence[Content]]
"""Returns the contents of rows, whose numbers ascend."""


@dataclass(frozen=True)
class Repeat:
    """Row `row` repeats the earlier row `of`, which is kept; `similarity` is their Jaccard similarity, 1.0 if equal."""

    row: int
    of: int
    similarity: float


class _Column:
    """Entries that grow in the file `path`, so many numbers each, and are read back as one array."""

    def __init__(self, path: Path, dtype: type[np.generic], width: int = 1) -> None:
        self._path, self._dtype, self._width = path, dtype, width

    def add(self, entries: NDArray[Any]) -> None:
        with storage_errors("the rows to compare"), self._path.open("ab") as file:
            entries.astype(self._dtype).tofile(file)

    def read(self) -> NDArray[Any]:
        entries: NDArray[Any] = np.fromfile(self._path, dtype=self._dtype)
        return entries if self._width == 1 else entries.reshape(-1, self._width)


class BulkDuplicates:
    """Collects texts in the order of precedence, then says which of them repeat an earlier one.

    A text costs about 175 bytes of the disk, and while they are compared about 130 of memory. Time grows as n log n:
    texts are compared within buckets that a sort finds.
    """

    def __init__(self, folder: Path, exact: Allowed, near: Allowed) -> None:
        """Say what may be removed: by the (groups, groups) tables, [group of the earlier row, group of the later].

        What is known of the texts waits in `folder`.
        """
        self._exact, self._near = exact, near
        self._rows = 0
        self._digests, self._groups = _Column(folder / "digests", np.uint64), _Column(folder / "groups", np.uint8)
        # Of every signature, in the order of the rows; a few rows have several.
        self._keys = [_Column(folder / f"keys{band}", np.uint32) for band in range(BANDS)]
        self._sketches = _Column(folder / "sketches", np.uint8, HASHES)
        self._signed = _Column(folder / "signed", np.uint32)  # the row that it is of

    def add(self, contents: Sequence[Content], group: int) -> None:
        """Take the next `contents`, all of one `group`; those added first are kept.

        Raises:
            StorageFailed: the disk is full.
        """
        if not contents:
            return
        forms = folded_each(contents)
        self._digests.add(digests(forms))
        self._groups.add(np.full(len(contents), group))
        self._rows += len(contents)
        if not self._near.any():
            return
        signatures, places = minhashes(forms)
        for column, keys in zip(self._keys, (band_keys(signatures) >> np.uint64(32)).T, strict=True):
            column.add(keys)
        self._sketches.add(signatures.astype(np.uint8))  # the low 8 bits tell two hashes apart 255 times of 256
        self._signed.add(places + np.uint32(self._rows - len(contents)))

    def repeats(self, contents: Contents, progress: Callable[[float], None]) -> Iterator[Repeat]:
        """Yield the rows to remove; `contents` returns those of rows, `progress` gets the share done, 0 to 1."""
        if not self._rows:
            return
        groups = self._groups.read()
        alive = np.ones(self._rows, dtype=bool)
        for repeat in self._equal(groups):
            alive[repeat.row] = False
            yield repeat
        if not self._near.any():
            return
        sketches, signed = self._sketches.read(), self._signed.read()
        groups = groups[signed]
        for number in range(PASSES):
            signatures, removed = np.flatnonzero(alive[signed]), False
            verifier = _Verifier(signed, contents)
            crowded = False
            for band, keys in enumerate(self._keys):
                pairs, overfull = self._candidates(signatures, keys.read()[signatures], sketches, groups)
                verifier.verify(pairs)
                crowded = crowded or overfull
                progress((number + (band + 1) / BANDS) / PASSES)
            # In the order of the later row: the fate of every earlier row is known when it is looked at.
            for later, earlier, alike in verifier.found():
                if alive[earlier] and alive[later]:
                    alive[later], removed = False, True
                    yield Repeat(later, earlier, alike)
            if not (crowded and removed):
                return

    def _equal(self, groups: NDArray[np.uint8]) -> Iterator[Repeat]:
        """Yield the rows whose folded form an earlier row has, as far as the tables allow it."""
        digests = self._digests.read()
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
        # The place behind the key: numbers are sorted sooner than places by their keys.
        packed = keys.astype(np.uint64) << np.uint64(32) | np.arange(len(keys), dtype=np.uint64)
        packed.sort()
        keys = (packed >> np.uint64(32)).astype(np.uint32)
        equal = keys[1:] == keys[:-1]
        shared = np.concatenate(([False], equal)) | np.concatenate((equal, [False]))
        ordered, keys = signatures[packed[shared] & np.uint64(0xFFFFFFFF)], keys[shared]
        first = _run_starts(keys)
        depth = np.arange(len(ordered)) - first
        found: list[NDArray[np.uint64]] = []
        for distance in range(WINDOW + 1):
            # Distance 0 stands for the bucket's first row, where the window does not reach it.
            later = np.flatnonzero(depth >= distance if distance else depth > WINDOW)
            earlier = later - distance if distance else first[later]
            found.append(self._similar(ordered[earlier], ordered[later], sketches, groups))
        return _unpacked(np.sort(np.concatenate(found))), bool((depth > WINDOW).any())

    def _similar(
        self, earlier: Rows, later: Rows, sketches: NDArray[np.uint8], groups: NDArray[np.uint8]
    ) -> NDArray[np.uint64]:
        """Return the pairs of signatures whose rows may be removed and that are similar, as later << 32 | earlier."""
        allowed = self._near[groups[earlier], groups[later]]
        earlier, later = earlier[allowed], later[allowed]
        needed = (NEAR_DUPLICATE - ESTIMATE_MARGIN) * HASHES
        kept = np.zeros(len(later), dtype=bool)
        step = 1 << 12  # 0.4 MB of signatures at a time, which a processor's cache holds
        for at in range(0, len(later), step):
            part = slice(at, at + step)
            kept[part] = (sketches[earlier[part]] == sketches[later[part]]).sum(axis=1) >= needed
        return _packed(np.stack([earlier[kept], later[kept]], axis=1))


class _Verifier:
    """Computes true similarities, a bounded number for each signature; the similarity of two rows only once."""

    def __init__(self, signed: NDArray[np.uint32], contents: Contents) -> None:
        """Say which row each signature is of, and what returns the contents of rows."""
        self._signed = signed
        self._contents = contents
        self._compared = np.zeros(len(signed), dtype=np.uint8)
        self._matched = np.zeros(len(signed), dtype=np.uint8)
        self._known = np.empty(0, dtype=np.uint64)  # pairs of rows, packed and sorted, each with its similarity
        self._alike = np.empty(0)
        self._found = [np.empty(0, dtype=np.uint64)]

    def verify(self, pairs: Rows) -> None:
        """Verify the (m, 2) pairs (earlier, later) of signatures, in the order of the later."""
        later = pairs[:, 1]
        pairs = pairs[(self._compared[later] < VERIFIED) & (self._matched[later] < FOUND)]
        if not len(pairs):
            return
        later, rows = pairs[:, 1], _packed(self._signed[pairs])
        near = self._similarities(rows) >= NEAR_DUPLICATE
        first = _run_starts(later)
        before: Rows = np.cumsum(near) - near  # how many were found before each
        compared = self._compared[later] + np.arange(len(later)) - first
        matched = self._matched[later] + before - before[first]
        verified = (compared < VERIFIED) & (matched < FOUND)
        np.add.at(self._compared, later[verified], 1)
        np.add.at(self._matched, later[verified & near], 1)
        self._found.append(rows[verified & near])

    def found(self) -> Iterator[tuple[int, int, float]]:
        """Yield the near-duplicates (later, earlier, similarity) of rows, each once, in this order."""
        packed = np.unique(np.concatenate(self._found))
        alike = self._alike[np.searchsorted(self._known, packed)].tolist()
        for (earlier, later), similarity in zip(_unpacked(packed).tolist(), alike, strict=True):
            yield later, earlier, similarity

    def _similarities(self, packed: NDArray[np.uint64]) -> NDArray[np.float64]:
        """Return the similarities of pairs of rows; those that are not known are computed and known from now on."""
        new = np.setdiff1d(packed, self._known)
        alike = [self._alike]
        for at in range(0, len(new), FETCHED):
            rows, places = np.unique(_unpacked(new[at : at + FETCHED]), return_inverse=True)
            alike.append(similarities(folded_each(self._contents(rows)), places.reshape(-1, 2)))
        known = np.concatenate([self._known, new])
        order = np.argsort(known)
        self._known, self._alike = known[order], np.concatenate(alike)[order]
        return self._alike[np.searchsorted(self._known, packed)]


def _packed(pairs: NDArray[Any]) -> NDArray[np.uint64]:
    """Return the (m, 2) pairs (earlier, later) as numbers that are in the order of the later."""
    return pairs[:, 1].astype(np.uint64) << np.uint64(32) | pairs[:, 0].astype(np.uint64)


def _unpacked(packed: NDArray[np.uint64]) -> Rows:
    return np.stack([packed & np.uint64(0xFFFFFFFF), packed >> np.uint64(32)], axis=1).astype(np.int64)


def _run_starts(values: NDArray[Any]) -> Rows:
    """Return, for each entry of the sorted `values`, where its run of equal values begins."""
    place = np.arange(len(values))
    begins = np.concatenate(([True], values[1:] != values[:-1]))[: len(values)]
    return np.maximum.accumulate(np.where(begins, place, 0))
