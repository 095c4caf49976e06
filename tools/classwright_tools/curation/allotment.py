"""Rows for each label and each cell: exactly as many as were asked for, as evenly as whole numbers allow."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from classwright_tools.domain.topic_tree import Cell

GOLDEN_SHARE = (math.sqrt(5) - 1) / 2


def even_shares(total: int, places: int) -> list[int]:
    """Return `places` whole numbers that add up to `total` and differ by one at most.

    The places that get one more lie scattered: their step is coprime to `places` and near the golden section of it.
    """
    base, extra = divmod(total, places)
    shares = [base] * places
    for turn in scattered(places)[:extra]:
        shares[turn] += 1
    return shares


def scattered(places: int) -> list[int]:
    """Return the numbers 0 to `places` - 1, each once, in an order whose beginning is spread over the whole range."""
    step = max(1, round(places * GOLDEN_SHARE))
    while math.gcd(step, places) != 1:
        step += 1
    return [turn * step % places for turn in range(places)]


def proportional_shares(total: int, weights: Sequence[int]) -> list[int]:
    """Return whole numbers in proportion to the positive `weights` that add up to `total`.

    Largest remainders get what rounding down leaves over (Hamilton's method); of equal ones the first.
    """
    whole = sum(weights)
    shares = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda place: (-(total * weights[place] % whole), place))
    for place in by_remainder[: total - sum(shares)]:
        shares[place] += 1
    return shares


def rows_by_cell(total: int, cells: Sequence[Cell]) -> dict[Cell, int]:
    """Return how many of `total` rows each of `cells` gets; cells that get none are left out.

    Labels differ by one row at most, and so do the cells of one label. Those that get one more are spread.
    """
    labels = list(dict.fromkeys(cell.label for cell in cells))
    return rows_by_label(dict(zip(labels, even_shares(total, len(labels)), strict=True)), cells)


def rows_by_label(counts: Mapping[str, int], cells: Iterable[Cell]) -> dict[Cell, int]:
    """Return how many rows each of `cells` gets, of as many as `counts` says for its label, or its labels.

    The cells of one label differ by one row at most; those that get one more are spread. Those that get none are left
    out.
    """
    branches: dict[str, list[Cell]] = {}
    for cell in dict.fromkeys(cells):
        branches.setdefault(cell.label, []).append(cell)
    rows: dict[Cell, int] = {}
    for number, (label, cells_of_label) in enumerate(branches.items()):
        share = counts[label]
        base, extra = divmod(share, len(cells_of_label))
        first = set(spread(cells_of_label, number)[:extra])
        rows.update((cell, base + (cell in first)) for cell in cells_of_label if base or cell in first)
    return rows


def spread(cells: Sequence[Cell], turn: int = 0) -> list[Cell]:
    """Return `cells` in an order of which every beginning is spread over the tree.

    Every topic comes once before any comes twice, and so does every subtopic. Source types rotate from one cell to the
    next, and within a topic, as in a Latin square, through all of them however many there are; `turn` is the number of
    the source type to begin with.
    """
    topics: dict[str | None, dict[str | None, list[Cell]]] = {}
    for cell in cells:
        topics.setdefault(cell.topic, {}).setdefault(cell.subtopic, []).append(cell)
    strides = {
        topic: _stride(len(topics), len(below), max(map(len, below.values()))) for topic, below in topics.items()
    }
    places = {
        cell: ((number - topic - subtopic * strides[name] - turn) % len(sources), subtopic, topic)
        for topic, (name, subtopics) in enumerate(topics.items())
        for subtopic, sources in enumerate(subtopics.values())
        for number, cell in enumerate(sources)
    }
    return sorted(cells, key=places.__getitem__)


def _stride(topics: int, subtopics: int, sources: int) -> int:
    """Return by how many source types a topic's next subtopic is further on than the one before.

    One is enough for all to have a turn, unless they are more than topics and subtopics together.
    """
    if sources < topics + subtopics:
        return 1
    return next(step for step in range(topics, topics + sources) if math.gcd(step, sources) == 1)
