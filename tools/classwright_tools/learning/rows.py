"""The rows to train on: texts or pairs, label numbers, and groups that stay on one side of every split."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from classwright_tools.domain.example import Example, Origin, least_real
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.pair import apart
from classwright_tools.errors import InvalidInput, NotEnoughData
from classwright_tools.learning.label_space import encode

LEAST_ROWS = 2  # a label's; with one row nothing of it can be held out, and it has no other row to be drawn to
Joined = TypeVar("Joined", bound=str)
MOST_OF_A_LABEL = 0.8  # of its rows in one group: with a larger one held out, fewer are trained on than in a fold


@dataclass(frozen=True)
class Rows:
    """Texts; their labels (n,) as places in the list of labels; their groups (n,) as numbers; their origin.

    Where rows may have several labels, `labels` are which of them each has (n, k), bool. A pair's two texts are joined:
    see `domain/pair.py`. The origin is the least real of the rows: figures on rows held out of them are named by it.
    `mixed` are rows of several origins.
    """

    texts: tuple[str, ...]
    labels: np.ndarray
    groups: np.ndarray
    origin: Origin
    mixed: bool = False

    def __len__(self) -> int:
        return len(self.texts)

    def in_words(self, kind: str) -> str:
        """Return how many rows of a `kind` these are, and that only some are of the origin that names them."""
        return counted(len(self), f"{kind} row") + (f" (some of them {self.origin})" if self.mixed else "")

    @property
    def several(self) -> bool:
        """Whether a row may have several labels."""
        return self.labels.ndim > 1

    @property
    def strata(self) -> np.ndarray:
        """The labels (n,) whose shares splits keep; of a row with several the rarest, of one with none k."""
        return rarest_labels(self.labels) if self.several else self.labels

    def take(self, places: np.ndarray) -> Rows:
        """Return the rows at `places` (m,)."""
        return replace(
            self,
            texts=tuple(self.texts[place] for place in places),
            labels=self.labels[places],
            groups=self.groups[places],
        )

    def beside(self, others: Rows) -> Rows:
        """Return these rows and the `others`, of which no group is one of these; named by the origin of these."""
        return Rows(
            texts=self.texts + others.texts,
            labels=np.concatenate([self.labels, others.labels]),
            groups=np.concatenate([self.groups, others.groups + self.groups.max() + 1]),
            origin=self.origin,
            mixed=self.mixed or self.origin != others.origin,
        )


def rarest_labels(sets: np.ndarray) -> np.ndarray:
    """Return the rarest label (n,) of each of the `sets` of labels (n, k), bool; k where a set is empty."""
    counts = sets.sum(axis=0)
    rarest: np.ndarray = np.where(sets, counts, len(sets) + 1).argmin(axis=1)
    return np.where(sets.any(axis=1), rarest, len(counts))


def label_numbers(examples: Iterable[Example], labels: Sequence[str]) -> np.ndarray:
    """Return the place in `labels` of each example's label.

    Raises:
        InvalidInput: a row's label is not one of `labels`.
    """
    places = {name: place for place, name in enumerate(labels)}
    numbers = []
    for example in examples:
        if example.label not in places:
            raise _foreign(example, example.label)
        numbers.append(places[example.label])
    return np.array(numbers, np.int64)


def label_sets(examples: Iterable[Example], labels: Sequence[str]) -> np.ndarray:
    """Return which of `labels` each example has (n, k), bool.

    Raises:
        InvalidInput: a row's label is not one of `labels`.
    """
    rows = list(examples)
    for row in rows:
        for label in row.labels or ():
            if label not in labels:
                raise _foreign(row, label)
    return encode([row.labels or () for row in rows], labels)


def _foreign(row: Example, label: str | None) -> InvalidInput:
    return InvalidInput(
        f"row {row.id!r}",
        f"has the label {label!r}, which the task does not have",
        "Add the label to the task, or leave the row out of the dataset.",
    )


def training_rows(examples: Sequence[Example], labels: Sequence[str], *, several: bool = False) -> Rows:
    """Return the rows of `examples`, grouped by cells, by near-duplicates, and in a pair task by the query.

    With `several` a row may have several labels.

    Raises:
        InvalidInput: a row's label is not one of `labels`.
        NotEnoughData: a label has fewer than two rows.
    """
    rows = held_out_rows(examples, labels, several=several)
    counts = rows.labels.sum(axis=0) if several else np.bincount(rows.labels, minlength=len(labels))
    refuse_few(dict(zip(labels, counts.tolist(), strict=True)))
    return rows


def refuse_few(rows: Mapping[str, int]) -> None:
    """Raise a `NotEnoughData` if one of the labels has fewer than `LEAST_ROWS` training `rows`."""
    short = [f"{name!r} ({count})" for name, count in rows.items() if count < LEAST_ROWS]
    if short:
        raise NotEnoughData(
            f"{len(short)} of {len(rows)} labels",
            f"{'has' if len(short) == 1 else 'have'} fewer than {LEAST_ROWS} training rows, {listed(short, 10)}",
            "Write some with `synthesize_examples`, import some, or take the label out of the task.",
        )


def held_out_rows(examples: Sequence[Example], labels: Sequence[str], *, several: bool = False) -> Rows:
    """Return what `training_rows` does, of rows that are held out: a label may have one or none.

    Raises:
        InvalidInput: a row's label is not one of `labels`.
    """
    texts = tuple(example.content for example in examples)
    own = label_sets(examples, labels) if several else label_numbers(examples, labels)
    origins = {example.origin for example in examples}
    groups = _groups(examples)
    return Rows(texts=texts, labels=own, groups=groups, origin=least_real(origins), mixed=len(origins) > 1)


def written_at_once(examples: Iterable[Example]) -> list[str]:
    """Return the labels, sorted, of whose rows more than `MOST_OF_A_LABEL` were written for one cell or contrast.

    A calling model gets a small order as one batch a label, and which of the batch's cells a text is about is unknown.
    """
    groups: defaultdict[str, Counter[str | None]] = defaultdict(Counter)
    for example in examples:
        if example.label is not None:
            groups[example.label][_written_group(example)] += 1
    return sorted(
        label
        for label, own in groups.items()
        if max((rows for group, rows in own.items() if group), default=0) > MOST_OF_A_LABEL * own.total()
    )


def _groups(examples: Sequence[Example]) -> np.ndarray:
    """Return a number for each row: equal for rows of one cell or query, near-duplicates, and chains of them.

    Rows of a label that was written at once are not held together by that: without them next to none would be left to
    learn the label from.
    """
    from classwright_tools.curation.duplicates import NearDuplicates
    from classwright_tools.curation.shingles import folded

    at_once = set(written_at_once(examples))
    joined = _Joined(len(examples))
    first_of: dict[str, int] = {}
    index: NearDuplicates[int] = NearDuplicates()
    alike = index.add_each((place, example.content) for place, example in enumerate(examples))
    for place, (example, matches) in enumerate(zip(examples, alike, strict=True)):
        query = None if example.text_pair is None else f"query {folded(example.text)}"
        written = None if example.label in at_once else _written_group(example)
        for group in filter(None, (written, query)):
            joined.join(place, first_of.setdefault(group, place))
        for match in matches:
            joined.join(place, match.id)
    return np.array([joined.root(place) for place in range(len(examples))], np.int64)


def _written_group(example: Example) -> str | None:
    """Return the group of a row that was written for a cell or a contrast; None for one that only has a label."""
    made = example.provenance
    if made is None or not (made.contrast or (made.cell and (made.cell.topic or made.cell.item))):
        return None
    return made.group


def without_copies(examples: Sequence[Example], held_out: Iterable[Example]) -> list[Example]:
    """Return the `examples` that are no copy or near-duplicate of a `held_out` row, links and handles aside."""
    from classwright_tools.curation.bare_text import bare_form
    from classwright_tools.curation.duplicates import NearDuplicates

    rows = list(held_out)
    index: NearDuplicates[str] = NearDuplicates()
    index.add_all((row.id, row.content) for row in rows)
    bare = {bare_form(row.content) for row in rows} - {""}
    found = index.find_each(example.content for example in examples)
    return [
        example
        for example, match in zip(examples, found, strict=True)
        if match is None and bare_form(example.content) not in bare
    ]


def query_numbers(pairs: Iterable[str]) -> np.ndarray:
    """Return a number (n,) for each of the joined `pairs`: equal where the query is, case and punctuation aside."""
    from classwright_tools.curation.shingles import folded

    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(folded(apart(pair)[0]), len(numbers)) for pair in pairs], np.int64)


def without_queries(pairs: Iterable[Joined], held_out: Iterable[str]) -> tuple[Joined, ...]:
    """Return the `pairs` whose query no `held_out` pair has, case, blanks and punctuation aside; all are joined."""
    from classwright_tools.curation.shingles import folded

    seen = {folded(apart(pair)[0]) for pair in held_out}
    return tuple(pair for pair in pairs if folded(apart(pair)[0]) not in seen)


class _Joined:
    """A union-find forest of n things: which of them belong together."""

    def __init__(self, n: int) -> None:
        self._parents = list(range(n))

    def root(self, place: int) -> int:
        while self._parents[place] != place:
            self._parents[place] = self._parents[self._parents[place]]
            place = self._parents[place]
        return place

    def join(self, one: int, other: int) -> None:
        self._parents[self.root(one)] = self.root(other)
