"""Exact and near-duplicates of short texts, one text at a time: the index that the gates ask.

For a million texts at once see `bulk_duplicates.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

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
    near-duplicates if the Jaccard similarity of their character n-grams is `threshold` or more. Two pairs are if their
    queries are and their items are.
    """

    def __init__(self, threshold: float = NEAR_DUPLICATE) -> None:
        """Make an empty index; `threshold` is a Jaccard similarity in (0, 1]."""
        self.threshold = threshold
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
        rows = list(rows)
        forms = [folded(content) for _, content in rows]
        begin = len(self._ids)
        self._ids += [id_ for id_, _ in rows]
        self._forms += forms
        signatures, places = minhashes(forms)
        for place, keys in zip(places.tolist(), band_keys(signatures).tolist(), strict=True):
            number = begin + place
            if self._exact.setdefault(forms[place], number) != number:
                continue  # its twin is in the bands already
            for band, key in zip(self._bands, keys, strict=True):
                band.setdefault(key, []).append(number)

    def find(self, content: Content) -> Match[Id] | None:
        """Return the indexed row that `content` resembles most, if any reaches the threshold."""
        return next(iter(self.matches(content)), None)

    def matches(self, content: Content) -> list[Match[Id]]:
        """Return the indexed rows that `content` repeats, the most similar first; of equal ones the first added."""
        form = folded(content)
        grams = grams_of(form)
        found = [(similarity(grams, grams_of(self._forms[number])), number) for number in self._candidates(form)]
        found = sorted((alike, -number) for alike, number in found if alike >= self.threshold)
        return [Match(self._ids[-number], alike) for alike, number in reversed(found)]

    def _candidates(self, form: str) -> list[int]:
        """Return the texts to compare: the one that equals `form`, and those which share most bands with it."""
        signatures, _ = minhashes([form])
        exact = self._exact.get(form)
        candidates = [] if exact is None else [exact]
        for keys in band_keys(signatures).tolist():
            shared: Counter[int] = Counter()
            for band, key in zip(self._bands, keys, strict=True):
                shared.update(band.get(key, ())[-BUCKET_READ:])
            candidates += [number for number, _ in shared.most_common(COMPARED)]
        return list(dict.fromkeys(candidates))
