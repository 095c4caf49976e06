"""Guidance for a writer, in sentences: what errors and rightly answered texts say about two labels."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property

import numpy as np

from classwright_tools.curation.text_checks import LEAST_ALIKE, is_unspaced
from classwright_tools.measurement.held_out import Answers
from classwright_tools.measurement.naming import telling_words
from classwright_tools.measurement.style import Forms, form_clauses, forms_of, number_of_words

LEAST_TEXTS = 4  # whose lengths say anything
_RANGE = (10, 90)  # percentiles


class Guidance:
    """Sentences on the rows of `found`, of which those with an id in `doubted` are left out."""

    def __init__(self, found: Answers, doubted: Collection[str], languages: tuple[str, ...]) -> None:
        self._labels = found.labels
        self._languages = languages
        self._texts = [row.text for row in found.rows]
        kept = np.array([row.id not in doubted for row in found.rows])
        self._true, self._predicted = np.where(kept, found.true, -1), found.predicted
        self._real = found.has_real_texts

    def of_contrast(self, label: int, other: int) -> tuple[str, ...]:
        """Return what tells texts of `label` from those of `other`, and what misled: words, and the usual length."""
        words = words_apart(
            self._labels[label],
            self._labels[other],
            self._of(label),
            self._of(other),
            mistaken=self._of(label, taken_for=other),
            right=self._of(label, taken_for=label),
            languages=self._languages,
        )
        return (*words, *filter(None, [self.length(label)]))

    def of_ordinary(self, label: int) -> tuple[str, ...]:
        """Return the form of the texts that were mistaken for `label` or were of it, where it differs from others'."""
        wrong = (self._true != self._predicted) & (self._true >= 0)
        concerned = wrong & ((self._true == label) | (self._predicted == label))
        right = ~wrong & (self._true >= 0)
        clauses: tuple[str, ...] = ()
        if self._real:
            clauses = form_clauses(self._forms.take(concerned), self._forms.take(right), self._languages)
        form = f"Write in the form of texts that were mistaken: {'; '.join(clauses)}." if clauses else ""
        return tuple(filter(None, (form, "" if form else self.length(label))))

    def length(self, label: int) -> str:
        """Return the sentence about how long real texts of `label` are; nothing where there are too few."""
        return usual_length(self._labels[label], self._of(label)) if self._real else ""

    @cached_property
    def _forms(self) -> Forms:
        return forms_of(self._texts)

    def _of(self, label: int, taken_for: int | None = None) -> list[str]:
        wanted = self._true == label
        if taken_for is not None:
            wanted &= self._predicted == taken_for
        return [self._texts[place] for place in np.flatnonzero(wanted)]


def words_apart(
    named: str,
    neighbour: str,
    own: list[str],
    theirs: list[str],
    *,
    mistaken: list[str],
    right: list[str],
    languages: tuple[str, ...],
) -> tuple[str, ...]:
    """Return which words tell the texts `own` of `named` from `theirs`, and which misled in those `mistaken`."""
    pairs = ((own, theirs), (theirs, own), (mistaken, right))
    usual, opposite, misled = (telling_words(*pair, languages) for pair in pairs)
    sentences = (
        f"Words of {named!r} rather than of {neighbour!r}: {usual}." if usual else "",
        f"Words of {neighbour!r} rather than of {named!r}: {opposite}." if opposite else "",
        f"Texts of {named!r} that were taken for {neighbour!r} speak of: {misled}." if misled else "",
    )
    return tuple(filter(None, sentences))


def usual_length(named: str, texts: list[str]) -> str:
    """Return the sentence about how long the real `texts` of `named` are; nothing where there are too few.

    Nor where more than a few are of scripts without spaces: their words cannot be counted.
    """
    counts = [number_of_words(text) for text in texts if not is_unspaced(text)]
    if len(counts) < max(LEAST_TEXTS, LEAST_ALIKE * len(texts)):
        return ""
    low, high = (int(n) for n in np.percentile(counts, _RANGE, method="nearest"))
    return f"Most real texts of {named!r} have {low} to {high} words: spread over that range."
