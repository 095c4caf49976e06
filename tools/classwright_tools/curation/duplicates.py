"""Exact and near-duplicates of short texts, one text at a time: the index that the gates ask.

For a million texts at once see `bulk_duplicates.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

import numpy as np

from classwright_tools.curation.shingles import (
    BANDS,
    NEAR_DUPLICATE,
    band_keys,
    folded,
    grams_of,
    minhashes,
    similarity,
)
from classwright_tools.domain.pair import Content

Id = TypeVar("Id", bound=Hashable)
AnyId = TypeVar("AnyId", bound=Hashable)
Keys = list[list[int]]
SIGNED_AT_ONCE = 4_096  # texts: 14 MB of keys
# Texts of one template can fill a bucket. The newest so many of each are looked at, and of these the texts that share
# most bands are compared, so that the time for one text stays bounded. A pair at Jaccard 0.85 shares 6 bands of 16.
BUCKET_READ = 256
COMPARED = 24


@dataclass(frozen=True)
class Match(Generic[Id]):
    """An indexed text that another one repeats: its id, and their Jaccard similarity (1.0 when equal once folded)."""

    id: Id
    similarity: float


class NearDuplicates(Generic[Id]):
    """An index of texts by id that finds the one which a new text repeats, exactly or nearly.

    Two texts are exact duplicates if they are equal but for case, punctuation, spaces and Unicode form, and
    near-duplicates if the Jaccard similarity of their character n-grams is `NEAR_DUPLICATE` or more. Two pairs are if
    their queries are and their items are.
    """

    def __init__(self) -> None:
        """Make an empty index."""
        self._ids: list[Id] = []
        self._forms: list[str] = []
        self._exact: dict[str, int] = {}
        self._bands: tuple[dict[int, list[int]], ...] = tuple({} for _ in range(BANDS))

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, id_: Id, content: Content) -> None:
        """Index `content` under `id_`."""
        self.add_all([(id_, content)])

    def add_all(self, rows: Iterable[tuple[Id, Content]]) -> None:
        """Index every (id, content): much faster than one by one."""
        for id_, form, keys in _signed(rows):
            self._index(id_, form, keys)

    def add_each(self, rows: Iterable[tuple[Id, Content]]) -> Iterator[list[Match[Id]]]:
        """Index every (id, content), and yield of each what `matches` returns before it is indexed: much faster."""
        for id_, form, keys in _signed(rows):
            yield self._matches(form, keys)
            self._index(id_, form, keys)

    def _index(self, id_: Id, form: str, keys: Keys) -> None:
        number = len(self._ids)
        self._ids.append(id_)
        self._forms.append(form)
        if self._exact.setdefault(form, number) != number:
            return  # its twin is in the bands already
        for own in keys:
            for band, key in zip(self._bands, own, strict=True):
                band.setdefault(key, []).append(number)

    def find_each(self, contents: Iterable[Content]) -> Iterator[Match[Id] | None]:
        """Yield of each of `contents` the indexed row that it resembles most, None where none reaches the threshold."""
        for _, form, keys in _signed((None, content) for content in contents):
            yield next(iter(self._matches(form, keys)), None)

    def matches(self, content: Content) -> list[Match[Id]]:
        """Return the indexed rows that `content` repeats, the most similar first; of equal ones the first added."""
        ((_, form, keys),) = _signed([(None, content)])
        return self._matches(form, keys)

    def _matches(self, form: str, keys: Keys) -> list[Match[Id]]:
        candidates = self._candidates(form, keys)
        if not candidates:
            return []
        grams = grams_of(form)
        found = [(similarity(grams, grams_of(self._forms[number])), number) for number in candidates]
        found = sorted((alike, -number) for alike, number in found if alike >= NEAR_DUPLICATE)
        return [Match(self._ids[-number], alike) for alike, number in reversed(found)]

    def _candidates(self, form: str, keys: Keys) -> list[int]:
        """Return the texts to compare: the one that equals `form`, and those which share most bands with it."""
        exact = self._exact.get(form)
        candidates = [] if exact is None else [exact]
        for own in keys:
            shared: Counter[int] = Counter()
            for band, key in zip(self._bands, own, strict=True):
                if key in band:
                    shared.update(band[key][-BUCKET_READ:])
            candidates += [number for number, _ in shared.most_common(COMPARED)]
        return list(dict.fromkeys(candidates))


def _signed(rows: Iterable[tuple[AnyId, Content]]) -> Iterator[tuple[AnyId, str, Keys]]:
    """Yield of each (id, content) the id, the folded form, and the keys of its bands, a list a signature."""
    left = iter(rows)
    while batch := list(islice(left, SIGNED_AT_ONCE)):
        forms = [folded(content) for _, content in batch]
        signatures, places = minhashes(forms)
        keys = band_keys(signatures).tolist()
        begins = np.searchsorted(places, np.arange(len(batch) + 1)).tolist()
        for (id_, _), form, begin, end in zip(batch, forms, begins, begins[1:], strict=False):
            yield id_, form, keys[begin:end]
