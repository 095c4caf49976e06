"""How many rows each label and each cell gets: exactly as many as were asked for, as evenly as whole numbers allow."""

from __future__ import annotations

import math
from collections.abc import Sequence

from classwright_tools.domain.topic_tree import Cell

GOLDEN_SHARE = (math.sqrt(5) - 1) / 2


def even_shares(total: int, places: int) -> list[int]:
    """Return `places` whole numbers that add up to `total` and differ by one at most.

    The places that get one more lie scattered: their step is coprime to `places` and near the golden section of it,
    so that a few rows over many cells do not all fall to one topic or one source type.
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

    Labels differ by one row at most, and so do the cells of one label.
    """
    branches: dict[str, list[Cell]] = {}
    for cell in dict.fromkeys(cells):
        branches.setdefault(cell.label, []).append(cell)
    rows: dict[Cell, int] = {}
    for cells_of_label, share in zip(branches.values(), even_shares(total, len(branches)), strict=True):
        shares = even_shares(share, len(cells_of_label))
        rows.update((cell, n) for cell, n in zip(cells_of_label, shares, strict=True) if n)
    return rows
