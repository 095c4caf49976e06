"""A regeneration plan where rows may have several labels: texts with the sets of labels that were answered wrongly."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from classwright_tools.curation.allotment import spread
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.label_sets import named_together
from classwright_tools.domain.regeneration import RegenerationItem
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.measurement.guidance import usual_length, words_apart
from classwright_tools.measurement.held_out import Answers
from classwright_tools.measurement.naming import ENGLISH
from classwright_tools.measurement.regeneration import (
    CELL_SHARE,
    CONTRASTS_A_CELL,
    LEAST_OF_PAIR,
    TEXTS_AN_ERROR,
    Embed,
    Planned,
    contrast_share,
    rows_of_pairs,
)
from classwright_tools.measurement.typical_texts import show_the_usual, texts_amid

MOST_TOGETHER = 2
"""Labels that a text is written for: with more at once it reads like a list of them."""


@dataclass(frozen=True)
class _Fault:
    """Rows (their places) with the labels `own` in which labels were missed, or `other` was added; all are places."""

    own: tuple[int, ...]
    other: int | None
    rows: tuple[int, ...]


def plan_sets(
    found: Answers,
    rows: int,
    *,
    scarce: Mapping[int, int] = MappingProxyType({}),
    held: Mapping[Cell, int],
    doubted: Collection[str],
    embed: Embed,
    languages: tuple[str, ...] = ENGLISH,
    with_contrasts: bool,
    seed: int,
) -> Planned:
    """Return what to write, `rows` texts or fewer in all, for `scarce` labels and then for the most frequent faults.

    A fault is a label that was added to rows of one set of labels, or that some was missed in them. Against the first,
    texts of the set are written that resemble the label, and ordinary ones; against the second ordinary ones. Of a row
    with more than `MOST_TOGETHER` labels the missed ones count. `scarce` are the labels (their places)
    with hardly any training rows, and how many they have, `held` the cells of the topic tree, and `doubted` the ids of
    rows whose labels may be wrong. `embed` gives unit-length vectors (n, d) of texts. Against faults there are
    `TEXTS_AN_ERROR` texts at most for each row in `found` that is wrong.
    """
    faults = _faults(found)
    apart = min(LEAST_OF_PAIR, int(rows * CELL_SHARE) // max(1, len(scarce)))
    rows = min(rows - apart * len(scarce), TEXTS_AN_ERROR * int(found.is_wrong.sum()))
    reached = faults[: max(1, rows // LEAST_OF_PAIR)]
    missed = faults[len(reached) :]
    counts = rows_of_pairs([len(fault.rows) for fault in reached], rows)
    share = contrast_share(len(found.labels)) if with_contrasts else 0.0
    writing = _Writing(found, held, scarce, doubted, embed, languages, seed)
    contrasts: list[RegenerationItem] = []
    ordinary: Counter[tuple[int, ...]] = Counter({(label,): apart for label in scarce})
    for fault, count in zip(reached, counts, strict=True):
        of_contrasts = 0 if fault.other is None else math.ceil(count * share)
        contrasts += [writing.contrast(fault, of_contrasts)] if of_contrasts else []
        ordinary[fault.own] += count - of_contrasts
    others = [writing.ordinary(own, count) for own, count in ordinary.most_common() if count]
    few = {found.labels[label] for label in scarce}
    return Planned(
        items=tuple(sorted((*contrasts, *others), key=lambda item: item.label not in few)),
        pairs_left_out=len(missed),
        errors_left_out=sum(len(fault.rows) for fault in missed),
    )


def _faults(found: Answers) -> list[_Fault]:
    """Return the faults, those of most rows first."""
    rows: defaultdict[tuple[tuple[int, ...], int | None], list[int]] = defaultdict(list)
    for place in found.wrong.tolist():
        own = _written_for(found.true[place], found.predicted[place])
        added: Sequence[int | None] = np.flatnonzero(found.predicted[place] & ~found.true[place]).tolist()
        for other in added or [None]:
            rows[own, other].append(place)
    faults = [_Fault(own, other, tuple(places)) for (own, other), places in rows.items()]
    return sorted(faults, key=lambda one: (-len(one.rows), one.own, -1 if one.other is None else one.other))


def _written_for(true: npt.NDArray[np.bool_], given: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    """Return the labels (their places, in order) that texts like a row are written for: the missed ones first."""
    labels = [*np.flatnonzero(true & ~given).tolist(), *np.flatnonzero(true & given).tolist()]
    return tuple(sorted(labels[:MOST_TOGETHER]))


class _Writing:
    """The items of a plan, each with its reason, its guidance and the texts that it shows."""

    def __init__(
        self,
        found: Answers,
        held: Mapping[Cell, int],
        scarce: Mapping[int, int],
        doubted: Collection[str],
        embed: Embed,
        languages: tuple[str, ...],
        seed: int,
    ) -> None:
        self._scarce: dict[tuple[int, ...], int] = {(label,): rows for label, rows in scarce.items()}
        self._found, self._embed, self._languages, self._seed = found, embed, languages, seed
        self._usual = show_the_usual(found, doubted)
        self._trusted = np.array([row.id not in doubted for row in found.rows])
        self._cells: defaultdict[str, list[Cell]] = defaultdict(list)
        for cell in held:
            self._cells[cell.label].append(cell)

    def contrast(self, fault: _Fault, count: int) -> RegenerationItem:
        """Return `count` texts of the fault's labels that are easily taken to have the one that was added, too."""
        found, other = self._found, fault.other
        assert other is not None
        name, added = self._named(fault.own), found.labels[other]
        own, taken = self._of(fault.own), found.predicted[:, other]
        guidance = words_apart(
            name,
            added,
            self._texts(own),
            self._texts(found.true[:, other]),
            mistaken=self._texts(own & taken),
            right=self._texts(own & ~taken),
            languages=self._languages,
        )
        return RegenerationItem(
            label=name,
            contrast=added,
            cells=tuple(spread(self._cells[name])[: math.ceil(count / CONTRASTS_A_CELL)]),
            count=count,
            reason=f"{counted(len(fault.rows), 'row')} of {name!r} given {added!r}, without having it; in all "
            f"{counted(int(taken.sum()), 'row')} given it, and {int((taken & found.true[:, other]).sum())} with it.",
            guidance=(*guidance, *self._length(name, own)),
            style=self._amid(own),
            contrast_style=self._amid(found.true[:, other]),
        )

    def ordinary(self, labels: tuple[int, ...], count: int) -> RegenerationItem:
        """Return `count` ordinary texts of `labels`."""
        name, own = self._named(labels), self._of(labels)
        wrong = int((own & self._found.is_wrong).sum())
        more = "" if own.any() else " No row has these alone."
        if labels in self._scarce:
            more += f" It has {counted(self._scarce[labels], 'training row')}."
        return RegenerationItem(
            label=name,
            count=count,
            reason=f"Ordinary texts of {name!r}: {wrong} of {counted(int(own.sum()), 'row')} not labelled so.{more}",
            guidance=self._length(name, own),
            style=self._amid(own),
        )

    def _named(self, labels: Sequence[int]) -> str:
        return named_together(self._found.labels[place] for place in labels)

    def _of(self, labels: Sequence[int]) -> npt.NDArray[np.bool_]:
        """Return which rows (n,) have these labels and no other."""
        wanted = np.isin(np.arange(len(self._found.labels)), labels)
        own: npt.NDArray[np.bool_] = (self._found.true == wanted).all(axis=1)
        return own

    def _texts(self, chosen: npt.NDArray[np.bool_]) -> list[str]:
        return [self._found.rows[place].text for place in np.flatnonzero(chosen & self._trusted)]

    def _length(self, name: str, own: npt.NDArray[np.bool_]) -> tuple[str, ...]:
        sentence = usual_length(name, self._texts(own)) if self._found.has_real_texts else ""
        return (sentence,) if sentence else ()

    def _amid(self, own: npt.NDArray[np.bool_]) -> tuple[str, ...]:
        return texts_amid(self._found, self._usual & own, self._embed, self._seed)
