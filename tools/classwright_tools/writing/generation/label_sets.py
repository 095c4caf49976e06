"""The labels that texts of a multi-label task are to have: one of them, two together, or none, and how many texts each.

Real rows say it where there are some. Before them the usual shares hold, which weigh as much as `USUAL` rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, zip_longest
from typing import TypeVar

from classwright_tools.curation.allotment import even_shares, proportional_shares, rows_by_label, scattered
from classwright_tools.domain.example import REAL_TEXTS, Split
from classwright_tools.domain.label_sets import NO_LABELS, in_order, named_together
from classwright_tools.domain.task import Task
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.workspace.datasets import iterate_rows
from classwright_tools.workspace.workspace import Workspace
from classwright_tools.writing.generation.targets import ROWS_A_CELL, CellTarget

Labels = tuple[str, ...]
T = TypeVar("T")
USUAL = (12, 5, 3)
"""Of 20 rows: those with one label, with two and with none. With none and with one there is a contrast to every label,
and what two labels look like together is learned from rows of both."""
_TELLING: tuple[Split, ...] = ("train", "validation")


def real_label_sets(workspace: Workspace, dataset: str | None) -> list[Labels]:
    """Return the labels of each real training and validation row of `dataset` of which they are known."""
    batches = (batch for split in _TELLING for batch in iterate_rows(workspace, dataset, split)) if dataset else ()
    return [row.labels for batch in batches for row in batch if row.labels is not None and row.origin in REAL_TEXTS]


def set_counts(rows: int, names: Sequence[str], real: Iterable[Labels]) -> dict[str, int]:
    """Return how many of `rows` texts are to have which labels of `names`, by what callers write for these.

    How many have one label, two or none goes by `USUAL` and the `real` rows together. Those with one are spread evenly
    over the labels. Pairs go by how often real rows have both labels; where none has, they come by turns.
    """
    real = [in_order(labels, names) for labels in real]
    sizes = Counter(min(2, len(labels)) for labels in real)
    together: Counter[Labels] = Counter(pair for labels in real for pair in combinations(labels, 2))
    shares = [usual + sizes[size] for usual, size in zip(USUAL, (1, 2, 0), strict=True)]
    one, two, none = proportional_shares(rows, shares)
    pairs = _pairs(names)
    # Pairs that no real row has weigh, all together, as much as the usual rows with two labels.
    of_pairs = proportional_shares(two, [USUAL[1] + together[pair] * len(pairs) for pair in pairs])
    counts = dict(zip(names, even_shares(one, len(names)), strict=True))
    counts |= {named_together(pair): count for pair, count in zip(pairs, of_pairs, strict=True)}
    return counts | {NO_LABELS: none}


def targets_of_sets(
    task: Task, cells: Sequence[Cell], rows: int | None, wished: Sequence[str], real: Iterable[Labels]
) -> tuple[CellTarget, ...]:
    """Return targets that spread `rows` over sets of labels, by `set_counts`, and over the `cells` of the topic tree.

    Those `wished` for, if there are some, get as many each. `ROWS_A_CELL` a cell when `rows` is None.
    """
    if wished:
        wanted = ROWS_A_CELL * len(cells_of_sets(task, wished, cells)) if rows is None else rows
        counts = dict(zip(wished, even_shares(wanted, len(wished)), strict=True))
    else:
        counts = set_counts(ROWS_A_CELL * len(cells) if rows is None else rows, task.label_names, real)
    places = cells_of_sets(task, [name for name, count in counts.items() if count], cells)
    return tuple(CellTarget(cell, n) for cell, n in rows_by_label(counts, places).items())


def cells_of_sets(task: Task, written: Sequence[str], cells: Iterable[Cell]) -> list[Cell]:
    """Return the cells for texts with each of the sets of labels `written`, from the `cells` of the topic tree."""
    by_label: dict[str, list[Cell]] = {}
    for cell in cells:
        by_label.setdefault(cell.label, []).append(cell)
    labels = [task.labels_of(name) for name in written]
    return [cell for turn, own in enumerate(labels) for cell in _cells(own, by_label, turn)]


def _cells(labels: Labels, by_label: Mapping[str, Sequence[Cell]], turn: int) -> list[Cell]:
    """Return the cells for texts with all of `labels`: those of each label by turns, or the one without a topic.

    So a text with two labels is about a topic of one of them. Each `turn` begins with other topics: most pairs get few
    texts.
    """
    name = named_together(labels)
    branches = [list(by_label.get(label, ())) for label in labels or (NO_LABELS,)]
    if len(branches) > 1:
        branches = [_rotated(branch, turn) for branch in _rotated(branches, turn)]
    found = [cell for together in zip_longest(*branches) for cell in together if cell is not None]
    return [cell.model_copy(update={"label": name}) for cell in found] or [Cell(label=name)]


def _rotated(items: Sequence[T], turn: int) -> list[T]:
    """Return `items` beginning at another one each `turn`; one turn after the other they begin all over the list."""
    first = scattered(len(items))[turn % len(items)] if items else 0
    return [*items[first:], *items[:first]]


def _pairs(names: Sequence[str]) -> list[Labels]:
    """Return all pairs of `names`, in an order of which every beginning has each name about as often."""
    steps = range(1, len(names) // 2 + 1)
    places = ((place, (place + step) % len(names)) for step in steps for place in scattered(len(names)))
    return list(dict.fromkeys((names[min(pair)], names[max(pair)]) for pair in places))
