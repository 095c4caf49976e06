"""Copies of what a writer is shown, real texts and the words of the task: a model may repeat parts of them."""

from __future__ import annotations

from collections.abc import Iterable

from classwright_tools.curation.shingles import folded, jaccard, ngram_set

COPIED = 0.6
"""Jaccard similarity of 3-grams. Real rows of three sets were at most 0.39 alike one shown, and texts that had been
written without a look at it at most 0.41. Of 3,225 texts of a large model for seven tasks none was more than 0.46
alike its task's instruction or the description of a label."""
BEGINNING = 300
"""Characters: a long text is shown by its beginning, and copied as far."""


class ShownTexts:
    """The texts that were shown; they are few, so that every one is compared."""

    def __init__(self) -> None:
        self._grams: dict[str, tuple[frozenset[str], ...]] = {}

    def add(self, texts: Iterable[str]) -> None:
        """Compare with `texts` from now on."""
        self._grams.update((text, _grams(text)) for text in texts if text not in self._grams)

    def nearest(self, text: str) -> float | None:
        """Return how similar `text` is to the shown text that it copies, 0 to 1; None if it copies none."""
        if not self._grams:
            return None
        own = _grams(text)
        nearest = max(max(map(jaccard, own, shown)) for shown in self._grams.values())
        return nearest if nearest >= COPIED else None


def _grams(text: str) -> tuple[frozenset[str], ...]:
    """Return the 3-grams of a text, and of its beginning."""
    return ngram_set(folded(text)), ngram_set(folded(text[:BEGINNING]))
