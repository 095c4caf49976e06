"""The making of a regeneration plan: texts near the borders that errors crossed, ordinary texts, and thin cells."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from classwright_tools.curation.allotment import proportional_shares, spread
from classwright_tools.domain.analysis import CellFinding
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.regeneration import RegenerationItem
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.measurement.confusion_rates import expected_confusions
from classwright_tools.measurement.guidance import Guidance
from classwright_tools.measurement.held_out import Answers
from classwright_tools.measurement.naming import ENGLISH
from classwright_tools.measurement.typical_texts import show_the_usual, texts_amid
from classwright_tools.statistics.metrics import confusion_matrix

# Texts for a pair of labels, both contrasts and the ordinary texts together: fewer teach nothing, more begin to repeat.
LEAST_OF_PAIR, MOST_OF_PAIR = 12, 200
# Texts against confusions for each error that was seen: two errors are no ground for hundreds of texts.
TEXTS_AN_ERROR = 15
# Contrasts among a pair's texts. With 2 and 3 labels classifiers did the better the fewer there were, with 12 the
# better the more: benchmarks/README.md, "Contrasts and ordinary texts".
MOST_CONTRASTS, LABELS_FOR_ALL = 0.75, 12
CELL_SHARE = 0.25  # of the rows may go into thin cells: errors come first
CONTRASTS_A_CELL, ORDINARY_A_CELL = 4, 2  # texts, where a label has cells enough

Embed = Callable[[Sequence[str]], npt.NDArray[np.floating]]


class Pair(NamedTuple):
    """Two labels (their places) with errors between them, the share of all texts that each loses to the other."""

    first: int
    second: int
    lost: float
    won: float

    @property
    def weight(self) -> float:
        """The share of all texts that is expected to be mistaken, either way."""
        return self.lost + self.won


@dataclass(frozen=True)
class Planned:
    """What to write, and the errors of confused pairs that the rows did not reach.

    `passed_over` are those of them, by their labels, that would be reached if labels had the rows' own shares.
    """

    items: tuple[RegenerationItem, ...] = ()
    pairs_left_out: int = 0
    errors_left_out: int = 0
    passed_over: tuple[tuple[str, str], ...] = ()


def confused_labels(found: Answers, sources: Sequence[Answers], shares: Sequence[float] | None = None) -> list[Pair]:
    """Return the pairs of labels with errors in `found`, those with the most errors to expect at `shares` first."""
    expected = np.round(expected_confusions(found, sources, shares), 9)  # a sum's last digits depend on the rows' order
    pairs = [
        Pair(first, second, float(expected[first, second]), float(expected[second, first]))
        for first in range(len(expected))
        for second in range(first + 1, len(expected))
        if expected[first, second] + expected[second, first] > 0
    ]
    return sorted(pairs, key=lambda pair: (-pair.weight, pair))


def plan_items(
    found: Answers,
    sources: Sequence[Answers],
    rows: int,
    *,
    scarce: Mapping[int, int] = MappingProxyType({}),
    thin: Sequence[CellFinding] = (),
    wanted: int = 1,
    held: Mapping[Cell, int] = MappingProxyType({}),
    doubted: Collection[str] = (),
    embed: Embed,
    languages: tuple[str, ...] = ENGLISH,
    with_contrasts: bool = True,
    shares: Sequence[float] | None = None,
    seed: int = 0,
) -> Planned:
    """Return what to write, `rows` texts or fewer in all, for `scarce` labels and then the most confused pairs first.

    Against confusions there are `TEXTS_AN_ERROR` at most for each error in `found`.

    `found` are the answers that errors were found in, `sources` all answers to rows that a model did not see, `scarce`
    the labels (their places) with hardly any training rows, and how many they have, `thin` the cells with fewer than
    `wanted` rows, `held` how many rows each cell of the topic tree has (mistaken labels without any get ordinary texts
    first), and `doubted` the ids of rows whose label may be wrong. `embed` gives unit-length vectors (n, d) of texts.
    Without `with_contrasts` all are ordinary texts. `shares` (k,) of the labels weigh the errors, by default those of
    the rows in `found`.
    """
    apart = int(rows * CELL_SHARE)
    bare = list(dict.fromkeys([*scarce, *_without_cells(found, held)]))
    ordinary = Counter(dict.fromkeys(bare, min(LEAST_OF_PAIR, apart // max(1, len(bare)))))
    thin_items = _cell_items(thin, wanted, apart - ordinary.total(), seed)
    planned = ordinary.total() + sum(item.count for item in thin_items)
    left = min(rows - planned, TEXTS_AN_ERROR * int(found.is_wrong.sum()))
    pairs = confused_labels(found, sources, shares)
    reached = pairs[: max(1, left // LEAST_OF_PAIR)]
    matrix = confusion_matrix(found.true, found.predicted, len(found.labels))
    missed = pairs[len(reached) :]
    held = {**held, **{cell: wanted for item in thin_items for cell in item.cells}}
    writing = _Writing(found, matrix, held, scarce, doubted, embed, languages, seed)
    share = contrast_share(len(found.labels)) if with_contrasts else 0.0
    contrasts: list[RegenerationItem] = []
    for pair, count in zip(reached, rows_of_pairs([pair.weight for pair in reached], left), strict=True):
        of_contrasts = math.ceil(count * share)
        # Half goes by who loses more, half evenly: what is written on one side of a border alone only moves it.
        sides = [3 * pair.lost + pair.won, 3 * pair.won + pair.lost]
        for (label, other), n in zip(
            ((pair.first, pair.second), (pair.second, pair.first)), _shares(of_contrasts, sides), strict=True
        ):
            contrasts += [writing.contrast(label, other, n)] if n else []
        for label, n in zip((pair.first, pair.second), _shares(count - of_contrasts, [1, 1]), strict=True):
            ordinary[label] += n
    others = [writing.ordinary(label, n) for label, n in ordinary.most_common() if n]
    few = {found.labels[label] for label in scarce}
    by_rows = confused_labels(found, sources)[: len(reached)] if shares is not None and missed else []
    places = {pair[:2] for pair in missed}
    over = [pair for pair in by_rows if pair[:2] in places]
    return Planned(
        items=tuple(sorted((*contrasts, *others, *thin_items), key=lambda item: item.label not in few)),
        pairs_left_out=len(missed),
        errors_left_out=int(sum(matrix[p.first, p.second] + matrix[p.second, p.first] for p in missed)),
        passed_over=tuple((found.labels[pair.first], found.labels[pair.second]) for pair in over),
    )


def _without_cells(found: Answers, held: Mapping[Cell, int]) -> list[int]:
    """Return the labels, by place, of which rows were mistaken and that have no cells where others have some."""
    grown = {cell.label for cell in held}
    mistaken = {*found.true[found.is_wrong].tolist()}
    return [place for place in sorted(mistaken) if grown and found.labels[place] not in grown]


def contrast_share(labels: int) -> float:
    """Return the share of contrasts among the texts against a confusion, of so many labels."""
    return min(MOST_CONTRASTS, labels / LABELS_FOR_ALL)


def rows_of_pairs(weights: Sequence[float], rows: int) -> list[int]:
    """Return how many of `rows` texts each pair gets, `LEAST_OF_PAIR` to `MOST_OF_PAIR`, at most `rows` in all.

    They follow the weights' square roots: the first texts of a pair teach most.
    """
    roots = np.sqrt(np.asarray(weights, np.float64))
    least = min(LEAST_OF_PAIR, rows)
    low, high = 0.0, MOST_OF_PAIR / max(float(roots.min(initial=1)), 1e-9)
    for _ in range(60):  # bisection for the factor that spends the rows
        middle = (low + high) / 2
        spent = np.floor(np.clip(roots * middle, least, MOST_OF_PAIR)).sum()
        low, high = (middle, high) if spent <= rows else (low, middle)
    return [int(count) for count in np.floor(np.clip(roots * low, least, MOST_OF_PAIR))]


def _shares(total: int, weights: Sequence[float]) -> list[int]:
    """Return whole numbers that add up to `total`, in proportion to `weights`."""
    largest = max(weights)
    return proportional_shares(total, [max(1, round(1_000 * weight / largest)) for weight in weights])


class _Writing:
    """The items of a plan, each with its reason, its cells, its guidance and the texts that it shows."""

    def __init__(
        self,
        found: Answers,
        matrix: npt.NDArray[np.int64],
        held: Mapping[Cell, int],
        scarce: Mapping[int, int],
        doubted: Collection[str],
        embed: Embed,
        languages: tuple[str, ...],
        seed: int,
    ) -> None:
        self._found, self._matrix, self._scarce, self._embed = found, matrix, scarce, embed
        self._usual, self._seed = show_the_usual(found, doubted), seed
        self._styles: dict[int, tuple[str, ...]] = {}  # of labels in the plan, which are a few of very many
        self._guidance = Guidance(found, doubted, languages)
        self._held = held
        self._cells: dict[str, list[Cell]] = defaultdict(list)
        for cell in held:
            self._cells[cell.label].append(cell)

    def contrast(self, label: int, other: int, count: int) -> RegenerationItem:
        """Return `count` texts of `label` that are easily taken for `other`."""
        name, neighbour = self._found.labels[label], self._found.labels[other]
        matrix = self._matrix
        mistaken = (self._found.true == label) & (self._found.predicted == other)
        were = counted(matrix[label].sum(), f"row of {name!r} was", f"rows of {name!r} were")
        return RegenerationItem(
            label=name,
            contrast=neighbour,
            cells=self._near(label, mistaken, count),
            count=count,
            reason=f"{matrix[label, other]} of {were} taken for {neighbour!r}, "
            f"{matrix[other, label]} of {matrix[other].sum()} the other way.",
            guidance=self._guidance.of_contrast(label, other),
            style=self._style(label),
            contrast_style=self._style(other),
        )

    def ordinary(self, label: int, count: int) -> RegenerationItem:
        """Return `count` ordinary texts of `label`, in the form of those that were mistaken."""
        name, matrix = self._found.labels[label], self._matrix
        few = f"it has {counted(self._scarce[label], 'training row')}, and " if label in self._scarce else ""
        emptiest = sorted(spread(self._cells[name]), key=self._held.__getitem__)
        return RegenerationItem(
            label=name,
            cells=tuple(emptiest[: math.ceil(count / ORDINARY_A_CELL)]),
            count=count,
            reason=f"Ordinary texts of {name!r}, {'in its emptiest cells' if emptiest else 'which has no topics'}: "
            f"{few}{matrix[label].sum() - matrix[label, label]} of "
            f"{counted(matrix[label].sum(), 'row was', 'rows were')} mistaken.",
            guidance=self._guidance.of_ordinary(label),
            style=self._style(label),
        )

    def _style(self, label: int) -> tuple[str, ...]:
        """Return typical real texts of `label`; () where none were answered rightly."""
        if label not in self._styles:
            own = self._usual & (self._found.true == label)
            self._styles[label] = texts_amid(self._found, own, self._embed, self._seed)
        return self._styles[label]

    def _near(self, label: int, mistaken: npt.NDArray[np.bool_], count: int) -> tuple[Cell, ...]:
        """Return cells of `label` to write `count` contrasts in: subtopics that `mistaken` rows are nearest to first.

        Without errors, or after their subtopics, the cells are spread over the tree.
        """
        cells = spread(self._cells[self._found.labels[label]])
        subtopics = list(dict.fromkeys((cell.topic, cell.subtopic) for cell in cells))
        texts = [self._found.rows[place].content for place in np.flatnonzero(mistaken)]
        near: Counter[tuple[str | None, str | None]] = Counter()
        if subtopics and texts:
            phrases = [": ".join(filter(None, subtopic)) for subtopic in subtopics]
            nearest = (self._embed(texts) @ self._embed(phrases).T).argmax(axis=1)
            near.update(subtopics[place] for place in nearest.tolist())
        visits: Counter[tuple[str | None, str | None]] = Counter()
        order = []
        for cell in cells:
            subtopic = (cell.topic, cell.subtopic)
            order.append((visits[subtopic], -near[subtopic]))
            visits[subtopic] += 1
        ranked = sorted(range(len(cells)), key=order.__getitem__)
        return tuple(cells[place] for place in ranked[: math.ceil(count / CONTRASTS_A_CELL)])


def _cell_items(thin: Sequence[CellFinding], wanted: int, rows: int, seed: int) -> list[RegenerationItem]:
    """Return one item for each label with thin cells, as far as `rows` reach: the emptiest, spread over the tree.

    Which labels come first among equals is drawn by the `seed`: by their order the same ones would always go short.
    """
    of_label: dict[str, list[Cell]] = defaultdict(list)
    for finding in thin:
        of_label[finding.cell.label].append(finding.cell)
    ranks = {cell: rank for cells in of_label.values() for rank, cell in enumerate(spread(cells))}
    cells: dict[str, list[Cell]] = defaultdict(list)
    counts: dict[str, int] = defaultdict(int)
    turns = dict(zip(of_label, np.random.default_rng(seed).permutation(len(of_label)).tolist(), strict=True))
    for finding in sorted(thin, key=lambda one: (one.rows, ranks[one.cell], turns[one.cell.label])):
        missing = wanted - finding.rows
        if missing <= rows:
            rows -= missing
            cells[finding.cell.label].append(finding.cell)
            counts[finding.cell.label] += missing
    return [
        RegenerationItem(
            label=label,
            cells=tuple(cells[label]),
            count=counts[label],
            reason=f"{counted(len(cells[label]), 'cell')} of {label!r} with less than half as many rows as others, "
            f"which have {wanted}.",
        )
        for label in of_label
        if label in cells
    ]
