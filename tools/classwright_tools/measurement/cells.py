"""Cells of the topic tree that hold too few training rows, or rows that say the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.analysis import CellFinding
from classwright_tools.domain.example import Example
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.label_sets import labels_apart
from classwright_tools.domain.topic_tree import Cell, TopicTree

USUAL_ROWS = 2  # rows a cell, as synthesize_examples writes by default
NEARLY_THE_SAME = 0.95  # cosine similarity of two embeddings
MOST_ROWS = 5_000  # embedded in one analysis

Embed = Callable[[Sequence[str]], npt.NDArray[np.floating]]


def held_rows(rows: Sequence[Example], tree: TopicTree) -> dict[Cell, int]:
    """Return how many of `rows` each of the tree's cells holds, in the tree's order.

    A subtopic of which most rows were given another label is not there: texts of it are not of its label.
    """
    held = {cell: len(places) for cell, places in _rows_by_cell(rows).items()}
    cells = tree.cells()
    there = {*cells}
    kept: Counter[tuple[str, str | None, str | None]] = Counter()
    moved: Counter[tuple[str | None, str | None]] = Counter()
    for cell, count in held.items():
        if cell in there:
            kept[cell.label, cell.topic, cell.subtopic] += count
        elif len(labels_apart(cell.label)) == 1:  # a set of labels takes its topics from each
            moved[cell.topic, cell.subtopic] += count
    return {
        cell: held.get(cell, 0)
        for cell in cells
        if moved[cell.topic, cell.subtopic] <= kept[cell.label, cell.topic, cell.subtopic]
    }


def wanted_rows(held: Mapping[Cell, int]) -> int:
    """Return how many rows a cell was meant to have: what most of the filled cells do have."""
    counts = Counter(n for n in held.values() if n)
    return max(counts, key=lambda n: (counts[n], n)) if counts else USUAL_ROWS


def missing_cells(held: Mapping[Cell, int], wanted: int) -> tuple[CellFinding, ...]:
    """Return the cells that hold less than half of the `wanted` rows, in the order of `held`."""
    return tuple(
        CellFinding(cell=cell, finding="missing", rows=n, detail=f"{n} of {counted(wanted, 'row')}")
        for cell, n in held.items()
        if 2 * n < wanted
    )


def redundant_cells(rows: Sequence[Example], embed: Embed, seed: int) -> tuple[CellFinding, ...]:
    """Return the cells at least half of whose rows nearly repeat another row of the cell, the largest first.

    `embed` gives unit-length vectors (n, d) of texts. Of many cells a sample with `MOST_ROWS` rows is looked at.
    """
    cells = _some_cells(rows, seed)
    places = [place for members in cells.values() for place in members]
    vectors = embed([rows[place].content for place in places])
    found, start = [], 0
    for cell, members in cells.items():
        own = vectors[start : start + len(members)]
        start += len(members)
        similarity = own @ own.T
        np.fill_diagonal(similarity, -1)
        repeats = int((similarity.max(axis=1) >= NEARLY_THE_SAME).sum())
        if 2 * repeats >= len(members):
            detail = f"{repeats} of {len(members)} rows say nearly the same as another"
            found.append(CellFinding(cell=cell, finding="redundant", rows=len(members), detail=detail))
    return tuple(sorted(found, key=lambda finding: -finding.rows))


def _some_cells(rows: Sequence[Example], seed: int) -> dict[Cell, list[int]]:
    """Return the places of the rows of whole cells with two rows or more, `MOST_ROWS` of them at most."""
    cells = [(cell, places) for cell, places in _rows_by_cell(rows).items() if len(places) > 1]
    order = np.random.default_rng(seed).permutation(len(cells))
    total = np.cumsum([len(cells[i][1]) for i in order])
    return dict(cells[i] for i in sorted(order[total <= MOST_ROWS]))


def _rows_by_cell(rows: Sequence[Example]) -> dict[Cell, list[int]]:
    """Return the places of the ordinary rows of each cell; contrasts and rows that have no topic are of no cell."""
    held: dict[Cell, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        cell = row.provenance.cell if row.provenance and not row.provenance.contrast else None
        if cell and cell.topic:
            held[cell].append(place)
    return held
